"""What is taken back or corrected leaves nothing else behind, whatever happens beside it. 7 s."""

import re
from datetime import UTC, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role
from changes import access_links, dispatch, plain
from changes import lifecycle as change_lifecycle
from changes.lifecycle.board import promise_of
from changes.lifecycle.core import what_happened
from changes.mail_in.waiting import answers_waiting
from changes.models import (
    BoardDecision,
    Change,
    IncomingMail,
    Notice,
    ProposedAnswer,
    Release,
)
from changes.releases import promises_on
from changes.views.happenings import happenings
from crb import lifecycle, permissions, queries
from crb.live.parts import Picture, Viewer
from crb.live.rooms import read
from crb.minutes import compose, reading
from crb.models import AgendaItem, BoardEvent, BoardOutcome, Meeting
from expansive_cm.post import sending
from expansive_cm.workflow.errors import StepError, StepIllegal
from tests.concurrently import at_once
from tests.crb.conftest import Table, seat
from tests.crb.test_ballots import opened
from tests.crb.test_correct_decision import REJECTED, WHY, again, decided, fresh
from tests.crb.test_take_back_outcome import back, later
from tests.mailing import deliver
from tests.people import person
from tests.remembered import made_anew
from tests.smtp import Mailbox
from tests.stories import ASSESSMENT

pytestmark = pytest.mark.django_db
UNDO = 300


@pytest.fixture(autouse=True)
def undo(settings: Any) -> None:
    settings.OUTCOME_UNDO_SECONDS = UNDO


def change_of(item: AgendaItem) -> Change:
    return Change.objects.get(pk=item.change_id)


def releases(number: int = 4) -> None:
    for one in range(1, number + 1):
        planned = timezone.localdate() + timedelta(days=30 * one)
        Release.objects.create(name=f"5.{one}", planned_on=planned)


# The promise


def test_a_question_on_the_way_that_is_taken_back_leaves_the_promise(table: Table) -> None:
    item = again(table, decided(table, "accepted"))
    asked = {
        "outcome": "information_required",
        "questions": [("How many?", table.cast.requester)],
    }
    table.vote(item, *["information_required"] * 4)
    promised = promise_of(change_of(item))
    lifecycle.record_outcome(fresh(item), actor=table.chair, **asked)
    assert promise_of(change_of(item)) == promised
    back(table, item)
    assert promised["promise"] and promise_of(change_of(item)) == promised


def test_a_priority_that_becomes_a_plain_acceptance_names_no_release(table: Table) -> None:
    releases()
    item = decided(table, "accepted_as_priority")
    release = change_of(item).promised_release
    item = again(table, item)
    table.decide(item, "accepted")
    now = change_of(item)
    assert (now.promise, now.promised_release) == ("twelve_months", None)
    assert not promises_on(release, table.cast.release_manager).exists()
    back(table, item)
    now = change_of(item)
    assert (now.promise, now.promised_release) == ("three_releases", release)
    assert now.due_on == release.planned_on
    release.cancelled_at = timezone.now()
    release.save()
    assert change_lifecycle.settle_promise(now.pk)
    assert change_of(item).promised_release.name == "5.4", "from the day of the first decision"


# Mails and the page behind a link


def test_a_mail_that_is_dropped_between_wording_and_sending_is_not_sent(
    table: Table, monkeypatch: Any
) -> None:
    """Taking back saw it wait and told nobody: so it must not go either."""
    item = table.running_item()
    change = table.decide(item, "accepted")
    requester = table.cast.requester
    held = Notice.objects.get(event__verb="record_board_outcome", person=requester).email
    Email.objects.exclude(pk=held.pk).update(status=STATUS.sent)
    Email.objects.filter(pk=held.pk).update(scheduled_time=None)
    send, taken = sending._send, []

    def meanwhile(*arguments: Any) -> bool:
        taken.append(back(table, item))
        return send(*arguments)

    monkeypatch.setattr(sending, "_send", meanwhile)
    sending.deliver_next(dispatch.HANDLING)
    held.refresh_from_db()
    act = change.events.get(verb="take_back_board_outcome")
    assert taken and requester.pk not in act.data["told"]
    assert held.status == STATUS.queued and held.expires_at


