"""Writing and talking in a real browser: keyboard only, at phone width, and cut off half-way."""

import re
from typing import Any

import lxml.html
import pytest
from playwright.sync_api import expect

from changes import lifecycle
from changes.models import Change, Service
from changes.states import State
from tests.components.browsing import hurried, sign_in, wait_while_held
from tests.components.looks import faults, fits, looks
from tests.people import Cast
from tests.stories import submitted
from tests.worker import wait_until

NOTE_SUBMISSIONS = (
    "window.sent = 0; addEventListener('submit', e => { sent += !e.defaultPrevented; })"
)


@pytest.fixture
def browse(transactional_db: None, cast: Cast, new_page: Any, live_server: Any) -> Any:
    """Open a page as one of the cast."""

    def open_as(part: str, address: str, **options: Any) -> Any:
        page = new_page(**options)
        sign_in(page, cast.people[part], live_server)
        page.goto(address)
        return page

    return open_as


def test_a_new_requester_is_added_on_the_phone(browse: Any, cast: Cast) -> None:
    page = browse("support", "/changes/new/", width=360, height=740)
    keys = page.keyboard

    requester = page.locator("#id_requester")
    expect(requester).to_be_focused()
    keys.type("gra")
    expect(page.get_by_role("option", name="Grace Requester")).to_be_visible()

    # Enter takes nobody who was offered for an earlier text.
    on_its_way: list[Any] = []
    page.route("**/find-requester/*ines*", lambda route: on_its_way.append(route))
    requester.fill("ines@harbour.example")
    requester.press("Enter")
    expect(requester).to_have_value("ines@harbour.example")
    wait_while_held(page, lambda: on_its_way)
    on_its_way[0].continue_()
    expect(page.locator("#id_requester_name")).to_be_focused()
    expect(requester).to_have_value("ines@harbour.example")
    page.unroute_all()

    # What is offered for the text that stands there is taken.
    requester.fill("")
    requester.focus()
    keys.type("ines.ortega@harbour.example")
    option = page.get_by_role("option", name="Add a new requester")
    expect(option).to_contain_text("ines.ortega@harbour.example")
    keys.press("Enter")
    expect(page.locator("#id_requester_name")).to_be_focused()
    keys.type("Inés Ortega")
    keys.press("Enter")
    expect(page.locator("#id_title")).to_be_focused()
    keys.type("Add Mercury ward")
    keys.press("Enter")
    keys.type("It opens in May.")
    assert fits(page)
    keys.press("Control+Enter")

    page.wait_for_url("**/changes/CR-*/")
    person = Change.objects.get().requester
    assert person is not None
    assert (person.display_name, person.organisation) == ("Inés Ortega", cast.harbour)


def test_what_is_typed_survives_a_closed_tab_and_is_saved_before_it_is_sent(
    browse: Any, cast: Cast
) -> None:
    page = browse("requester", "/changes/new/")
    with hurried(page):
        page.fill("#id_title", "Rooms at night")
        expect(page.locator("[data-status]")).to_contain_text("Kept as draft CR-")
    page.fill("#id_description", "We work at night")
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    wait_until(Change.objects.filter(description="We work at night").exists)

    again = browse("requester", "/changes/new/")
    again.get_by_role("link", name="Rooms at night").click()
    expect(again.locator("#id_title")).to_have_value("Rooms at night")
    expect(again.locator("#id_description")).to_have_value("We work at night")
    assert Change.objects.get().state == State.DRAFT

    # Submit waits for a save that is under way.
    on_its_way: list[Any] = []
    again.route("**/autosave/**", lambda route: on_its_way.append(route))
    with hurried(again):
        again.fill("#id_title", "Rooms all night")
        wait_while_held(again, lambda: on_its_way)
    again.evaluate(NOTE_SUBMISSIONS)
    submit = again.get_by_role("button", name="Submit")
    assert submit.evaluate("button => { button.click(); return window.sent; }") == 0
    on_its_way[0].continue_()
    again.wait_for_url("**/changes/CR-*/")
    change = Change.objects.get()
    assert (change.state, change.title) == (State.SUBMITTED, "Rooms all night")


