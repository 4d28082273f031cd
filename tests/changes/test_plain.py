"""Where a change is in plain words, literally, for every state of both paths and each ending.

Everything happens on 3 December 2026 unless a case says otherwise.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from changes import lifecycle, plain, story
from changes.models import Change
from changes.plain import BoardDate
from changes.queries import with_people
from changes.states import State
from changes.turns import next_step
from crb.board_dates import dates_for
from crb.models import AgendaItem, Board, Meeting
from tests import stories
from tests.mailing import deliver
from tests.people import Cast
from tests.remembered import remembered

DAY = datetime(2026, 12, 3, 10, 0, tzinfo=UTC)
NOTHING_MORE = "Nothing more happens here. For anything further, please send us a new request."
ACCEPTED = "The board accepted the change on 3 December."
PROMISE = "We promise it by 3 December 2027."
JOINED = ("organisation", "requester", "promised_release", "release")
"""What lists join."""
ASKED_AFTER = "After that we ask you whether it meets your needs."

Maker = Callable[[Cast], Change]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(DAY, tick=False) as traveller, timezone.override("Europe/London"):
        yield traveller


def told(change: Change) -> Change:
    """The change with its story, as pages have it."""
    fresh = Change.objects.select_related(
        "organisation", "requester", "raised_by", "owner", "promised_release"
    ).get(pk=change.pk)
    story.tell(fresh)
    return fresh


@remembered
def rolled_back_and_closed(cast: Cast) -> Change:
    change = stories.rolled_back(cast)
    return lifecycle.close_rolled_back(change, actor=cast.success, reason="Too risky after all.")


@remembered
def planned_again(cast: Cast) -> Change:
    return stories.plan(stories.rolled_back(cast), cast)


@remembered
def running(cast: Cast) -> Change:
    change = stories.plan(stories.in_execution(cast), cast)
    return lifecycle.start_execution(change, actor=cast.support, reason="Early.")


@remembered
def refused_by_approver(cast: Cast) -> Change:
    return lifecycle.authorise(
        stories.in_authorisation(cast), actor=cast.approver, outcome="refused", reason="No budget."
    )


@remembered
def returned_to_board(cast: Cast) -> Change:
    change = stories.information_required(cast)
    question = change.questions.get()
    return lifecycle.answer_question(
        change, actor=cast.requester, question=question, answer="Forty."
    )


@remembered
def others_asked(cast: Cast) -> Change:
    questions = [("Which doors?", cast.developer)]
    change = stories.on_board(cast)
    return stories.decided(change, cast, "information_required", questions=questions)


@remembered
def two_questions(cast: Cast) -> Change:
    questions = [("How many?", cast.requester), ("Since when?", cast.requester)]
    change = stories.on_board(cast)
    return stories.decided(change, cast, "information_required", questions=questions)


@remembered
def priority(cast: Cast) -> Change:
    stories.release()
    return stories.decided(stories.on_board(cast), cast, "accepted_as_priority")


@remembered
def test_failed(cast: Cast) -> Change:
    return lifecycle.record_test(
        stories.in_testing(cast),
        actor=cast.tester,
        kind="security",
        result="failed",
        evidence="A door stands open.",
    )


@remembered
def release_planned(cast: Cast) -> Change:
    return stories.deployment_planned(stories.in_deployment(cast), cast)


@remembered
def release_running(cast: Cast) -> Change:
    return lifecycle.start_deployment(release_planned(cast), actor=cast.release_manager)


@remembered
def release_undone(cast: Cast) -> Change:
    return stories.deployed(cast, outcome="rolled_back")


@remembered
def code_in_confirmation(cast: Cast) -> Change:
    return stories.deployed(cast)


@remembered
def code_not_confirmed(cast: Cast) -> Change:
    return lifecycle.answer_confirmation(
        stories.deployed(cast), actor=cast.requester, confirmed=False, reason="Not on Sundays."
    )


@remembered
def reworked(cast: Cast) -> Change:
    return lifecycle.rework(stories.not_confirmed(cast), actor=cast.success, reason="Sundays too.")


@remembered
def code_reworked(cast: Cast) -> Change:
    return lifecycle.rework(code_not_confirmed(cast), actor=cast.success, reason="Sundays too.")


@remembered
def succeeded(cast: Cast) -> Change:
    change = stories.not_confirmed(cast)
    lifecycle.close_with_successor(
        change,
        actor=cast.success,
        reason="Sundays were not agreed.",
        title="Sundays too",
        description="Book on Sundays.",
    )
    return change


@remembered
def code_closed(cast: Cast) -> Change:
    return lifecycle.answer_confirmation(
        stories.deployed(cast), actor=cast.requester, confirmed=True
    )


@remembered
def withdrawn_in_development(cast: Cast) -> Change:
    return lifecycle.withdraw(
        stories.in_development(cast), actor=cast.requester, reason="We moved house."
    )


CASES: dict[str, tuple[Maker, State, str, str, str]] = {
    "draft": (
        stories.draft,
        State.DRAFT,
        "This request has not been sent yet.",
        "Once it is sent, the customer success team looks at what it needs.",
        "",
    ),
    "submitted": (
        stories.submitted,
        State.SUBMITTED,
        "We received the request on 3 December and are looking at what it needs.",
        "Next, we decide how the change is made, and tell you.",
        "",
    ),
    # Configuration changes
    "review": (
        stories.in_review,
        State.REVIEW,
        "The customer success team has been reviewing the request since 3 December.",
        "If they endorse it, an authorised approver of Harbour Hospitals decides.",
        "",
    ),
    "authorisation": (
        stories.in_authorisation,
        State.AUTHORISATION,
        "The customer success team endorsed the request on 3 December.",
        "Next, an authorised approver of Harbour Hospitals decides. "
        "You get a mail with the decision.",
        "",
    ),
    "approved, not planned": (
        stories.in_execution,
        State.EXECUTION,
        "The change was approved on 3 December.",
        "Next, we plan when it is put in place. You get a mail with the time.",
        "",
    ),
    "execution planned": (
        lambda cast: stories.plan(stories.in_execution(cast), cast),
        State.EXECUTION,
        "The change was approved on 3 December.",
        "It is planned for 3 December, 12:00 to 13:00 (Europe/London). " + ASKED_AFTER,
        "",
    ),
    "execution running": (
        running,
        State.EXECUTION,
        "The change is being put in place right now.",
        ASKED_AFTER,
        "",
    ),
    "rolled back": (
        stories.rolled_back,
        State.ROLLED_BACK,
        "The change was undone on 3 December because it did not go as planned.",
        "Everything is as it was before. We plan a new attempt, or tell you why not.",
        "",
    ),
    "planned again": (
        planned_again,
        State.EXECUTION,
        "The first attempt was undone; a new one is planned since 3 December.",
        "It is planned for 3 December, 12:00 to 13:00 (Europe/London). " + ASKED_AFTER,
        "",
    ),
    "documentation": (
        stories.in_documentation,
        State.DOCUMENTATION,
        "The change was put in place on 3 December and is being written up.",
        ASKED_AFTER,
        "",
    ),
    "refused by the team": (
        stories.refused,
        State.REFUSED,
        "The customer success team refused the request on 3 December.",
        NOTHING_MORE,
        "",
    ),
    "refused by the approver": (
        refused_by_approver,
        State.REFUSED,
        "An authorised approver refused the request on 3 December.",
        NOTHING_MORE,
        "",
    ),
    # Code changes
    "board": (
        stories.on_board,
        State.BOARD,
        "The request has been waiting for the Change Request Board since 3 December.",
        "The board decides at one of its next meetings. You get a mail with the decision.",
        "",
    ),
    "information required": (
        stories.information_required,
        State.INFORMATION_REQUIRED,
        "On 3 December the Change Request Board asked for more before it can decide.",
        "Please answer the board's question.",
        "",
    ),
    "two questions": (
        two_questions,
        State.INFORMATION_REQUIRED,
        "On 3 December the Change Request Board asked for more before it can decide.",
        "Please answer the board's questions.",
        "",
    ),
    "others asked": (
        others_asked,
        State.INFORMATION_REQUIRED,
        "On 3 December the Change Request Board asked for more before it can decide.",
        "It has asked others. With the last answer the request returns to the board.",
        "",
    ),
    "answered": (
        returned_to_board,
        State.BOARD,
        "The Change Request Board has had the answers to its questions since 3 December.",
        "The board decides at one of its next meetings. You get a mail with the decision.",
        "",
    ),
    "rejected": (
        stories.rejected,
        State.REJECTED,
        "The Change Request Board decided on 3 December not to go ahead.",
        NOTHING_MORE,
        "",
    ),
    "requirements": (
        stories.in_requirements,
        State.REQUIREMENTS,
        f"{ACCEPTED} We are writing down what exactly is needed.",
        "Next, we look at its security risks. Then it is built.",
        PROMISE,
    ),
    "priority": (
        priority,
        State.REQUIREMENTS,
        "The board accepted the change as a priority on 3 December. "
        "We are writing down what exactly is needed.",
        "Next, we look at its security risks. Then it is built.",
        "We promise it with one of the next three releases.",
    ),
    "risk assessment": (
        stories.in_risk_assessment,
        State.RISK_ASSESSMENT,
        f"{ACCEPTED} Since 3 December we are looking at its security risks.",
        "Next, it is built.",
        PROMISE,
    ),
    "development": (
        stories.in_development,
        State.DEVELOPMENT,
        f"{ACCEPTED} It has been in development since 3 December.",
        "Next, it is tested.",
        PROMISE,
    ),
    "test failed": (
        test_failed,
        State.DEVELOPMENT,
        f"{ACCEPTED} A test on 3 December found something, which we are putting right.",
        "Next, it is tested.",
        PROMISE,
    ),
    "release undone": (
        release_undone,
        State.DEVELOPMENT,
        f"{ACCEPTED} It was undone on 3 December because the release did not go as planned; "
        "we put it right.",
        "Next, it is tested.",
        PROMISE,
    ),
    "testing": (
        stories.in_testing,
        State.TESTING,
        f"{ACCEPTED} It is built, and has been tested since 3 December.",
        "If the tests pass, it is planned for a release.",
        PROMISE,
    ),
    "tested": (
        stories.in_deployment,
        State.DEPLOYMENT,
        f"{ACCEPTED} It is built, and passed its tests on 3 December.",
        "Next, it is planned for a release. You get a mail with the date.",
        PROMISE,
    ),
    "release planned": (
        release_planned,
        State.DEPLOYMENT,
        f"{ACCEPTED} It is built and tested, and planned for release 4.12.",
        "The release is planned for 17 December. " + ASKED_AFTER,
        PROMISE,
    ),
    "release running": (
        release_running,
        State.DEPLOYMENT,
        f"{ACCEPTED} It is being put in place right now, with release 4.12.",
        ASKED_AFTER,
        PROMISE,
    ),
    # Both
    "asked": (
        stories.in_confirmation,
        State.CONFIRMATION,
        "The change has been in place since 3 December.",
        "Please tell us whether it meets your needs: we asked you on 3 December.",
        "",
    ),
    "asked after a release": (
        code_in_confirmation,
        State.CONFIRMATION,
        "The change has been in place since 3 December, with release 4.12.",
        "Please tell us whether it meets your needs: we asked you on 3 December.",
        "",
    ),
    "not as expected": (
        stories.not_confirmed,
        State.NOT_CONFIRMED,
        "On 3 December you told us that it is not as expected.",
        "We put right what was agreed; anything further goes on as a new request.",
        "",
    ),
    "reworked": (
        reworked,
        State.EXECUTION,
        "You told us it is not as expected; since 3 December we are putting that right.",
        "Next, we plan when it is put in place. You get a mail with the time.",
        "",
    ),
    "code reworked": (
        code_reworked,
        State.DEVELOPMENT,
        f"{ACCEPTED} You told us it is not as expected; since 3 December we are putting that "
        "right.",
        "Next, it is tested.",
        PROMISE,
    ),
    "confirmed": (
        stories.closed,
        State.CLOSED,
        "On 3 December you confirmed that the change meets your needs. It is closed.",
        NOTHING_MORE,
        "",
    ),
    "code confirmed": (
        code_closed,
        State.CLOSED,
        "On 3 December you confirmed that the change meets your needs. It is closed.",
        NOTHING_MORE,
        "",
    ),
    "closed with a successor": (
        succeeded,
        State.CLOSED,
        "The change was closed on 3 December. What goes beyond it goes on as a new request.",
        NOTHING_MORE,
        "",
    ),
    "closed after a rollback": (
        rolled_back_and_closed,
        State.CLOSED,
        "The change was undone and is not tried again. The request was closed on 3 December.",
        NOTHING_MORE,
        "",
    ),
    "withdrawn": (
        stories.withdrawn,
        State.WITHDRAWN,
        "The request was withdrawn on 3 December.",
        NOTHING_MORE,
        "",
    ),
}
test_failed.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", CASES)
def test_what_the_requester_reads(
    cast: Cast, clock: Any, django_assert_num_queries: Any, case: str
) -> None:
    """And in a list, which is told from what was read for the change's state."""
    make, state, now, following, promise = CASES[case]
    change = told(make(cast))
    assert change.state == state
    status = plain.status_of(change, cast.requester)
    assert (status.now, status.next, status.promise) == (now, following, promise)
    asked = case in ("information required", "two questions", "asked", "asked after a release")
    assert status.on_reader == asked
    if change.is_final:
        assert next_step(change, cast.requester).told(cast.requester) == now
        others = now.replace("you confirmed", f"{cast.requester} confirmed")
        others = others.replace("meets your needs", "meets the need")
        for colleague in (cast.support, cast.auditor, None):
            assert next_step(change, colleague).sentence == others
    row = with_people(Change.objects.filter(pk=change.pk)).get()
    statuses = plain.statuses([row], cast.requester)
    with django_assert_num_queries(0):
        again = plain.status_of(row, cast.requester, plain.BoardDate(row.state_since.date()))
    if row.state != State.BOARD:
        assert again == statuses[row.pk]