def test_the_page_behind_a_link_asks_only_what_stands(table: Table, client: Client) -> None:
    requester = table.cast.requester
    item = table.running_item()
    change = table.decide(item, "information_required", questions=[("A heron?", requester)])
    first = change.questions.get()
    link = access_links.issue(change, requester, actor=None)[0]
    assert "A heron?" in client.get(link).content.decode()
    back(table, item)
    assert "heron" not in client.get(link).content.decode()
    lifecycle.record_outcome(
        fresh(item),
        actor=table.chair,
        outcome="information_required",
        questions=[("An otter?", requester)],
    )
    page = client.get(link).content.decode()
    assert "An otter?" in page and "heron" not in page
    answer = {"act": "answer", "question": first.pk, "answer": "Forty swans."}
    late = client.post(link, answer)
    text = late.content.decode()
    assert late.status_code == 409 and "The board no longer waits for this answer." in text
    assert "Forty swans." in text and "heron" not in text
    assert [one.is_open for one in change.questions.order_by("pk")] == [True, True]


def test_who_was_asked_by_mistake_has_no_part_in_the_change_by_that(table: Table) -> None:
    former, successor = table.cast.requester, table.cast.colleague
    item = table.running_item()
    change = table.decide(item, "information_required", questions=[("How many?", former)])
    back(table, item)
    change_lifecycle.replace_requester(
        change_of(item), actor=table.cast.success, successor=successor, reason="Grace has moved."
    )
    change = change_of(item)
    token = access_links.issue(change, former, actor=None)[0].rstrip("/").rpartition("/")[2]
    assert not access_links.is_for(change, former) and access_links.find(token) is None
    assert access_links.is_for(change, successor)


def test_what_was_replied_to_a_question_that_was_taken_back_waits_for_nobody(
    table: Table, client: Client
) -> None:
    """A mail may be read while the outcome is being taken back."""
    requester = table.cast.requester
    item = table.running_item()
    ask = {"outcome": "information_required", "questions": [("How many?", requester)]}
    table.vote(item, *["information_required"] * 4)
    lifecycle.record_outcome(item, actor=table.chair, **ask)
    change = change_of(item)
    mail = IncomingMail.objects.create(change=change, outcome="answer", size=1, person=requester)
    proposal = ProposedAnswer(question=change.questions.get(), mail=mail, text="Forty swans.")
    proposal.save()
    with pytest.raises(StepIllegal, match="answered by mail"):
        back(table, item)
    change_lifecycle.discard_answer(change, actor=table.cast.support, proposal=proposal)
    back(table, item)
    mail = IncomingMail.objects.create(change=change, outcome="answer", size=1, person=requester)
    late = ProposedAnswer(question=proposal.question, mail=mail, text="Forty geese.")
    late.save()
    lifecycle.record_outcome(fresh(item), actor=table.chair, **ask)
    assert not answers_waiting().exists()
    client.force_login(table.cast.support)
    page = client.get(change.get_absolute_url()).content.decode()
    assert "Accept as the answer" not in page
    with pytest.raises(StepIllegal, match="no longer waits for this answer"):
        change_lifecycle.answer_question(
            change,
            actor=table.cast.support,
            question=late.question,
            answer=late.text,
            proposal=late,
        )


def test_where_nothing_can_be_taken_back_a_comment_joins_the_mail_of_the_outcome(
    table: Table, settings: Any
) -> None:
    settings.OUTCOME_UNDO_SECONDS, settings.MAIL_BURST_SECONDS = 0, 120
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    change = change_of(item)
    change_lifecycle.comment(change, actor=table.cast.support, body="Well done.")
    notices = Notice.objects.filter(change=change, person=change.requester).order_by("-pk")
    said, decided_on = notices[:2]
    assert (said.message, decided_on.message) == ("comment", "decision")
    assert said.email_id == decided_on.email_id


# What follows


def test_only_a_request_that_was_sent_and_goes_on_lets_a_rejection_stand(table: Table) -> None:
    requester = table.cast.requester
    item = table.running_item()
    change = table.decide(item, "rejected", **REJECTED)
    thrown = change_lifecycle.follow_up(change, actor=requester)
    change_lifecycle.throw_away(thrown, actor=requester)
    draft = change_lifecycle.follow_up(change, actor=requester)
    back(table, item)
    lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="rejected", **REJECTED)
    sent = change_lifecycle.submit(draft, actor=requester)
    with pytest.raises(StepIllegal, match=f"goes on as {draft.reference}"):
        back(table, item)
    change_lifecycle.withdraw(sent, actor=requester, reason="Not that way.")
    back(table, item)
    assert change_of(item).state == "board"


# Who reads of it


