"""The life of a code change, through two visits to the board, to the requester's yes.

Read it as documentation: every line is something a person does or sees in the browser, but for
what they have done there before.
"""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from changes import lifecycle
from changes.models import CHECKLIST, Change, Release
from crb import lifecycle as board_lifecycle
from crb.models import Meeting
from crb.tasks import schedule_meetings
from tests import stories
from tests.crb.conftest import new_board, seat
from tests.journeys.conftest import Visitor, confirmation_address
from tests.people import Cast

CHECKS = list(CHECKLIST)


def test_a_code_change_from_a_request_to_the_requesters_yes(
    cast: Cast, visitor: Callable[..., Visitor]
) -> None:
    today = timezone.localdate()
    for number in (1, 2, 3):
        Release.objects.create(name=f"5.{number}", planned_on=today + timedelta(days=30 * number))
    board = new_board(quorum_count=2, quorum_share=50)
    seat(board, cast.chair, is_chair=True)
    seat(board, cast.crb_member)
    # All but the board use one browser in turn.
    grace = visitor(cast.requester)
    success, developer = [visitor(one, after=grace) for one in (cast.success, cast.developer)]
    reviewer, tester = [visitor(one, after=grace) for one in (cast.peer_reviewer, cast.tester)]
    manager = visitor(cast.release_manager, after=grace)

    # Grace raises the request herself, in the portal.
    grace.opens("/").presses("New change request")
    grace.fills(
        title="Remind the night shift of booked rooms",
        description="A push message 15 minutes before a booking starts.",
    ).presses("Submit")
    grace.sees("and are looking at what it needs.")
    change = Change.objects.get()

    # It needs code: the assessment sends it to the board.
    success.opens(change).presses("Assess")
    success.fills(
        type="code",
        need="Rooms stay empty because bookings are forgotten.",
        likelihood=3,
        impact=3,
        service_impact="Mobile app and notifications.",
        customer_impact="Everybody who books rooms.",
        urgency=2,
    ).sends()
    success.sees("Change Request Board", "High")

    # The next fortnightly meeting has been scheduled, and its agenda fills itself.
    schedule_meetings()
    meeting = Meeting.objects.order_by("starts_at").first()
    chair, member = visitor(cast.chair), visitor(cast.crb_member)
    chair.opens("/board/").sees("Remind the night shift of booked rooms")
    chair.opens(meeting.get_absolute_url()).presses("Open the meeting").agrees()

    # The members want to know more. Without quorum the chair records nothing.
    chair.sees_disabled("Record the outcome", "quorum")
    member.opens(meeting.get_absolute_url())
    for one in (chair, member):
        one.fills(choice="information_required", question="Which phones do they have?")
        one.presses("Vote").sees("Your vote counts.")
    chair.sees("Quorum met")
    chair.fills(
        outcome="information_required",
        question_1="Which phones does the night shift have?",
        answerer_1=cast.requester.pk,
    ).presses("Record the outcome").sees("The board decided")
    success.opens(change).sees("Information required")

    # Grace answers, and the change returns to the agenda of the next meeting by itself.
    chair.presses("Close the meeting").agrees()
    grace.opens("/").sees("We need an answer from you").opens(change)
    grace.presses("Answer the board").fills(answer="Android, managed by the trust.").sends()
    grace.sees("The Change Request Board has had the answers to its questions")
    schedule_meetings()
    meeting = Meeting.objects.filter(state="scheduled").order_by("starts_at").first()
    meeting = board_lifecycle.start_meeting(meeting, actor=cast.chair)
    item = meeting.items.get()
    for one, voter in ((member, cast.crb_member), (chair, cast.chair)):
        one.opens(meeting.get_absolute_url()).sees("Android, managed by the trust.")
        board_lifecycle.cast_vote(item, actor=voter, choice="accepted_as_priority")
    chair.sees("Quorum met")
    chair.fills(outcome="accepted_as_priority").presses("Record the outcome")
    chair.sees("The board decided")
    assert Change.objects.get().promised_release.name == "5.3"

    # Purpose, scope and objectives are written down; then the risks, signed by a second person.
    developer.opens(change).sees("5.3").presses("Define requirements")
    developer.fills(
        purpose="Fewer empty rooms",
        scope="Mobile app, notifications",
        objectives="A reminder 15 minutes before",
        acceptance_criteria="A booking for 3:00 reminds at 2:45.",
    ).sends()
    developer.presses("Assess risk").fills(
        security_risks="Room names on locked screens.",
        impact_analysis="Notifications only.",
        mitigations="Show no room name until unlocked.",
    ).sends()
    developer.sees_disabled("Sign off risk assessment", "You wrote this one.")
    manager.opens(change).presses("Sign off risk assessment").fills(decision="signed_off").sends()

    # It is built, reviewed by somebody who wrote none of it, and tested.
    developer.opens(change).presses("Record development")
    developer.fills(
        reference="https://git.expansive.example/app/pull/12",
        authors=[str(cast.developer.pk)],
        checklist=CHECKS,
        notes="Reminders by push message.",
    ).sends()
    reviewer.opens(change).presses("Peer review")
    reviewer.fills(outcome="approved", findings="Small and clear.").sends()
    tester.opens(change).presses("Record a test")
    tester.fills(kind="security", result="failed", evidence="Run 77, security: failed.").sends()

    # A failed test leads back; what is built anew is reviewed and tested anew.
    developer.opens(change).sees("Secure development")
    change = stories.reviewed(Change.objects.get(), cast)
    for kind in ("functional", "security"):
        change = lifecycle.record_test(
            change, actor=cast.tester, kind=kind, result="passed", evidence=f"Run 78, {kind}."
        )
    tester.opens(change).presses("Record a test")
    tester.fills(kind="regression", result="passed", evidence="Run 77, all.").sends()

    # The gate names what is missing; with release and rollback plan it opens.
    manager.opens(change).sees_disabled("Start deployment", "release and rollback plan")
    manager.presses("Plan deployment").fills(
        release=Release.objects.get(name="5.1").pk, rollback_plan="Switch the reminders off."
    ).sends()
    manager.presses("Start deployment").sends()
    manager.presses("Record the outcome")
    manager.fills(outcome="succeeded", notes="Bookings now remind by push message.").sends()

    # Grace says yes from her mail, on her phone and without an account.
    phone = visitor(None, width=360, height=740)
    phone.opens(confirmation_address(cast.requester))
    phone.sees(change.reference, "Bookings now remind by push message.")
    phone.fills(meets_need="yes", as_expected="yes").sends()
    phone.sees("Thank you")
    success.opens(change).sees("Closed", "Android, managed by the trust.", "Run 77")
    assert Change.objects.get().state == "closed"
