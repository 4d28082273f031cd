"""Publishing an agenda: at its cut-off, by the chair, and what is frozen from then on."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone
from django.utils.html import escape
from post_office.models import Email

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle, presenting, queries, tasks
from crb.models import AgendaItem, AgendaVersion, Board, Meeting
from expansive_cm.post.words import Someone
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 1, 12, 9, tzinfo=UTC)
CUTOFF = datetime(2026, 1, 16, 14, tzinfo=UTC)
MEETING_ON = date(2026, 1, 20)


def fresh(meeting: Meeting) -> Meeting:
    return Meeting.objects.get(pk=meeting.pk)


def titles(meeting: Meeting) -> list[str]:
    items = meeting.items.filter(state="open").select_related("change")
    return [item.change.title for item in items.order_by("position")]


def mails(message: str) -> list[Email]:
    return [mail for mail in Email.objects.order_by("pk") if message in mail.subject]


# The cut-off


def test_the_agenda_is_published_at_its_cut_off(table: Table) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        meeting = table.meeting(date=MEETING_ON)
        table.change("One")
        assert meeting.cutoff_at == CUTOFF
        clock.move_to(CUTOFF - timedelta(seconds=1))
        tasks.publish_agendas()
        assert fresh(meeting).agenda_published_at is None
        clock.move_to(CUTOFF)
        tasks.publish_agendas()
    assert fresh(meeting).agenda_published_at == CUTOFF
    version = AgendaVersion.objects.get()
    assert (version.number, version.published_by, version.reason) == (1, None, "")
    item = meeting.items.get()
    assert version.entries == [
        {
            "item": item.pk,
            "reference": item.change.reference,
            "title": "One",
            "kind": "new",
            "organisation": "Harbour Hospitals",
            "presenter": "",
            "time_box": None,
            "is_consent": False,
            "late_reason": "",
        }
    ]


def test_beat_that_was_down_catches_up_once(table: Table) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        meeting = table.meeting(date=MEETING_ON)
        later = table.meeting(date=date(2026, 2, 3))
        table.change("One")
        clock.move_to(CUTOFF + timedelta(hours=5))
        tasks.publish_agendas()
        tasks.publish_agendas()
    assert AgendaVersion.objects.count() == 1
    assert len(mails("Agenda of")) == 7
    assert fresh(meeting).agenda_published_at == CUTOFF + timedelta(hours=5)
    assert fresh(later).agenda_published_at is None


def test_a_meeting_whose_day_is_over_is_not_published(table: Table) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        meeting = table.meeting(date=MEETING_ON)
        clock.move_to(datetime(2026, 1, 21, 9, tzinfo=UTC))
        tasks.publish_agendas()
    assert fresh(meeting).agenda_published_at is None


def test_a_cut_off_of_no_days_is_the_start_itself(table: Table) -> None:
    Board.objects.update(cutoff_days=0)
    with time_machine.travel(MONDAY, tick=False) as clock:
        meeting = table.meeting(date=MEETING_ON)
        clock.move_to(datetime(2026, 1, 20, 13, 59, tzinfo=UTC))
        tasks.publish_agendas()
        assert not fresh(meeting).is_published
        clock.move_to(datetime(2026, 1, 20, 14, tzinfo=UTC))
        tasks.publish_agendas()
        assert fresh(meeting).is_published


def test_a_meeting_that_was_moved_away_is_left_alone(table: Table) -> None:
    with time_machine.travel(CUTOFF, tick=False):
        meeting = table.meeting(date=MEETING_ON)
        due = queries.due_agendas(CUTOFF)
        Meeting.objects.filter(pk=meeting.pk).update(date=date(2026, 3, 3))
        assert [lifecycle.publish_agenda(one) for one in due] == [None]
    assert not fresh(meeting).is_published


# The mail


def test_every_seat_reads_what_is_left_for_it(table: Table) -> None:
    first = table.item("Rooms at night")
    table.item("Alarms for cold stores")
    table.vote(first, "accepted", "recuse")
    lifecycle.publish_agenda(first.meeting, actor=table.chair)
    sent = {mail.to[0]: mail for mail in mails("Agenda of")}
    assert set(sent) == {member.email for member in table.members}
    chair, other = sent[table.chair.email], sent[table.members[2].email]
    assert chair.subject.endswith("· 1 item left to vote on")
    assert "You have 1 item left to vote on:" in chair.message
    assert other.subject.endswith("· 2 items left to vote on")
    assert f"/board/meetings/{first.meeting_id}/?item={first.pk}" in other.message
    listed = other.message.partition("The agenda")[2]
    assert listed.index("Rooms at night") < listed.index("Alarms for cold stores")
    assert f"?item={first.pk}" in other.html_message


def test_each_is_greeted_by_name_and_told_the_time_where_they_are(table: Table) -> None:
    """What all read alike is put into words once: nobody reads another's name, zone or button."""
    item, odd = table.item(), table.members[3]
    odd.first_name, odd.last_name, odd.time_zone = "Bea <b>", "O'Board & Co", "Asia/Tokyo"
    odd.set_unusable_password()
    odd.save()
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    sent = {mail.to[0]: mail for mail in mails("Agenda of")}
    for member in table.members:
        mail, name = sent[member.email], member.display_name
        zone = "Asia/Tokyo" if member == odd else "Europe/London"
        greeted = [line for line in mail.message.splitlines() if line.startswith("Hello ")]
        assert greeted == [f"Hello {name},"]
        assert f">Hello {escape(name)},<" in mail.html_message, name
        for words in (mail.message, mail.html_message):
            assert f"Times are given for {zone}." in words, name
            assert ("Open the agenda" in words) == (member != odd), name
    with pytest.raises(LookupError, match="email"):
        Template("{{ person.email }}").render(Context({"person": Someone("Max")}))


