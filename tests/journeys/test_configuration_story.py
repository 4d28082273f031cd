"""The life of a configuration change by keys alone, from the customer's call until it is closed.

Read it as documentation: every line is something a person does or sees, but for what they have
done before. They sit at one browser in turn, and none of them has a mouse: Tab, Enter, Space, the
arrows and the shortcuts of the product lead through every step, and no press loses the focus.
"""

from collections.abc import Callable

from changes.models import Change
from tests import stories
from tests.journeys.conftest import Visitor
from tests.people import Cast


def test_a_configuration_change_from_a_call_until_it_is_closed_by_keys_alone(
    cast: Cast, visitor: Callable[..., Visitor]
) -> None:
    support = visitor(cast.support)
    success, approver, requester = (
        visitor(one, after=support) for one in (cast.success, cast.approver, cast.requester)
    )

    # Grace calls. Sam of support writes down what she asks for while she is on the phone.
    support.opens("/").uses("n")
    takes_the_call(support, cast, similar=stories.submitted(cast))
    support.sees("is submitted.", "Let night staff book meeting rooms", "Cleo Success")
    change = Change.objects.latest("pk")
    assert (change.requester, change.organisation) == (cast.requester, cast.harbour)
    assert change.description.startswith("Booking hours end")

    # Cleo of the care team assesses it: a setting, of moderate risk.
    success.opens(change).uses("m").fills(
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
    success.uses("m").fills(outcome="endorsed", findings="Covered by the contract.").sends()
    success.sees_disabled("Authorise", "authorised approver of Harbour Hospitals")

    # Ada, the hospitals' authorised approver, approves.
    approver.opens(change).uses("m")
    approver.fills(reason="Agreed with the wards.").presses("Authorise")
    approver.sees("Next, we plan when it is put in place.")

    # A first attempt goes wrong and is rolled back. Nothing is executed again without a plan.
    stories.executed(Change.objects.get(pk=change.pk), cast, outcome="rolled_back")
    success.begins("plan_execution", change).fills(
        executor=cast.support.pk,
        window_start="2026-12-01T20:00",
        window_end="2026-12-01T21:00",
        steps="1. Set the hours to 0–24.\n2. Book a room for 3:00.",
        rollback_plan="Set the hours back to 7–19.",
    ).sends()
    success.sees("Execution")

    # The second one holds.
    support.begins("start_execution", change)
    support.fills(reason="The wards asked for it before its window.").sends()
    support.uses("m").fills(outcome="succeeded", notes="It went as planned.").sends()

    # It is written up in the customer success tool, Grace is asked, and the page tells it all.
    success.opens(change).uses("m").fills(
        system="Success desk",
        reference="SD-4711",
        summary="Meeting rooms can now be booked around the clock.",
    ).sends()
    success.sees("Requester confirmation", "Rolled back", "SD-4711", "Agreed with the wards.")

    # Grace finds the question on her own page, and says yes.
    requester.opens(change).uses("m").fills(meets_need="yes", as_expected="yes").sends()
    requester.sees("Thank you")
    assert Change.objects.get(pk=change.pk).state == "closed"


def takes_the_call(support: Visitor, cast: Cast, similar: Change) -> None:
    """Write along: Enter takes who is offered and goes on, Ctrl and Enter send it."""
    from playwright.sync_api import expect

    page, keys = support.page, support.page.keyboard
    expect(page.locator("#id_requester")).to_be_focused()
    keys.type("gra", delay=30)
    offered = page.get_by_role("option", name="Grace Requester")
    expect(offered).to_have_attribute("aria-selected", "true")
    keys.press("Enter")
    expect(page.locator("#id_organisation")).to_have_value(str(cast.harbour.pk))
    keys.type("Let night staff book meeting rooms", delay=5)
    expect(page.locator("#similar")).to_contain_text(similar.reference)
    keys.press("Enter")
    keys.insert_text("Booking hours end at 19:00. **Night staff** need rooms for handovers.")
    with page.expect_navigation():
        keys.press("Control+Enter")