def test_a_customer_hears_nothing_where_only_a_colleague_was_told(
    table: Table, client: Client
) -> None:
    requester = table.cast.requester
    item = table.running_item()
    change = table.decide(item, "rejected", **REJECTED)
    own = Notice.objects.filter(event__verb="record_board_outcome", person__organisation=None)
    gone = own.exclude(email=None).first()
    Email.objects.filter(pk=gone.email_id).update(status=STATUS.sent)
    back(table, item)
    act = change.events.get(verb="take_back_board_outcome")
    assert act.data["told"] == [gone.person_id]
    change = change_of(item)
    client.force_login(requester)
    page = client.get(change.get_absolute_url()).content.decode()
    said = [*(str(one.text) for one in plain.happened(change)), page]
    said += [one.text for one in happenings(change, requester)]
    said.append(client.get(access_links.issue(change, requester, actor=None)[0]).content.decode())
    hints = ("by mistake", "took back", "decided not to go ahead", "Rejected")
    assert [hint for hint in hints for words in said if hint in words] == []
    assert "moved on since" in what_happened(change, requester)
    assert "took back the outcome" in what_happened(change, table.cast.developer)


def test_the_administration_does_not_show_how_votes_stand_on_an_item_that_is_open_again(
    table: Table, client: Client
) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    outcome = back(table, item)
    client.force_login(table.cast.administrator)
    row = reverse("admin:crb_boardoutcome_change", args=[outcome.pk])
    rows = reverse("admin:crb_boardoutcome_changelist")
    assert row not in client.get(rows).content.decode()
    assert "accepted, 4 of 4" not in client.get(row, follow=True).content.decode()
    lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted")
    assert row in client.get(rows).content.decode()
    assert client.get(row).status_code == 200


def test_nobody_reads_votes_by_recording_an_outcome_and_taking_it_back(
    table: Table, client: Client
) -> None:
    item = table.running_item()
    table.vote(item, "", *["accepted"] * 4)
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    votes, minutes = (
        reverse("admin:crb_vote_changelist"),
        reverse("crb:minutes", args=[item.meeting_id]),
    )

    def readers() -> tuple[list[bool], bool, bool]:
        found = queries.agenda_of(queries.meetings().get(pk=item.meeting_id))[0]
        people = (table.chair, table.members[1], table.cast.auditor)
        shown = [permissions.votes_open_to(one, found, queries.tally_of(found)) for one in people]
        client.force_login(table.chair)
        listed = "Members and their votes" in client.get(minutes).content.decode()
        client.force_login(table.cast.administrator)
        return shown, listed, "Max Member" in client.get(votes).content.decode()

    assert readers() == ([False, True, True], False, False)
    with later():
        assert readers() == ([True, True, True], True, True)
    back(table, item)
    assert readers() == ([False, True, True], False, False)


# What items and minutes say


def test_an_item_says_what_it_corrects_wherever_it_goes(table: Table) -> None:
    item = decided(table, "rejected", **REJECTED)
    lifecycle.reconsider_decision(item, actor=table.chair, reason=WHY)
    change = change_of(item)
    first, second = table.meeting(days=21), table.meeting(days=28)
    ballot = opened(table, change)
    lifecycle.end_ballot(ballot, actor=table.chair, reason="Enough.")
    item = AgendaItem.objects.get(change=change, state="open")
    assert item.meeting == first and WHY in item.remark and "Enough." in item.remark
    lifecycle.cancel_meeting(first, actor=table.chair, reason="Snow.")
    item = fresh(item)
    assert item.meeting == second and WHY in item.remark and "Snow." in item.remark
    table.meeting(days=14, agenda_published_at=timezone.now())
    earlier = Meeting.objects.get(date=table.board.today + timedelta(days=14))
    lifecycle.add_late(change, earlier, actor=table.chair, reason="It cannot wait.")
    item = fresh(item)
    assert item.meeting == earlier and WHY in item.remark
    lifecycle.start_meeting(earlier, actor=table.chair)
    table.decide(fresh(item), "accepted")
    entry = reading(compose(fresh(item).meeting), votes=False)["items"][0]
    assert WHY in dict(entry["notes"])["Remark"]