def test_whoever_has_voted_on_everything_is_told_so(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted")
    lifecycle.publish_agenda(item.meeting, actor=table.deputy)
    mail = next(mail for mail in mails("Agenda of") if mail.to == [table.chair.email])
    assert "left to vote on" not in mail.subject
    assert "You have no items left to vote on." in mail.message


def test_an_empty_agenda_is_mailed_too(table: Table) -> None:
    meeting = table.meeting()
    lifecycle.publish_agenda(meeting, actor=table.chair)
    assert "Nothing waits for the board." in mails("Agenda of")[0].message


# By hand, and when the meeting begins


def test_publishing_takes_up_what_waits(table: Table) -> None:
    meeting = table.meeting()
    table.change("Just in time")
    lifecycle.publish_agenda(meeting, actor=table.chair)
    assert titles(meeting) == ["Just in time"]
    assert AgendaVersion.objects.get().published_by == table.chair


def test_it_is_published_once(table: Table) -> None:
    meeting = table.meeting()
    lifecycle.publish_agenda(meeting, actor=table.chair)
    with pytest.raises(StepIllegal, match="The agenda was published on"):
        lifecycle.publish_agenda(meeting, actor=table.deputy)
    assert lifecycle.publish_agenda(meeting) is None


def test_members_do_not_publish(table: Table) -> None:
    with pytest.raises(StepForbidden):
        lifecycle.publish_agenda(table.meeting(), actor=table.cast.crb_member)


def test_opening_a_meeting_publishes_what_was_not(table: Table) -> None:
    item = table.running_item()
    assert fresh(item.meeting).is_published
    assert len(mails("Agenda of")) == 7


def test_opening_a_published_meeting_takes_nothing_up(table: Table) -> None:
    item = table.item("First")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    table.change("Late")
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    assert titles(item.meeting) == ["First"]
    assert AgendaVersion.objects.count() == 1


# Frozen


def test_what_comes_later_goes_to_the_next_meeting(table: Table) -> None:
    item = table.item("First")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    change = table.change("Late")
    assert lifecycle.fill_agenda(table.board) == []
    assert list(queries.waiting_for(table.board))[-1] == change
    following = table.meeting(days=21)
    lifecycle.fill_agenda(table.board)
    assert (titles(item.meeting), titles(following)) == (["First"], ["Late"])


def test_returning_changes_wait_for_the_next_meeting_too(table: Table) -> None:
    asked = table.running_item("Asked")
    change = table.decide(
        asked, "information_required", questions=[("How many?", table.cast.requester)]
    )
    published, following = table.meeting(days=14), table.meeting(days=28)
    lifecycle.publish_agenda(published, actor=table.chair)
    change_lifecycle.answer_question(
        change, actor=table.cast.requester, question=change.questions.get(), answer="Twelve."
    )
    lifecycle.fill_agenda(table.board)
    assert (titles(published), titles(following)) == ([], ["Asked"])


def test_withdrawn_changes_leave_a_published_agenda(table: Table) -> None:
    item = table.item("First")
    table.item("Second")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    change_lifecycle.withdraw(item.change, actor=table.cast.support, reason="Not needed.")
    lifecycle.fill_agenda(table.board)
    lifecycle.fill_agenda(table.board)
    assert titles(item.meeting) == ["Second"]
    second = AgendaVersion.objects.get(number=2)
    assert second.reason == f"Taken off: {item.change.reference}."
    assert [entry["title"] for entry in second.entries] == ["Second"]


def test_a_cancelled_meetings_items_pass_over_a_published_agenda(table: Table) -> None:
    item = table.item("First")
    published, following = table.meeting(days=14), table.meeting(days=28)
    lifecycle.publish_agenda(published, actor=table.chair)
    lifecycle.cancel_meeting(item.meeting, actor=table.chair, reason="Snow.")
    assert (titles(published), titles(following)) == ([], ["First"])


# The order, and the mail about answers


def test_later_arrivals_find_their_place_by_urgency(table: Table) -> None:
    from tests.crb.test_agenda import assessed_with

    first = table.item("Normal")
    assessed_with(table, "Urgent", urgency=4)
    lifecycle.fill_agenda(table.board)
    assert titles(first.meeting) == ["Urgent", "Normal"]


def test_the_chairs_order_outlives_later_arrivals(table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    lifecycle.reorder_agenda(one.meeting, actor=table.chair, order=[two.pk, one.pk])
    table.item("Three")
    assert titles(one.meeting) == ["Two", "One", "Three"]


def test_members_are_told_of_answers_when_a_change_returns(table: Table) -> None:
    asked = table.running_item("Asked")
    questions = [("How many rooms?", table.cast.requester), ("Risk?", table.cast.developer)]
    change = table.decide(asked, "information_required", questions=questions)
    table.meeting(days=21)
    for question in change.questions.all():
        change = Change.objects.get(pk=change.pk)
        change_lifecycle.answer_question(
            change, actor=question.answerer, question=question, answer=f"To {question.text} yes."
        )
    lifecycle.fill_agenda(table.board)
    lifecycle.fill_agenda(table.board)
    told = mails("Returned with answers: Asked")
    assert sorted(mail.to[0] for mail in told) == sorted(one.email for one in table.members)
    body = told[0].message
    assert "How many rooms?" in body
    assert "> To How many rooms? yes." in body
    assert "Dan Developer answered on" in body
    returned = AgendaItem.objects.get(change=change, state="open")
    assert f"?item={returned.pk}" in body


def test_presenters_are_told_at_publication_and_on_home(table: Table) -> None:
    """A member in the mail they get anyway, others in one of their own; replaced, both hear it."""
    first, second = table.item("Rooms at night"), table.item("Alarms for cold stores")
    member, developer, gone = table.members[2], table.cast.developer, table.cast.success
    lifecycle.plan_item(first, actor=table.chair, presenter=developer)
    lifecycle.plan_item(second, actor=table.chair, presenter=member)
    third = table.item("Dropped")
    lifecycle.plan_item(third, actor=table.chair, presenter=gone)
    assert not Email.objects.filter(subject__icontains="present").exists(), "not out yet"
    assert presenting.notices(developer) == []
    User.objects.filter(pk=gone.pk).update(is_active=False)
    lifecycle.publish_agenda(first.meeting, actor=table.chair)
    to = [mail.to[0] for mail in mails("Agenda of")]
    assert sorted(to) == sorted([*(one.email for one in table.members), developer.email])
    sent = {mail.to[0]: mail for mail in mails("Agenda of")}
    assert sent[developer.email].subject.endswith("· you present 1 item")
    told = sent[developer.email].message
    assert "You present 1 item:" in told and "to vote on" not in told
    assert f"/board/meetings/{first.meeting_id}/?item={first.pk}" in told.partition("The agenda")[0]
    both = sent[member.email]
    assert both.subject.endswith("left to vote on · you present 1 item")
    assert "You present 1 item:" in (both.html_message or "")
    assert "present" not in sent[table.chair.email].subject

    [notice] = presenting.notices(developer)
    assert "You present “Rooms at night”" in notice.text
    assert notice.url.endswith(f"?item={first.pk}")
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        lifecycle.fill_agenda(table.board)
        assert presenting.notices(developer) == [], "a meeting that was not held, and none follows"
    lifecycle.plan_item(fresh_item(first), actor=table.chair, presenter=member, time_box=10)
    named, former = mails("You present:"), mails("You no longer present:")
    assert [mail.to for mail in (*named, *former)] == [[member.email], [developer.email]]
    assert presenting.notices(developer) == []
    assert "2 items" in presenting.notices(member)[0].text
    lifecycle.plan_item(fresh_item(first), actor=table.chair, presenter=member, time_box=20)
    assert len(mails("You present:")) == 1, "who presents is the same"
    change_lifecycle.withdraw(fresh_item(first).change, actor=table.cast.requester, reason="No.")
    assert "You present “Alarms" in presenting.notices(member)[0].text
    member.groups.clear()
    assert presenting.notices(member.read_afresh()) == []


def test_presenters_hear_what_becomes_of_their_meeting(table: Table) -> None:
    """Moved, deferred from, cancelled: one mail to who has no seat, as members are invited."""
    first, second, third = (table.item(title) for title in ("Rooms", "Alarms", "Doors"))
    developer, member, meeting = table.cast.developer, table.members[2], first.meeting
    for item, presenter in ((first, developer), (second, developer), (third, member)):
        lifecycle.plan_item(item, actor=table.chair, presenter=presenter)

    def move(days: int) -> None:
        now = fresh(meeting)
        day, at = now.date + timedelta(days=days), now.start
        values = {"date": day, "start": at, "length_minutes": 90, "on_day_off": True}
        lifecycle.move_meeting(now, actor=table.chair, reason="So.", **values)

    move(1)
    assert not mails("at which you"), "not out yet"
    lifecycle.publish_agenda(fresh(meeting), actor=table.chair)
    move(1)
    [mail] = mails("at which you present was moved")
    assert mail.to == [developer.email]
    assert "Rooms" in mail.message and "Alarms" in mail.message and "Doors" not in mail.message
    assert f"{fresh(meeting).date:%A %-d %B %Y}" in mail.message
    for item in (second, third):
        lifecycle.defer_item(fresh_item(item), actor=table.chair, reason="Next time.")
    told = [(mail.to, mail.subject.partition(": ")[2]) for mail in mails("You no longer present")]
    assert told == [([developer.email], "Alarms"), ([member.email], "Doors")]
    lifecycle.cancel_meeting(fresh(meeting), actor=table.chair, reason="Snow.")
    [mail] = mails("at which you were to present was cancelled")
    assert mail.to == [developer.email] and "Rooms" in mail.message
    assert "Alarms" not in mail.message


def fresh_item(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)
