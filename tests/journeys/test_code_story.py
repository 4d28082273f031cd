"""The life of a code change, from the board's question to its deployment.

Read it as documentation: every line is something a person does or sees, but for what they have
done before. Whoever only fills a form in needs no scripts for it; what is built and tested has
forms with more, and is told in the browser. How the board meets tells a story of its own.
"""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from changes import lifecycle
from changes.models import CHECKLIST, Change, Release
from crb import lifecycle as board_lifecycle
from crb.models import AgendaItem, Meeting
from crb.tasks import schedule_meetings
from tests import stories
from tests.crb.conftest import Table, new_board, seat
from tests.journeys.conftest import Visitor
from tests.journeys.reader import Reader
from tests.people import Cast

CHECKS = list(CHECKLIST)


def test_a_code_change_from_the_boards_question_to_its_deployment(
    cast: Cast, visitor: Callable[..., Visitor]
) -> None:
    today = timezone.localdate()
    for number in (1, 2, 3):
        Release.objects.create(name=f"5.{number}", planned_on=today + timedelta(days=30 * number))
    board = new_board(quorum_count=2, quorum_share=50)
    table = Table(board, cast, [cast.chair, cast.crb_member])
    for one in table.members:
        seat(board, one, is_chair=one == cast.chair)
    grace, author, reviewer, manager = map(
        Reader, (cast.requester, cast.developer, cast.peer_reviewer, cast.release_manager)
    )
    # They use one browser in turn.
    developer = visitor(cast.developer)
    tester = visitor(cast.tester, after=developer)

    # The agenda of the next fortnightly meeting fills itself. The members want to know more.
    change = table.change("Remind the night shift of booked rooms")
    schedule_meetings()
    item = running(change, cast)
    table.vote(item, "information_required", "information_required")
    board_lifecycle.record_outcome(
        item,
        actor=cast.chair,
        outcome="information_required",
        questions=[("Which phones does the night shift have?", cast.requester)],
    )
    board_lifecycle.close_meeting(item.meeting, actor=cast.chair)

    # Grace answers, and the change returns to the agenda of the next meeting by itself.
    grace.opens(change).presses("Answer the board")
    grace.fills(answer="Android, managed by the trust.").sends()
    grace.sees("The Change Request Board has had the answers to its questions")
    schedule_meetings()
    item = running(change, cast)
    table.vote(item, "accepted_as_priority", "accepted_as_priority")
    board_lifecycle.record_outcome(item, actor=cast.chair, outcome="accepted_as_priority")

    # Purpose, scope and objectives are written down; then the risks, signed by a second person.
    author.begins("define_requirements", change).fills(
        purpose="Fewer empty rooms",
        scope="Mobile app, notifications",
        objectives="A reminder 15 minutes before",
        acceptance_criteria="A booking for 3:00 reminds at 2:45.",
    ).sends()
    author.sees("5.3").presses("Assess risk").fills(
        security_risks="Room names on locked screens.",
        impact_analysis="Notifications only.",
        mitigations="Show no room name until unlocked.",
    ).sends()
    author.sees_disabled("Sign off risk assessment", "You wrote this one.")
    manager.begins("sign_risk_assessment", change).fills(decision="signed_off").sends()

    # It is built, reviewed by somebody who wrote none of it, and tested.
    developer.begins("record_development", change).fills(
        reference="https://git.expansive.example/app/pull/12",
        authors=[str(cast.developer.pk)],
        checklist=CHECKS,
        notes="Reminders by push message.",
    ).sends()
    reviewer.begins("peer_review", change)
    reviewer.fills(outcome="approved", findings="Small and clear.").sends()
    tester.begins("record_test", change)
    tester.fills(kind="security", result="failed", evidence="Run 77, security: failed.").sends()

    # A failed test leads back; what is built anew is reviewed and tested anew.
    tester.sees("Secure development")
    change = stories.reviewed(Change.objects.get(), cast)
    for kind in ("functional", "security", "regression"):
        change = lifecycle.record_test(
            change, actor=cast.tester, kind=kind, result="passed", evidence=f"Run 78, {kind}."
        )

    # The gate names what is missing; with release and rollback plan it opens.
    manager.opens(change).sees_disabled("Start deployment", "release and rollback plan")
    manager.presses("Plan deployment").fills(
        release=Release.objects.get(name="5.1").pk, rollback_plan="Switch the reminders off."
    ).sends()
    manager.presses("Start deployment").sends()
    manager.presses("Record the outcome")
    manager.fills(outcome="succeeded", notes="Bookings now remind by push message.").sends()

    # Grace is asked whether that is what she needs, and the page tells the whole story.
    manager.sees("Requester confirmation", "Android, managed by the trust.", "Run 77")
    assert Change.objects.get().state == "confirmation"


def running(change: Change, cast: Cast) -> AgendaItem:
    """Open the meeting on whose agenda a change is, and return its item there."""
    meeting = Meeting.objects.get(items__change=change, state="scheduled")
    return board_lifecycle.start_meeting(meeting, actor=cast.chair).items.get()