def test_every_state_has_a_case() -> None:
    assert {state for _make, state, *_words in CASES.values()} == set(State)


def test_by_its_state_alone_only_the_requester_is_said_you() -> None:
    for state in State:
        theirs, others = plain.briefly(state), plain.briefly(state, "Grace Okafor")
        assert theirs.endswith("."), state
        assert not re.search(r"\byou(rs?)?\b", others, re.IGNORECASE), state
        assert (theirs != others) == bool(re.search(r"\byou", theirs, re.IGNORECASE)), state
    # Without what follows it, this sentence of the page reads as though it were done.
    assert "We put right" not in plain.briefly(State.NOT_CONFIRMED)


def test_a_list_says_the_same_as_a_page(cast: Cast, clock: Any) -> None:
    makers = [make for make, state, *_words in CASES.values() if state != State.DRAFT][::3]
    changes = [make(cast) for make in makers]
    rows = list(Change.objects.filter(pk__in=[change.pk for change in changes]).order_by("pk"))
    statuses = plain.statuses(rows, cast.requester)
    for row in rows:
        page = told(row)
        assert statuses[row.pk] == plain.status_of(page, cast.requester, plain.board_date_of(page))


def test_closed_without_an_answer(cast: Cast, clock: Any, settings: Any) -> None:
    change = stories.in_confirmation(cast)
    confirmation = change.confirmations.get()
    deliver()
    for days in settings.REMINDER_DAYS:
        clock.move_to(DAY + timedelta(days=days))
        lifecycle.send_reminder(confirmation.pk, days)
    clock.move_to(DAY + timedelta(days=40))
    change = lifecycle.close_unanswered(change, actor=cast.success, reason="Nobody answers.")
    status = plain.status_of(told(change), cast.requester)
    assert status.now == ("The change is in place. We had no answer, and closed it on 12 January.")
    assert plain.reason_of(told(change)) == "", "what was written for colleagues"