def sign_in_by_hand(page: Any, cast: Cast) -> None:
    """Fill in the sign-in page, which also renews the token that forms carry."""
    page.fill("[name=login]", cast.requester.email)
    page.fill("[name=password]", "secret")
    page.locator("main form button[type=submit]").first.click()


def sign_in_in_another_tab(page: Any, cast: Cast) -> None:
    """Do the same beside the open page: another tab has its cookies, and nothing else of it."""
    elsewhere = page.context.request
    forms = lxml.html.document_fromstring(elsewhere.get("/account/login/").text()).forms
    form = next(one for one in forms if "login" in one.fields)
    form.fields.update(login=cast.requester.email, password="secret")
    answer = elsewhere.post("/account/login/", form=dict(form.form_values()), max_redirects=0)
    assert (answer.status, answer.headers["location"]) == (302, "/")


def test_an_expired_session_loses_nothing(browse: Any, cast: Cast) -> None:
    page = browse("requester", "/changes/new/")
    status = page.locator("[data-status]")
    with hurried(page):
        page.fill("#id_title", "Rooms at night")
        expect(status).to_contain_text("Kept as draft CR-")

    # It has ended as the form is sent: what was typed is put back after signing in.
    page.context.clear_cookies(name="sessionid")
    page.fill("#id_description", "We work at night")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/account/login/**")
    sign_in_by_hand(page, cast)
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator("#id_title")).to_have_value("Rooms at night")
    expect(page.locator("#id_description")).to_have_value("We work at night")

    # It ends while somebody types, who signs in again in another tab.
    with hurried(page):
        page.context.clear_cookies(name="sessionid")
        page.fill("#id_description", "We work")
        expect(status).to_contain_text("You are signed out")
    sign_in_in_another_tab(page, cast)
    with hurried(page):
        page.fill("#id_description", "We work all night")
        expect(status).to_contain_text("Kept as draft CR-")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/changes/CR-*/")
    change = Change.objects.get()
    assert (change.state, change.description) == (State.SUBMITTED, "We work all night")


def choose_files(page: Any) -> None:
    """Choose files, which are named; one over the limit does not travel."""
    files = [
        {"name": name, "mimeType": "text/plain", "buffer": b"12"} for name in ("a.txt", "b.txt")
    ]
    names = page.locator("[data-chosen] li")
    page.set_input_files("#id_attachments", files)
    expect(names).to_have_text(["a.txt", "b.txt"])
    page.set_input_files("#id_attachments", files[:1])
    expect(names).to_have_count(0)

    file = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"far too long a plan"}
    page.set_input_files("#id_attachments", [file])
    expect(page.get_by_role("alert")).to_have_text("Too large, so not chosen: plan.txt")
    assert page.evaluate("document.querySelector('#id_attachments').files.length") == 0


def test_a_file_outlives_a_mistake_and_what_is_pressed_twice_is_sent_once(
    browse: Any, settings: Any
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 10
    page = browse("requester", "/changes/new/", width=360)
    choose_files(page)
    page.fill("#id_description", "They cannot book after seven.")
    file = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"The plan"}
    page.set_input_files("#id_attachments", [file])
    page.locator("#id_description").press("Control+Enter")
    expect(page.locator("#id_title_error")).to_be_visible()
    kept = page.get_by_role("list", name="Files of this draft")
    expect(kept).to_contain_text("plan.txt")
    assert faults(page) == ""
    assert fits(page)
    kept.get_by_role("button", name="Remove plan.txt").click()
    expect(kept).to_have_count(0)
    expect(page.locator("#id_description")).to_have_value("They cannot book after seven.")
    assert not Change.objects.get().attachments.exists()

    # Whatever is still being looked up.
    page.evaluate(NOTE_SUBMISSIONS)
    page.route("**/similar/**", lambda route: None)
    where = re.compile(r"/changes/new/(\?.*)?$")
    page.route(where, lambda route: route.fulfill(status=204))  # the page stays
    with page.expect_request("**/similar/**"):
        page.fill("#id_title", "Let the night staff book rooms")
    send = page.get_by_role("button", name="Submit")
    with page.expect_event("requestfailed", lambda it: "/similar/" in it.url):
        send.click()
    send.dispatch_event("click")
    assert page.evaluate("window.sent") == 1


