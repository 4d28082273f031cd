"""The list in a real browser: filters that apply at once, without a mouse, and without scripts."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Organisation
from changes import columns, lifecycle
from changes.models import Change, Promise, Service
from tests.components.browsing import leads_to, sign_in, wait_while_held
from tests.components.looks import looks
from tests.people import Cast
from tests.stories import assessed, in_confirmation, in_requirements, submitted

EVERY = columns.written(columns.STAFF)
LONGER_THAN_ANY_DELAY_MS = 5_000
"""On the clock of a page, which a test may put forward."""


@pytest.fixture
def some(transactional_db: None, cast: Cast) -> Cast:
    """A few changes in different states."""
    submitted(cast, title="Inspect the boiler")
    submitted(cast, title="Rename the helpdesk")
    code = assessed(cast, "code", title="Show energy meters on the map")
    code.services.add(Service.objects.create(name="Space booking"))
    in_confirmation(cast)
    lifecycle.watch(in_requirements(cast), actor=cast.support)
    return cast


def more_organisations(some: Cast) -> None:
    """Make a menu that is too long to come with the page."""
    team = some.harbour.success_team
    for number in range(30):
        Organisation.objects.create(name=f"Customer {number:02d}", success_team=team)


def rows(page: Any) -> Any:
    return page.locator(".change-rows > tr")


def menu(page: Any, name: str) -> Any:
    return page.locator(".list-menu > summary", has_text=re.compile(rf"^\s*{name}\s*$"))


def test_filters_apply_at_once_and_sorting_keeps_them(
    new_page: Any, live_server: Any, client: Client, some: Cast
) -> None:
    more_organisations(some)
    page = new_page()
    sign_in(page, some.support, live_server)
    page.goto("/changes/?sort=-reference")
    expect(rows(page)).to_have_count(5)
    days_are_in_sight(page)
    menu(page, "State").click()
    page.get_by_label("Submitted", exact=True).check()
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/changes/\?state=submitted$"))
    expect(page.locator(".list-menu[open]")).to_have_count(1)  # open for a second choice
    page.get_by_label("Change Request Board", exact=True).check()
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".list-menu[open]")).to_have_count(0)
    page.locator("#list-q").press_sequentially("boil")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Inspect the boiler")
    expect(page).to_have_url(re.compile(r"q=boil&"))
    shared = page.url
    page.get_by_role("link", name="State: Change Request Board").press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=boil&state=submitted$"))
    expect(page.locator(".list-chips :focus, .list-clear:focus")).to_have_count(1)
    page.get_by_role("link", name="Clear all").click()
    expect(rows(page)).to_have_count(5)
    page.go_back()
    expect(rows(page)).to_have_count(1)
    client.force_login(some.auditor)  # somebody whom the address is sent to
    assert client.get(shared).content.decode().count('<th scope="row">') == 1

    # A long menu comes when it is opened.
    page.get_by_role("link", name="Clear all").click()
    expect(rows(page)).to_have_count(5)
    page.locator("#list-q").press_sequentially("e")
    menu(page, "Organisation").click()
    page.get_by_label(some.harbour.name, exact=True).check()
    expect(page).to_have_url(re.compile(rf"q=e&organisation={some.harbour.pk}$"))
    expect(page.get_by_label("Customer 29", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    menu(page, "Organisation").click()
    expect(page.get_by_label(some.harbour.name, exact=True)).to_be_checked()
    page.keyboard.press("Escape")  # an open menu lies over what is below it
    page.get_by_role("link", name="Clear all").click()
    expect(page).to_have_url(re.compile(r"/changes/\?sort=-reference$"))
    expect(page.get_by_label(some.harbour.name, exact=True)).to_have_count(0)
    sorting_keeps_the_filters_and_keys_lead_to_changes(page, some)


def days_are_in_sight(page: Any) -> None:
    """However the menus are wrapped, the widest of them does not run out of the page."""
    for width in (800, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for name in ("Due", "Promise made"):
            menu(page, name).click()
            for end in ("from", "to"):
                field = page.get_by_label(f"{name} ({end})", exact=True)
                expect(field).to_be_in_viewport(ratio=1)
            assert page.evaluate("document.documentElement.scrollWidth") == width
    page.keyboard.press("Escape")


def sorting_keeps_the_filters_and_keys_lead_to_changes(page: Any, some: Cast) -> None:
    change = submitted(some, title="Found by number")
    page.get_by_role("link", name="Open", exact=True).click()
    expect(page).to_have_url(re.compile(r"/changes/\?view=open"))
    menu(page, "State").click()
    page.get_by_label("Submitted", exact=True).check()
    expect(page).to_have_url(re.compile(r"/changes/\?view=open&state=submitted$"))
    page.get_by_role("link", name="Title").focus()
    expect(page.locator(".list-menu[open]")).to_have_count(0)  # it lies over nothing once left
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"view=open&sort=title&state=submitted"))
    expect(page.locator(":focus")).to_have_text("Title")
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Title")
    expect(rows(page)).to_contain_text(
        ["Found by number", "Inspect the boiler", "Rename the helpdesk"]
    )

    # By keyboard: along the rows, and into one.
    rows(page).nth(1).locator("a").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).to_have_text("Rename the helpdesk")
    page.keyboard.press("ArrowUp")
    boiler = Change.objects.get(title="Inspect the boiler")
    with leads_to(page, boiler.get_absolute_url()):
        page.keyboard.press("Enter")

    menu(page, "Type").click()
    page.get_by_label("Not assessed").check()
    expect(page).to_have_url(re.compile(r"sort=title&state=submitted&type=none"))
    page.get_by_role("link", name="Watching").click()
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()

    # A reference that is typed and entered opens its change.
    page.goto("/changes/")
    page.locator("#list-q").fill(f"cr{change.pk}")
    expect(rows(page)).to_have_count(1)
    page.locator("#list-q").press("Enter")
    expect(page).to_have_url(re.compile(rf"/changes/{change.reference}/$"))


def test_a_link_of_the_list_comes_after_a_search_on_its_way(
    new_page: Any, live_server: Any, some: Cast
) -> None:
    """A search answered or sent after the link was pressed would bring the old filters back."""
    page = new_page()
    page.clock.install()
    sign_in(page, some.support, live_server)
    page.goto("/changes/?state=submitted&state=board")
    expect(rows(page)).to_have_count(3)
    held: dict[bool, Any] = {}
    page.route(
        re.compile(r"/changes/\?"), lambda route: held.update({"q=" in route.request.url: route})
    )
    page.locator("#list-q").press_sequentially("b")
    page.get_by_role("link", name="State: Change Request Board").click()
    wait_while_held(page, lambda: False in held)
    held.pop(False).continue_()
    expect(page).to_have_url(re.compile(r"\?state=submitted$"))
    expect(rows(page)).to_have_count(2)
    if search := held.get(True):
        search.continue_()
    page.clock.run_for(LONGER_THAN_ANY_DELAY_MS)
    expect(page).to_have_url(re.compile(r"\?state=submitted$"))
    expect(rows(page)).to_have_count(2)
    page.unroute_all()
    page.locator("#list-q").press_sequentially("boil")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=boil&state=submitted$"))

    # Leaving the search asks for nothing again.
    page.clock.run_for(LONGER_THAN_ANY_DELAY_MS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("heading", level=1).click()
    page.clock.run_for(LONGER_THAN_ANY_DELAY_MS)
    assert asked == []


def test_it_works_without_scripts(new_page: Any, live_server: Any, some: Cast) -> None:
    more_organisations(some)
    page = new_page(java_script_enabled=False)
    sign_in(page, some.support, live_server)
    page.goto("/changes/")
    menu(page, "State").click()
    page.get_by_label("Submitted", exact=True).check()
    page.get_by_role("button", name="Apply").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("link", name="Title").click()
    expect(rows(page).first).to_contain_text("Inspect the boiler")
    page.get_by_role("link", name="State: Submitted").click()
    expect(rows(page)).to_have_count(5)

    # A menu that is too long to come with the page.
    menu(page, "Organisation").click()
    page.get_by_role("button", name="Show all").click()
    menu(page, "Organisation").click()
    page.get_by_label("Customer 29", exact=True).check()
    page.get_by_role("button", name="Apply").click()
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_role("link", name="Organisation: Customer 29")).to_be_visible()


def test_lists_and_homes_are_readable_for_all(new_page: Any, live_server: Any, some: Cast) -> None:
    change = in_requirements(some)
    for one in Change.objects.all():  # found by their comments, in every state
        lifecycle.comment(one, actor=some.requester, body="As on the third floor.")
    named = Change.objects.filter(title__contains=" the ")
    named.filter(type="code").update(promise=Promise.THREE_RELEASES, promised_at=timezone.now())
    named.filter(type="").update(due_on=timezone.localdate() - timedelta(days=9))
    kind = {"name": "Access of the night staff of a ward " * 2, "purpose": "Who may do what."}
    lifecycle.save_template(None, actor=some.success, organisation=some.harbour, title="-", **kind)
    view = lifecycle.save_view(None, actor=some.support, name="Late", shared="", filters={})
    pages = {
        "support": [
            "/",
            f"/changes/?saved={view.pk}&q=harbour&sort=-due&columns={EVERY}&choose=columns",
            "/changes/views/",
            "/changes/?q=zzzz",
        ],
        "requester": ["/", "/changes/?q=third"],
        "auditor": ["/", f"/changes/{change.reference}/history/", "/history/?person=cleo"],
    }
    page = new_page()
    with looks(page) as look:
        for who, addresses in pages.items():
            sign_in(page, some.people[who], live_server)
            for address in addresses:
                look.over_address(address)
