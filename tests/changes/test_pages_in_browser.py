"""The page of a change and those of its steps, in a browser: readable for all, on a phone too."""

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from changes import corrections, inbox
from changes.models import Release
from tests import stories
from tests.changes.test_story import code_with_everything, configuration_with_everything
from tests.components.browsing import sign_in
from tests.components.looks import looks, unfold, unfold_content
from tests.people import Cast


def test_pages_are_accessible_and_fit(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any
) -> None:
    talked_about = configuration_with_everything(cast)
    stories.lifecycle.comment(talked_about, actor=cast.support, body="Inside", internal=True)
    stories.lifecycle.comment(talked_about, actor=cast.requester, body="Outside")
    like_it = stories.submitted(cast)
    stories.lifecycle.link(talked_about, actor=cast.support, other=like_it, kind="duplicates")
    stories.lifecycle.label(talked_about, actor=cast.support, name="W" * 40, colour="amber")
    addresses = [
        (cast.success, talked_about, ""),
        (cast.requester, code_with_everything(cast), ""),
        (cast.release_manager, stories.in_deployment(cast), ""),
        (cast.approver, stories.in_authorisation(cast), "authorise/"),
        (cast.developer, stories.in_development(cast), "record_development/"),
        (cast.tester, stories.in_review(cast), "review/"),
        (cast.success, stories.submitted(cast), "assess/"),
        (cast.success, stories.in_execution(cast), "plan_execution/"),
        (cast.success, talked_about, "mail/"),
    ]
    record = corrections.finished(talked_about, "execution")[-1]
    addresses.append((cast.success, talked_about, f"executions/{record.pk}/correct/"))
    planned, late = stories.in_deployment(cast), timezone.localdate() + timedelta(days=500)
    release = Release.objects.create(name="9.9", planned_on=late)

    def plan_too_late(page: Page) -> None:
        """Choose a release after the day promised: it is asked why, with both days."""
        page.get_by_label("Release", exact=True).select_option(str(release.pk))
        page.get_by_label("Rollback plan").fill("Put 4.11 back.")
        page.get_by_role("button", name="Save the plan").click()
        expect(page.get_by_role("alert")).to_contain_text("the day promised: say why.")
        expect(page.get_by_label("Why", exact=False).first).to_be_visible()
        unfold(page)

    page = new_page()
    with looks(page) as look:
        for person, change, verb in addresses:
            sign_in(page, person, live_server)
            look.over_address(f"{change.get_absolute_url()}{verb}", unfold_content)
        look.over_address(reverse("changes:labels"))
        look.over_address(reverse("changes:promises"), unfold_content)
        look.over_address(reverse("changes:figures"), unfold_content)
        look.over_address(reverse("changes:figure", args=["submitted"]), unfold_content)
        inbox.read_all(cast.success, inbox.of(cast.success).earliest("pk").pk)
        look.over_address(reverse("changes:notifications"), unfold)
        sign_in(page, cast.release_manager, live_server)
        page.goto(f"{planned.get_absolute_url()}plan_deployment/")
        plan_too_late(page)
        look.over_page("a plan after the day promised")
        sign_in(page, cast.requester, live_server)
        look.over_address(reverse("changes:own_promises"), unfold)
        look.over_address(reverse("accounts:guide", args=["import"]))


def test_what_was_typed_survives_a_mistake_and_a_stale_page(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any
) -> None:
    change = stories.in_authorisation(cast)
    page = new_page()
    sign_in(page, cast.approver, live_server)
    page.goto(change.get_absolute_url())
    folded = page.locator("#stage-assessment").get_by_text("Night staff cannot book rooms.")
    form = page.locator("#comment-form")
    expect(folded).to_be_hidden()
    page.emulate_media(media="print")
    expect(folded).to_be_visible()  # paper unfolds nothing
    expect(form).to_be_hidden()
    page.emulate_media(media="screen")
    expect(form).to_be_visible()
    page.get_by_role("link", name="Authorise").click()
    page.get_by_role("button", name="Authorise").click()
    page.get_by_role("alert").get_by_text("Reason: This field is required.").wait_for()
    page.get_by_label("Reason").fill("The wards need it.")
    page.get_by_role("button", name="Refuse").click()  # this one asks, as it ends the change
    page.locator("#confirm-dialog").get_by_text("This ends the change").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Reason")).to_have_value("The wards need it.")
    stories.lifecycle.assign(change, actor=cast.support, owner=cast.support)
    page.get_by_role("button", name="Authorise").click()
    page.get_by_text("In the meantime Sam Support assigned an owner.").wait_for()
    expect(page.get_by_label("Reason")).to_have_value("The wards need it.")
    page.get_by_role("button", name="Authorise").click()
    page.get_by_text("Your decision on CR-").wait_for()
    change.refresh_from_db(fields=["version"])
    assert change.events.filter(verb="authorise").count() == 1