def test_an_item_that_is_open_again_says_what_it_said_before(table: Table) -> None:
    change = table.change()
    ballot = opened(table, change)
    table.meeting(days=21)
    lifecycle.end_ballot(ballot, actor=table.chair, reason="Too few are here.")
    item = AgendaItem.objects.get(change=change, state="open")
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    item = fresh(item)
    said = item.remark
    assert "Too few are here." in said
    for _time in range(2):
        table.decide(fresh(item), "accepted")
        back(table, item)
        assert fresh(item).remark.startswith(said)


def test_minutes_of_a_ballot_that_was_opened_again_say_who_closed_it_last(table: Table) -> None:
    ballot = opened(table)
    item = AgendaItem.objects.get(meeting=ballot)
    table.decide(item, "accepted")
    back(table, item)
    lifecycle.record_outcome(fresh(item), actor=table.deputy, outcome="accepted")
    said = compose(Meeting.objects.get(pk=ballot.pk))
    assert (said["opened_by"], said["closed_by"]) == (str(table.chair), str(table.deputy))


def test_published_minutes_stay_and_their_page_names_the_correction(
    table: Table, client: Client
) -> None:
    former = decided(table, "rejected", **REJECTED)
    lifecycle.publish_minutes(former.meeting, actor=table.chair)
    frozen = Meeting.objects.get(pk=former.meeting_id).minutes.content
    address = reverse("crb:minutes", args=[former.meeting_id])
    client.force_login(table.cast.developer)
    before = client.get(address).content.decode()
    item = again(table, former)
    table.decide(item, "accepted")
    page = client.get(address).content.decode()
    assert "Corrected on" not in before and "Corrected on" in page
    assert f"?item={item.pk}" in page
    assert Meeting.objects.get(pk=former.meeting_id).minutes.content == frozen
    back(table, item)
    assert "Corrected on" not in client.get(address).content.decode()


def test_a_reclassified_change_says_so_where_its_decision_cannot_be_corrected(
    table: Table,
) -> None:
    item = decided(table, "accepted")
    change_lifecycle.reclassify(
        change_of(item), actor=table.cast.success, reason="No code.", **ASSESSMENT
    )
    with pytest.raises(StepIllegal, match="reclassified since"):
        lifecycle.reconsider_decision(fresh(item), actor=table.chair, reason=WHY)


def test_only_who_leads_the_board_today_is_offered_a_correction_by_the_live_page(
    table: Table,
) -> None:
    """Neither has a seat at the meeting that is over, so both are drawn the same otherwise."""
    item = decided(table, "accepted")
    newcomers = [person(name, Role.CRB_MEMBER) for name in ("Nia New", "Noa New")]
    for one in newcomers:
        seat(table.board, one, is_deputy=one == newcomers[1])
    snapshot = read(queries.meetings().get(pk=item.meeting_id))
    with snapshot.lock:
        drawn = [
            Picture(Viewer(User.objects.get(pk=one.pk), UTC, "token"), snapshot, item.pk)
            for one in newcomers
        ]
        offered = ["Correct this decision" in one.html("settled") for one in drawn]
    assert offered == [False, True]


def test_the_database_takes_back_and_changes_nothing_else(table: Table) -> None:
    item, other = table.running_item(), table.item("Doors")
    table.decide(item, "accepted")
    outcomes = BoardOutcome.objects.filter(item=item)
    decisions = BoardDecision.objects.filter(change=item.change_id)
    taken = {
        "taken_back_at": timezone.now(),
        "taken_back_by": table.chair,
        "taken_back_reason": "The wrong one.",
    }
    refused = [
        (outcomes, {"item": None, "taken_from": other}),
        (outcomes, {"item": None, "taken_from": item, "sentence": "Unanimous."}),
        (decisions, {**taken, "reason": "Better."}),
        (decisions, {**taken, "taken_back_reason": ""}),
    ]
    for number in range(2):
        for rows, values in refused:
            with pytest.raises(DatabaseError), transaction.atomic():
                rows.update(**values)
        if not number:
            outcome = back(table, item)
            outcomes = BoardOutcome.objects.filter(pk=outcome.pk)
            refused = [
                (outcomes, {"item": item, "taken_from": None}),
                (outcomes, {"taken_from": other}),
                (decisions, {"taken_back_at": None}),
                (decisions, {"taken_back_reason": "Another."}),
            ]


# Everything else is as before


ONCE = re.compile(
    r'(name="(?:csrfmiddlewaretoken|key|seen|sent)" value="|nonce="|"X-CSRFToken": ?")[^"]*'
)