def test_dates_of_another_year_have_their_year(cast: Cast, clock: Any) -> None:
    change = stories.in_requirements(cast)
    clock.move_to(DAY + timedelta(days=60))
    assert plain.status_of(told(change), cast.requester).now.startswith(
        "The board accepted the change on 3 December 2026."
    )


def test_what_is_late_is_called_late(cast: Cast, clock: Any) -> None:
    planned, released = stories.plan(stories.in_execution(cast), cast), release_planned(cast)
    clock.move_to(DAY + timedelta(days=20))
    assert plain.status_of(told(planned), cast.requester).next == (
        "It was planned for 3 December, 12:00 to 13:00 (Europe/London) and has not begun yet. "
        "We are looking into it."
    )
    assert plain.status_of(told(released), cast.requester).next == (
        "The release was planned for 17 December and is late."
    )
    clock.move_to(DAY + timedelta(days=400))
    assert plain.status_of(told(released), cast.requester).promise == (
        "It was promised by 3 December 2027. We are late with it."
    )


def test_colleagues_read_of_the_requester(cast: Cast, clock: Any) -> None:
    said = {
        stories.in_confirmation: "The change has been in place since 3 December. "
        "We asked Grace Requester on 3 December whether it meets the need.",
        stories.not_confirmed: "On 3 December Grace Requester told us that it is not as expected. "
        "We put right what was agreed; anything further goes on as a new request.",
        stories.closed: "On 3 December Grace Requester confirmed that the change meets the need. "
        f"It is closed. {NOTHING_MORE}",
        reworked: "It was not as Grace Requester expected; since 3 December we are putting that "
        "right. Next, we plan when it is put in place. You get a mail with the time.",
        stories.information_required: "On 3 December the Change Request Board asked for more "
        "before it can decide. It has asked others. With the last answer the request returns to "
        "the board.",
        running: "The change is being put in place right now. "
        "After that we ask Grace Requester whether it meets the need.",
    }
    for make, words in said.items():
        status = plain.status_of(told(make(cast)), cast.colleague)
        assert status.text == words
        assert not status.on_reader


