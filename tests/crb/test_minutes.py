"""Minutes: what they say by themselves, what the chair adds, and that they stay once published."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone
from post_office.models import Email

from audit.describe import describe
from audit.queries import Wanted, history_page
from audit.sources import source_named
from changes import lifecycle as change_lifecycle
from changes.models import Question
from crb import lifecycle
from crb.minutes import compose, fingerprint, reading
from crb.models import Absence, AgendaItem, Attendance, BoardOutcome, Meeting, Minutes
from crb.pages import ItemPage
from crb.people import OwnPeople
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.mailing import last_row
from tests.stories import ASSESSMENT

pytestmark = pytest.mark.django_db


def fresh(meeting: Meeting) -> Meeting:
    return Meeting.objects.get(pk=meeting.pk)


def closed(table: Table, item: AgendaItem) -> Meeting:
    lifecycle.close_meeting(fresh(item.meeting), actor=table.chair)
    return fresh(item.meeting)


def entry(meeting: Meeting, item: AgendaItem, *, votes: bool = True) -> dict[str, Any]:
    """One item of the minutes as a reader gets it."""
    items = reading(compose(meeting), votes=votes)["items"]
    return next(one for one in items if one["item"] == item.pk)


def act(table: Table, of: AgendaItem, text: str = "Ask the vendor", **fields: Any) -> Any:
    values = {"owner": table.cast.developer, "due_on": of.meeting.date, "item": of, **fields}
    return lifecycle.record_action(fresh(of.meeting), actor=table.chair, text=text, **values)


# What they say


@pytest.mark.parametrize("outcome", ["accepted", "accepted_as_priority"])
def test_the_promise_stays_as_it_was_made_when_the_change_is_reclassified(
    table: Table, outcome: str
) -> None:
    item = table.running_item()
    change = table.decide(item, outcome)
    meeting = closed(table, item)
    before = dict(entry(meeting, item)["notes"])["What follows"]
    assert before.startswith("To be delivered ")
    change_lifecycle.reclassify(
        change, actor=table.cast.success, reason="A setting after all.", **ASSESSMENT
    )
    assert dict(entry(fresh(meeting), item)["notes"])["What follows"] == before
    fresh_item = AgendaItem.objects.get(pk=item.pk)
    assert ItemPage(fresh_item, table.cast.auditor, {}, OwnPeople()).promise == before


def test_head_and_attendance(table: Table) -> None:
    item = table.item()
    meeting = fresh(item.meeting)
    ben, bea, bob = table.members[2:5]
    stands_in = table.cast.release_manager
    for member, alternate in ((ben, stands_in), (bea, None)):
        membership = table.board.memberships.get(user=member)
        Absence.objects.create(
            membership=membership,
            starts_on=meeting.date,
            ends_on=meeting.date,
            alternate=alternate,
        )
    stands_in.groups.set(table.chair.groups.all())
    lifecycle.start_meeting(meeting, actor=table.chair)
    lifecycle.join_meeting(fresh(meeting), actor=stands_in)
    lifecycle.join_meeting(fresh(meeting), actor=bob)
    content = compose(closed(table, item))
    assert (content["opened_by"], content["closed_by"]) == ("Cora Chair", "Cora Chair")
    assert content["kind_words"] == "Regular meeting"
    there = [(one["name"], one["seat"], one["for"]) for one in content["attendance"]["present"]]
    assert there == [
        ("Cora Chair", "Chair", ""),
        ("Rita Release", "", "Ben Board"),
        ("Bob Board", "", ""),
    ]
    assert content["attendance"]["apologies"] == [
        {"name": "Bea Board", "alternate": ""},
        {"name": "Ben Board", "alternate": "Rita Release"},
    ]
    missing = [one["name"] for one in content["attendance"]["absent"]]
    assert missing == ["Dora Deputy", "Bo Board", "Max Member"]
    facts = dict(reading(content, votes=False)["facts"])
    assert facts["Planned"].startswith("14:00–15:30 ")
    assert facts["Planned"].endswith("(Europe/London)")


def test_an_accepted_item(table: Table) -> None:
    item = table.running_item("Rooms at night")
    table.vote(item, "accepted", "accepted", "accepted", "rejected", "recuse", "abstain")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted", reason="Long overdue.")
    act(table, item)
    found = entry(closed(table, item), item)
    assert found["reference"] == item.change.reference
    assert (found["title"], found["meta"]) == ("Rooms at night", "Harbour Hospitals")
    assert found["result"] == "Accepted"
    assert found["sentence"] == BoardOutcome.objects.get().sentence
    assert found["counts"] == "Accepted: 3, Rejected: 1, Abstained: 1"
    assert found["recused"] == "Bob Board"
    notes = dict(found["notes"])
    assert notes["Reason, as told to the requester"] == "Long overdue."
    assert notes["What follows"].startswith("To be delivered by ")
    assert notes["Recorded by"].startswith("Cora Chair, ")
    assert [(one["text"], one["owner"]) for one in found["actions"]] == [
        ("Ask the vendor", "Dan Developer")
    ]
    assert {one["name"]: one["words"] for one in found["votes"]["ballots"]} == {
        "Cora Chair": "Accept",
        "Max Member": "Accept",
        "Ben Board": "Accept",
        "Bea Board": "Reject",
        "Bo Board": "Abstain",
    }
    assert found["votes"]["missing"] == "Dora Deputy"
    assert found["votes"]["recusals"] == [{"name": "Bob Board", "reason": "My own project."}]


def test_a_tie_and_a_rejection(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "rejected", "rejected")
    lifecycle.record_outcome(
        item,
        actor=table.chair,
        outcome="rejected",
        category="addressed_elsewhere",
        elsewhere="Project Aurora",
        reason="Aurora brings it.",
        casting_vote=True,
    )
    found = entry(closed(table, item), item)
    assert (found["result"], found["marks"]) == ("Rejected", ["By casting vote"])
    notes = dict(found["notes"])
    assert notes["Why"] == "The aims are being addressed elsewhere: Project Aurora"


def test_questions_say_who_must_answer_and_whether_they_did(table: Table) -> None:
    item = table.running_item()
    asked = [("How many rooms?", table.cast.requester), ("Which?", table.cast.developer)]
    change = table.decide(item, "information_required", questions=asked)
    meeting = closed(table, item)
    question = Question.objects.get(text="Which?")
    change_lifecycle.answer_question(
        change, actor=table.cast.developer, question=question, answer="All of them."
    )
    states = [(one["text"], one["who"], one["state"]) for one in entry(meeting, item)["questions"]]
    assert states[0] == ("How many rooms?", "Grace Requester", "not answered yet")
    assert states[1][:2] == ("Which?", "Dan Developer")
    assert states[1][2].startswith("answered on ") and states[1][2].endswith(" by Dan Developer")


def test_undecided_and_departed_items_say_why(table: Table) -> None:
    stays, leaves = table.running_item("Rooms"), table.item("Alarms")
    table.vote(stays, "accepted", "rejected")
    change_lifecycle.withdraw(leaves.change, actor=table.cast.requester, reason="Not needed.")
    meeting = closed(table, stays)
    deferred, dropped = entry(meeting, stays), entry(meeting, leaves)
    assert deferred["result"] == "Deferred"
    assert dict(deferred["notes"])["Remark"] == "Not decided in this meeting."
    assert deferred["sentence"].startswith("There was no quorum (2 of 7).")
    assert dropped["result"] == "Taken off the agenda"
    assert "no longer waits" in dict(dropped["notes"])["Remark"]
    assert "Grace Requester withdrew the request: Not needed." in dict(dropped["notes"])["Remark"]


def test_consent_lateness_presenter_and_pulling_are_told(table: Table) -> None:
    item = table.running_item()
    AgendaItem.objects.filter(pk=item.pk).update(
        presenter=table.cast.support,
        late_reason="The contract ends on Friday.",
        pulled_by=table.deputy,
        pull_reason="What does it cost?",
    )
    table.decide(item, "accepted_as_priority")
    found = entry(closed(table, item), item)
    assert found["meta"] == "Harbour Hospitals · presented by Sam Support"
    notes = dict(found["notes"])
    assert notes["Added late because"] == "The contract ends on Friday."
    assert notes["Taken out of the consent items by"] == "Dora Deputy: What does it cost?"
    content = compose(fresh(item.meeting))
    content["items"][0]["by_consent"] = True
    assert reading(content, votes=False)["items"][0]["marks"] == ["By consent"]


def test_open_items_keep_their_votes_to_themselves(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "rejected", "recuse")
    content = compose(fresh(item.meeting))
    assert content["votes"] == {}
    assert (content["items"][0]["sentence"], content["items"][0]["recused"]) == ("", [])


def test_without_votes_there_is_no_trace_of_them(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "accepted", "recuse")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    found = entry(closed(table, item), item, votes=False)
    assert found["votes"] is None
    assert "My own project." not in str(found)
    assert found["recused"] == "Bea Board"


def test_a_later_recusal_does_not_rewrite_an_earlier_item(table: Table) -> None:
    item = table.running_item()
    asked = [("How many?", table.cast.developer)]
    change = table.decide(item, "information_required", questions=asked)
    meeting = closed(table, item)
    before = compose(meeting)
    table.meeting(days=21)
    change_lifecycle.answer_question(
        change, actor=table.cast.developer, question=Question.objects.get(), answer="Two."
    )
    lifecycle.fill_agenda(table.board)
    again = AgendaItem.objects.get(change=change, state="open")
    lifecycle.recuse(again, actor=table.cast.crb_member, reason="Mine now.")
    assert compose(fresh(meeting))["votes"] == before["votes"]


def test_composing_costs_the_same_however_many_items(
    table: Table, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        item = table.running_item(f"Change {number}")
        table.vote(item, *["information_required"] * 4)
        lifecycle.record_outcome(
            item,
            actor=table.chair,
            outcome="information_required",
            questions=[("How many?", table.cast.developer)],
        )
        act(table, item)
        meeting = Meeting.objects.select_related("board").get(pk=item.meeting_id)
        if number != 1:  # of one, then of three
            with django_assert_num_queries(11, info=str(number)):
                compose(meeting)


# Writing


def test_the_chair_writes_section_by_section(table: Table) -> None:
    item = table.running_item()
    lifecycle.write_minutes(item.meeting, actor=table.chair, text="Welcome.\r\n\r\nBea is new.")
    lifecycle.write_minutes(item.meeting, actor=table.deputy, text="It is cheap.", item=item)
    content = compose(fresh(item.meeting))
    assert content["remarks"] == "Welcome.\n\nBea is new."
    assert content["items"][0]["discussion"] == "It is cheap."
    minutes = Minutes.objects.get()
    assert minutes.version == 2
    assert [row.history_user for row in minutes.history.all()] == [table.deputy, table.chair]


def test_the_same_text_again_changes_nothing(table: Table) -> None:
    item = table.running_item()
    for _time in range(2):
        lifecycle.write_minutes(item.meeting, actor=table.chair, text="Welcome.")
    assert Minutes.objects.get().version == 1


def test_two_in_one_section_are_told_of_each_other(table: Table) -> None:
    item = table.running_item()
    seen = fingerprint("")
    lifecycle.write_minutes(item.meeting, actor=table.chair, text="A", item=item, seen=seen)
    with pytest.raises(ChangeStale, match="Cora Chair has written in this section"):
        lifecycle.write_minutes(item.meeting, actor=table.deputy, text="B", item=item, seen=seen)
    lifecycle.write_minutes(item.meeting, actor=table.deputy, text="B", seen=seen)
    assert AgendaItem.objects.get(pk=item.pk).discussion == "A"


def test_a_text_that_is_too_long_is_refused(table: Table) -> None:
    item = table.running_item()
    with pytest.raises(StepIncomplete, match="too long"):
        lifecycle.write_minutes(item.meeting, actor=table.chair, text="x" * 20_001)


def test_a_later_chair_publishes_what_an_earlier_one_left(table: Table) -> None:
    item = table.running_item()
    meeting = closed(table, item)
    membership = table.board.memberships.get(user=table.chair)
    later = meeting.date + timedelta(days=40)
    membership.ends_on = meeting.date + timedelta(days=1)
    membership.save()
    successor = table.cast.release_manager
    successor.groups.set(table.chair.groups.all())
    table.board.memberships.create(user=successor, starts_on=later, is_chair=True)
    with pytest.raises(StepForbidden):
        lifecycle.publish_minutes(fresh(meeting), actor=successor)
    moment = timezone.now() + (later - table.board.today)
    with time_machine.travel(moment, tick=False):
        lifecycle.publish_minutes(fresh(meeting), actor=successor)
    assert Minutes.objects.get().published_by == successor


# Publishing


def test_published_minutes_are_frozen(table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    meeting = closed(table, item)
    lifecycle.write_minutes(meeting, actor=table.chair, text="Welcome.")
    before = compose(fresh(meeting))
    lifecycle.publish_minutes(fresh(meeting), actor=table.chair)
    minutes = Minutes.objects.get()
    assert minutes.content == before
    assert (minutes.published_by, minutes.is_published) == (table.chair, True)
    refused = "published and stay as they are"
    with pytest.raises(StepIllegal, match=refused):
        lifecycle.write_minutes(fresh(meeting), actor=table.chair, text="x", item=item)
    with pytest.raises(StepIllegal, match=refused):
        act(table, item)
    with pytest.raises(StepIllegal, match=refused):
        lifecycle.publish_minutes(fresh(meeting), actor=table.deputy)


def test_the_database_refuses_to_change_published_minutes(table: Table) -> None:
    item = table.running_item()
    meeting = closed(table, item)
    lifecycle.publish_minutes(meeting, actor=table.chair)
    minutes = Minutes.objects.get()
    rows = Minutes.objects.filter(pk=minutes.pk)
    acts = {
        "save": lambda: minutes.save(),
        "update": lambda: rows.update(remarks="Other."),
        "unpublish": lambda: rows.update(published_at=None),
        "delete": lambda: rows.delete(),
        "truncate": lambda: minutes.delete(),
    }
    minutes.remarks = "Other."
    for how, act_ in acts.items():
        with (
            pytest.raises(DatabaseError, match="published_stays|no_delete|Cannot"),
            transaction.atomic(),
        ):
            act_()
        assert Minutes.objects.get().remarks == "", how


def test_the_database_refuses_to_change_an_addendum(table: Table) -> None:
    meeting = closed(table, table.running_item())
    lifecycle.publish_minutes(meeting, actor=table.chair)
    addendum = lifecycle.add_addendum(fresh(meeting), actor=table.chair, text="Bea was there.")
    for act_on in (addendum.save, addendum.delete):
        with pytest.raises(DatabaseError, match="append_only|Cannot"), transaction.atomic():
            act_on()


def test_nobody_publishes_what_they_have_not_read(table: Table) -> None:
    meeting = closed(table, table.running_item())
    lifecycle.write_minutes(meeting, actor=table.deputy, text="Welcome.")
    with pytest.raises(ChangeStale, match="have changed since you opened"):
        lifecycle.publish_minutes(fresh(meeting), actor=table.chair, seen=0)
    lifecycle.publish_minutes(fresh(meeting), actor=table.chair, seen=1)


def test_publishing_mails_seats_attendance_and_owners(table: Table) -> None:
    item = table.item()
    absent, stands_in = table.members[2], table.cast.release_manager
    stands_in.groups.set(table.chair.groups.all())
    Absence.objects.create(
        membership=table.board.memberships.get(user=absent),
        starts_on=item.meeting.date,
        ends_on=item.meeting.date,
        alternate=stands_in,
    )
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    act(table, item)
    act(table, item, "Read the contract", owner=table.cast.auditor, item=None)
    meeting, since = closed(table, item), last_row()
    lifecycle.publish_minutes(meeting, actor=table.chair)
    rows = Email.objects.filter(pk__gt=since)
    assert sorted(row.to[0] for row in rows) == sorted(
        person.email
        for person in [*table.members[1:], stands_in, table.cast.developer, table.cast.auditor]
    )
    files = {row.to[0]: bytes(row.files.get().content) for row in rows}
    inside, outside = files[table.deputy.email], files[table.cast.developer.email]
    assert inside != outside
    assert files[stands_in.email] == files[table.cast.auditor.email] == inside
    assert files[absent.email] == outside
    mail = rows.get(to=table.cast.developer.email)
    assert mail.subject == (
        f"[Change Request Board] Minutes of the meeting of {meeting.date:%-d %B %Y}"
    )
    for body in (mail.message, mail.html_message):
        assert "Ask the vendor" in body and "Read the contract" not in body
        assert f"/board/meetings/{meeting.pk}/minutes/" in body


def test_an_addendum_is_dated_signed_and_mailed(table: Table) -> None:
    meeting = closed(table, table.running_item())
    with pytest.raises(StepIllegal, match="edit them instead"):
        lifecycle.add_addendum(meeting, actor=table.chair, text="Bea was there.")
    lifecycle.publish_minutes(fresh(meeting), actor=table.chair)
    since = last_row()
    with pytest.raises(StepIncomplete):
        lifecycle.add_addendum(fresh(meeting), actor=table.chair, text="  ")
    lifecycle.add_addendum(fresh(meeting), actor=table.deputy, text="Bea was there.")
    minutes = Minutes.objects.get()
    found = reading(minutes.content, minutes, votes=False)["addenda"]
    assert found[0]["text"] == "Bea was there." and found[0]["by"].endswith(", Dora Deputy")
    rows = Email.objects.filter(pk__gt=since)
    assert len(rows) == 6 and all("Bea was there." in row.message for row in rows)


def test_a_meeting_without_items_has_minutes_too(table: Table) -> None:
    meeting = table.meeting(days=0)
    lifecycle.start_meeting(meeting, actor=table.chair)
    lifecycle.close_meeting(fresh(meeting), actor=table.chair)
    lifecycle.publish_minutes(fresh(meeting), actor=table.chair)
    assert Minutes.objects.get().content["items"] == []
    assert Attendance.objects.get().user == table.chair


# History


def test_history_tells_of_minutes_and_actions_in_words(table: Table) -> None:
    item = table.running_item()
    act(table, item, item=None)
    lifecycle.write_minutes(item.meeting, actor=table.chair, text="Welcome.")
    meeting = closed(table, item)
    lifecycle.publish_minutes(meeting, actor=table.deputy)
    sources = [source_named("crb.minutes"), source_named("crb.action")]
    entries = describe(history_page(Wanted(sources=[s for s in sources if s])).versions)
    day = f"{meeting.date:%-d %B %Y}"
    assert [(one.what, one.by, str(one.act), one.why) for one in entries] == [
        (f"Minutes of {day}", "Dora Deputy", "changed", "published the minutes"),
        (f"Minutes of {day}", "Cora Chair", "created", "wrote the minutes"),
        ("Action: Ask the vendor", "Cora Chair", "created", "recorded the action"),
    ]
    assert entries[0].url == f"/board/meetings/{meeting.pk}/minutes/"
    assert [one.label for one in entries[0].fields] == ["Published", "Published by"]
    written = {one.label: one.only for one in entries[1].fields}
    assert written == {"Meeting": day, "Remarks": "Welcome."}