def test_the_page_of_a_change_takes_words_files_and_links(browse: Any, cast: Cast) -> None:
    change = submitted(cast)
    other = submitted(cast, title="Open the loading bay to porters")
    page = browse("success", change.get_absolute_url())
    two_people_talk(page, cast, change)
    attach_and_link(page, other)

    here = page.locator(":focus")
    page.get_by_role("button", name="Watch", exact=True).press("Enter")
    expect(page.locator("#watch")).to_contain_text("1 person watches")
    expect(here).to_have_text("Stop watching")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#watch")).to_contain_text("You have muted this change")
    expect(here).to_have_text("Unmute")
    with page.expect_download() as download:
        page.get_by_role("link", name="plan.txt").click()
    assert download.value.suggested_filename == "plan.txt"


def two_people_talk(page: Any, cast: Cast, change: Change) -> None:
    """Neither loses what they type, and what was sent is not offered again."""
    lifecycle.comment(change, actor=cast.requester, body="Is it done?")
    body = page.locator("#comment-form textarea")

    expect(page.get_by_role("button", name="Add internal note")).to_be_visible()
    on_its_way: list[Any] = []
    page.route("**/comment/", lambda route: on_its_way.append(route))
    body.fill("She is in a hurry")
    with page.expect_request("**/comment/"):
        page.get_by_role("button", name="Add internal note").click()
    body.press_sequentially(" Call her back.")
    wait_while_held(page, lambda: on_its_way)
    on_its_way[0].continue_()
    page.unroute_all()
    expect(page.locator("#comments")).to_contain_text("She is in a hurry")
    expect(page.locator("#comments")).to_contain_text("Is it done?")
    expect(body).to_have_value("Call her back.")

    page.locator(".audience-public").first.click()
    body.fill("**Tomorrow**")
    page.get_by_role("button", name="Send to the customer").click()
    expect(page.locator("#comments strong", has_text="Tomorrow")).to_be_visible()
    expect(body).to_have_value("")
    expect(page.get_by_role("button", name="Add internal note")).to_be_visible()
    page.reload()
    expect(page.get_by_text("You had typed something")).to_have_count(0)
    assert list(change.comments.values_list("body", "is_internal")) == [
        ("Is it done?", False),
        ("She is in a hurry", True),
        ("**Tomorrow**", False),
    ]


def attach_and_link(page: Any, other: Change) -> None:
    """Attach a file, link another change, and remove the link: the focus is lost by none of it."""
    here = page.locator(":focus")
    file = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"The plan"}

    page.set_input_files("#attachments input[type=file]", [file])
    page.get_by_role("button", name="Attach").press("Enter")
    expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
    expect(here).to_have_text("Attach")

    page.get_by_text("Link another change").press("Enter")
    page.locator("#id_link_kind").select_option("enabled_by")
    page.locator("#id_link_target").press_sequentially("porters", delay=20)
    expect(page.get_by_role("option", name="loading bay")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Link", exact=True).press("Enter")
    expect(page.locator("#links .link-row")).to_contain_text("Enabled by")
    expect(here).to_have_text("Link another change")
    page.get_by_role("button", name=f"Remove the link to {other.reference}").press("Enter")
    page.locator("dialog[open] [data-confirm-yes]").press("Enter")
    expect(page.locator("#links")).to_contain_text("Not linked to any other change.")
    expect(here).to_have_text("Link another change")


def test_pages_are_readable_for_all(browse: Any, live_server: Any, cast: Cast) -> None:
    Service.objects.create(name="Space booking")
    change = submitted(cast)
    page = browse("support", "/changes/new/")
    with looks(page) as look:
        page.locator("#id_requester").press_sequentially("a.example", delay=5)
        page.keyboard.press("Escape")
        page.locator("#id_requester").fill("new@harbour.example")
        expect(page.get_by_role("option").first).to_be_visible()
        look.over_page("a new requester")
        page.keyboard.press("Enter")
        page.locator("#id_title").fill("Let night staff book meeting rooms")
        expect(page.locator("#similar")).to_contain_text(change.reference)
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("There is a problem")).to_be_visible()
        look.over_page("an incomplete request")
        sign_in(page, cast.requester, live_server)
        look.over_address(f"{change.get_absolute_url()}edit/")
