"""The life of a configuration change, from the customer's call to the question to the requester.

Read it as documentation: every line is something a person does or sees, but for what they have
done before. Whoever only fills a form in needs no scripts for it; the call, the assessment and
the plan have forms with more, and are told in the browser. How the requester says yes tells the
story of the mails.
"""

from collections.abc import Callable

from changes.models import Change
from tests import stories
from tests.journeys.conftest import Visitor
from tests.journeys.reader import Reader
from tests.people import Cast


def test_a_configuration_change_from_a_call_to_its_documentation(
    cast: Cast, visitor: Callable[..., Visitor]
) -> None:
    # They use one browser in turn.
    support = visitor(cast.support)
    success = visitor(cast.success, after=support)
    reviewer, approver, executor = map(Reader, (cast.success, cast.approver, cast.support))

    # Grace calls. Sam of support writes down what she asks for while she is on the phone.
    support.opens("/changes/new/").fills(
        requester=cast.requester.email,
        organisation=cast.harbour.pk,
        title="Let night staff book meeting rooms",
        description="Booking hours end at 19:00. **Night staff** need rooms for handovers.",
        channel="phone",
    ).presses("Submit")
    support.sees("is submitted.", "Let night staff book meeting rooms", "Cleo Success")
    change = Change.objects.get()

    # Cleo of the care team assesses it: a setting, of moderate risk.
    success.begins("assess", change).fills(
        type="configuration",
        need="Handovers happen in corridors.",
        likelihood=2,
        impact=3,
        service_impact="None; the setting is read at once.",
        customer_impact="Night staff of all wards.",
        urgency=2,
    ).sends()
    success.sees("Customer success review", "Moderate")

    # She reviews it, and sees why she may not authorise it herself.
    reviewer.opens(change).presses("Review")
    reviewer.fills(outcome="endorsed", findings="Covered by the contract.").sends()
    reviewer.sees_disabled("Authorise", "authorised approver of Harbour Hospitals")

    # Ada, the hospitals' authorised approver, approves.
    approver.begins("authorise", change)
    approver.fills(reason="Agreed with the wards.").presses("Authorise")
    approver.sees("Next, we plan when it is put in place.")

    # Nothing is executed without a plan and a rollback plan.
    success.begins("plan_execution", change).fills(
        executor=cast.support.pk,
        window_start="2026-12-01T20:00",
        window_end="2026-12-01T21:00",
        steps="1. Set the hours to 0–24.\n2. Book a room for 3:00.",
        rollback_plan="Set the hours back to 7–19.",
    ).sends()
    success.sees("Execution")

    # The first attempt goes wrong and is rolled back; the second holds.
    executor.begins("start_execution", change)
    executor.fills(reason="The wards asked for it before its window.").sends()
    executor.presses("Record the outcome")
    executor.fills(outcome="rolled_back", notes="The execution was rolled back.").sends()
    executor.sees("Rolled back")
    stories.executed(Change.objects.get(), cast)

    # It is written up in the customer success tool, Grace is asked, and the page tells it all.
    reviewer.begins("document", change).fills(
        system="Success desk",
        reference="SD-4711",
        summary="Meeting rooms can now be booked around the clock.",
    ).sends()
    reviewer.sees("Requester confirmation", "Rolled back", "SD-4711", "Agreed with the wards.")
    assert Change.objects.get().state == "confirmation"