def test_an_imported_change_needs_no_records(cast: Cast, clock: Any) -> None:
    old = lifecycle.ImportedChange(
        1, "X-1", "Old", "From elsewhere.", State.CLOSED, "code", cast.requester, "email"
    )
    origin = lifecycle.Origin("Jira", cast.harbour, cast.support)
    lifecycle.import_change(old, origin, actor=cast.administrator)
    change = Change.objects.get(external_id="X-1")
    assert plain.status_of(told(change), cast.requester).now == (
        "The change was closed on 3 December."
    )


# --- The board -----------------------------------------------------------------------------------


def test_the_day_of_the_board_is_named(cast: Cast, clock: Any) -> None:
    change = told(stories.on_board(cast))
    for board, words in (
        (BoardDate(date(2026, 12, 10)), "The board decides at its meeting on 10 December."),
        (BoardDate(date(2027, 1, 7)), "The board decides at its meeting on 7 January 2027."),
        (BoardDate(date(2026, 12, 9), is_ballot=True), "The board votes until 9 December."),
        (BoardDate(date(2026, 12, 1)), "It was on the agenda of 1 December."),
    ):
        status = plain.status_of(change, cast.requester, board)
        assert status.next == f"{words} You get a mail with the decision."


def test_the_board_says_on_whose_agenda_a_change_is(cast: Cast, clock: Any) -> None:
    board = Board.objects.create(name="Board", start="14:00", first_date=date(2026, 12, 8))
    meeting = Meeting(
        board=board,
        date=date(2026, 12, 10),
        start=time(14),
        zone="Europe/London",
        length_minutes=60,
    )
    meeting.save()
    change, other = stories.on_board(cast), stories.on_board(cast)
    AgendaItem.objects.create(meeting=meeting, change=change, position=1, kind="new")
    assert dates_for([change.pk, other.pk]) == {change.pk: BoardDate(date(2026, 12, 10))}
    assert plain.board_date_of(told(change)) == BoardDate(date(2026, 12, 10))
    assert plain.board_date_of(told(other)) is None