def page(client: Client, address: str) -> str:
    """What a page says, but for what is another at every look and counts acts."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    list(get_messages(answer.wsgi_request))
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return ONCE.sub(r"\1", body.decode())


def test_what_was_taken_back_is_on_no_page_but_in_the_record(table: Table) -> None:
    """Each page says what it said before the outcome was recorded, for each of the four."""
    with time_machine.travel(timezone.now(), tick=False), made_anew():
        item = table.running_item()
        change, requester = change_of(item), table.cast.requester
        story, link = (
            change.get_absolute_url(),
            access_links.issue(change, requester, actor=None)[0],
        )
        boards = ("overtime", "decisions", "export_decisions", "questions")
        readers = {
            requester: [reverse("changes:home"), reverse("changes:list"), story, link],
            table.cast.colleague: [story],
            table.cast.developer: [
                *(reverse(f"crb:{name}") for name in boards),
                reverse("changes:export"),
            ],
        }
        browsers = {reader: Client() for reader in readers}
        for reader, browser in browsers.items():
            browser.force_login(reader)

        def look() -> dict[tuple[str, str], str]:
            return {
                (str(reader), address): page(browsers[reader], address)
                for reader, addresses in readers.items()
                for address in addresses
            }

        for reader in (requester, table.cast.colleague):
            page(browsers[reader], story)  # what they were told before is read then
        before = look()
        asked = {"questions": [("How many?", table.cast.requester)]}
        outcomes: dict[str, dict[str, Any]] = {
            "accepted": {},
            "accepted_as_priority": {},
            "rejected": REJECTED,
            "information_required": asked,
        }
        for outcome, fields in outcomes.items():
            table.vote(fresh(item), *[outcome] * 4)
            lifecycle.record_outcome(fresh(item), actor=table.chair, outcome=outcome, **fields)
            assert page(browsers[requester], story) != before[str(requester), story]
            back(table, item)
            now = look()
            assert [key for key in before if now[key] != before[key]] == [], outcome


# At the same moment


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_as_everything_else(table: Table, smtp_server: Mailbox) -> None:
    """Whichever comes first: nobody is left with an outcome that does not stand."""
    releases(1)
    cast, item = table.cast, table.running_item()
    other = table.item("Doors")
    table.vote(other, *["accepted"] * 4)
    change = table.decide(item, "accepted")
    event = change.events.get(verb="record_board_outcome")
    Email.objects.exclude(notices__event=event).update(status=STATUS.sent)
    Email.objects.filter(notices__event=event).update(scheduled_time=None)

    def by(person: User) -> User:
        return User.objects.get(pk=person.pk)

    mine, theirs = fresh(item), fresh(item)
    member, aside = by(table.members[3]), by(table.members[4])
    chair, deputy, manager = by(table.chair), by(table.deputy), by(cast.release_manager)
    release, open_one = Release.objects.get(), fresh(other)
    answers = at_once(
        lambda: lifecycle.take_back_outcome(mine, actor=chair, reason="No."),
        lambda: lifecycle.take_back_outcome(theirs, actor=deputy, reason="No."),
        lambda: change_lifecycle.assign_release(change, actor=manager, release=release),
        lambda: lifecycle.record_outcome(open_one, actor=by(chair), outcome="accepted"),
        lambda: lifecycle.cast_vote(fresh(item), actor=member, choice="rejected", **REJECTED),
        lambda: lifecycle.recuse(fresh(item), actor=aside, reason="My project."),
        deliver,
        deliver,
    )
    odd = [one for one in answers if isinstance(one, Exception) and not isinstance(one, StepError)]
    assert odd == []
    deliver()
    by_chair, by_deputy, assigned = [not isinstance(one, Exception) for one in answers[:3]]
    taken = by_chair + by_deputy
    now, on = change_of(item), fresh(item)
    assert taken + assigned == 1
    assert (now.state, on.state) == (("board", "open") if taken else ("requirements", "decided"))
    assert (now.promise, now.release_id) == (("", None) if taken else ("twelve_months", release.pk))
    assert BoardEvent.objects.filter(item=item, verb="take_back_outcome").count() == taken
    told = Notice.objects.filter(event=event, email__status=STATUS.sent)
    reached = set(told.values_list("person", flat=True))
    for act in now.events.filter(verb="take_back_board_outcome"):
        assert reached <= set(act.data["told"])
        righted = Notice.objects.filter(event=act, message="taken_back")
        assert set(righted.values_list("person", flat=True)) == set(act.data["told"])
    assert change_of(other).state == "requirements"
