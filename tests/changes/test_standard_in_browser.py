"""A standard change is proposed and approved by keyboard on a phone, and used. Under 4 s."""

from typing import Any

from django.test import Client
from playwright.sync_api import expect

from changes import lifecycle
from changes.models import Change, StandardApproval
from changes.states import State
from tests.components.browsing import linked, sign_in
from tests.components.looks import faults, fits
from tests.people import Cast
from tests.standards import endorsed, in_review, template


def test_a_standard_change_from_its_proposal_to_its_use(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any, client: Client
) -> None:
    one = template(cast, checklist=f"{'long words ' * 15}(required)\nWard is told")
    page = new_page(width=360, height=740)
    sign_in(page, cast.success, live_server)
    page.goto(f"/templates/{one.pk}/")
    page.get_by_role("link", name="Propose as a standard change").press("Enter")
    page.get_by_label("Why it needs no authorisation each time").fill("Every week.")
    assert fits(page) and not faults(page)
    page.get_by_role("button", name="Propose it").press("Enter")
    expect(page.get_by_text("is proposed as a standard change.")).to_be_visible()

    # They use one browser in turn.
    sign_in(page, cast.approver, live_server)
    waiting = linked(client, cast.approver, "/", "Read and decide")
    proposal = StandardApproval.objects.get()
    assert linked(client, cast.approver, waiting, "Feature flag") == proposal.get_absolute_url()
    page.goto(proposal.get_absolute_url())
    assert fits(page) and not faults(page)
    page.get_by_role("link", name="Approve").press("Enter")
    page.get_by_label("Why?").fill("Harmless.")
    page.get_by_role("button", name="Approve", exact=True).press("Enter")
    expect(page.get_by_text("is a standard change for a year.")).to_be_visible()
    reviewed = in_review(cast, StandardApproval.objects.get())
    sign_in(page, cast.success, live_server)
    page.goto(reviewed.get_absolute_url())
    expect(page.get_by_text("it goes straight to execution")).to_be_visible()
    assert fits(page) and not faults(page)
    endorsed(reviewed, cast)
    change = Change.objects.get()
    assert change.state == State.EXECUTION
    sign_in(page, cast.approver, live_server)
    approved = StandardApproval.objects.get().get_absolute_url()
    assert linked(client, cast.approver, approved, change.title) == change.get_absolute_url()
    page.goto(change.get_absolute_url())
    expect(page.get_by_text("Changes of this kind are approved in advance.")).to_be_attached()
    assert fits(page)
    lifecycle.withdraw_standard(
        StandardApproval.objects.get(), actor=cast.success, reason="We look again."
    )
    sign_in(page, cast.success, live_server)
    page.reload()
    expect(page.get_by_text("This change goes on")).to_be_visible()
    # Its checklist is ticked where it stands; what is typed beside it stays, and so does the focus.
    page.locator("[name=body]").fill("Half a comment")
    page.get_by_role("button", name="Tick Ward is told").press("Enter")
    expect(page.get_by_role("button", name="Untick Ward is told")).to_be_focused()
    expect(page.get_by_text("1 of 2 ticked")).to_be_visible()
    expect(page.locator("[name=body]")).to_have_value("Half a comment")
    assert fits(page) and not faults(page)