# --- Why, how far, and what happened ------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (stories.refused, "Against the contract."),
        (refused_by_approver, "No budget."),
        (stories.rejected, "Does not meet the strategic goals\nWe leave this market."),
        (stories.withdrawn, "No longer needed."),
        (rolled_back_and_closed, "Too risky after all."),
        (succeeded, "Sundays were not agreed."),
        (stories.closed, ""),
        (stories.rolled_back, ""),
        (stories.in_review, ""),
    ],
)
def test_why_it_ended(cast: Cast, clock: Any, make: Maker, reason: str) -> None:
    assert plain.reason_of(told(make(cast))) == reason


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (stories.draft, "Received now, First look, Decision, Put in place, Confirmation"),
        (stories.submitted, "Received*, First look now, Decision, Put in place, Confirmation"),
        (
            stories.rolled_back,
            "Received*, First look*, Review*, Approval*, Put in place now, Confirmation",
        ),
        (
            stories.closed,
            "Received*, First look*, Review*, Approval*, Put in place*, Confirmation*",
        ),
        (
            refused_by_approver,
            "Received*, First look*, Review*, Approval ended, Put in place -, Confirmation -",
        ),
        (
            rolled_back_and_closed,
            "Received*, First look*, Review*, Approval*, Put in place ended, Confirmation -",
        ),
        (
            release_undone,
            "Received*, First look*, Board's decision*, Preparation*, Development now, Testing, "
            "Release, Confirmation",
        ),
        (
            code_not_confirmed,
            "Received*, First look*, Board's decision*, Preparation*, Development*, Testing*, "
            "Release*, Confirmation now",
        ),
        (
            stories.rejected,
            "Received*, First look*, Board's decision ended, Preparation -, Development -, "
            "Testing -, Release -, Confirmation -",
        ),
        (
            withdrawn_in_development,
            "Received*, First look*, Board's decision*, Preparation*, Development ended, "
            "Testing -, Release -, Confirmation -",
        ),
    ],
)
def test_how_far_it_has_come(cast: Cast, clock: Any, make: Maker, expected: str) -> None:
    marks = {"done": "*", "current": " now", "ahead": "", "stopped": " ended", "skipped": " -"}
    stages = plain.progress(told(make(cast)))
    assert ", ".join(f"{one.label}{marks[one.status]}" for one in stages) == expected
    for stage in stages:
        assert stage.note == ("3 December" if stage.status == "done" else "")


def test_what_happened_is_told_newest_first(cast: Cast, clock: Any) -> None:
    change = code_closed(cast)
    expected = [
        "Grace Requester confirmed that the change meets the need.",
        "The change was put in place.",
        "We began to put the change in place.",
        "The change was planned for a release.",
        "The change passed its tests.",
        "The change is built.",
        "The security risks were assessed.",
        "What exactly is needed was written down.",
        "The board accepted the change.",
        "We looked at the request: it goes to the Change Request Board.",
        "We received the request.",
    ]
    assert [one.text for one in plain.happened(told(change))] == expected


def test_what_colleagues_do_among_themselves_is_not_told(cast: Cast, clock: Any) -> None:
    change = stories.submitted(cast)
    lifecycle.comment(change, actor=cast.support, body="Careful!", internal=True)
    lifecycle.watch(change, actor=cast.tester)
    lifecycle.assign(change, actor=cast.support, owner=cast.support)
    assert [one.text for one in plain.happened(told(change))] == ["We received the request."]


def test_telling_asks_the_database_nothing(
    cast: Cast, clock: Any, django_assert_num_queries: Any
) -> None:
    change = told(code_closed(cast))
    with django_assert_num_queries(0):
        plain.status_of(change, cast.requester)
        plain.progress(change)
        plain.happened(change)
        plain.reason_of(change)


@pytest.mark.parametrize("number", [1, 3])
def test_a_list_costs_the_same_for_one_row_and_for_three(
    cast: Cast, clock: Any, django_assert_num_queries: Any, number: int
) -> None:
    for _number in range(number):
        release_planned(cast)
        stories.on_board(cast)
    changes = list(Change.objects.select_related(*JOINED))
    with django_assert_num_queries(3):
        plain.statuses(changes, cast.requester)
