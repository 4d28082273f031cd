"""The palette leads to what a list's search finds, to meetings and pages, for each reader alone.

Costs 6 s, nearly all of it in the browser.
"""

import re
from typing import Any

from django.test import Client
from playwright.sync_api import expect

from accounts.models import User
from changes import lifecycle
from changes.palette import acts_of
from changes.states import State
from changes.templatetags.change_ui import state_words
from changes.worklist import worklist
from tests import stories
from tests.components.browsing import leads_to, sign_in
from tests.components.looks import looks
from tests.people import Cast

PALETTE = "/changes/palette/"
CANARY = "zanzibar"


def found(client: Client, person: User, text: str) -> dict[str, list[str]]:
    client.force_login(person)
    answer = client.get(PALETTE, {"q": text}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return {
        str(one.name): [str(lead.text) for lead in one.leads] for one in answer.context["kinds"]
    }


def test_who_finds_what(client: Client, cast: Cast) -> None:
    change = stories.submitted(cast, title="Rooms at night")
    lifecycle.comment(change, actor=cast.support, body=f"{CANARY} costs us.", internal=True)
    for text in ("night rooms", change.reference, str(change.reference).lower()):
        for person in (cast.support, cast.requester, cast.colleague):
            assert found(client, person, text)["Changes"] == [change.title], (person, text)
        assert "Changes" not in found(client, cast.stranger_customer, text)
        assert "Changes" not in found(client, cast.nobody, text)
    notes = "Comments, files and numbers"
    assert found(client, cast.support, CANARY) == {notes: [change.title]}
    assert found(client, cast.requester, CANARY) == {}
    asked = cast.requester.display_name
    assert found(client, cast.support, asked)["Requests of"] == [asked]
    assert found(client, cast.stranger_customer, asked) == {}


def test_customers_read_states_in_the_words_of_their_list(client: Client, cast: Cast) -> None:
    """For them there is no board, and no other stage of the work inside."""
    changes = [stories.submitted(cast), stories.assessed(cast, "code"), stories.in_testing(cast)]
    for change in [*changes, stories.in_review(cast)]:
        for person in (cast.requester, cast.support):
            client.force_login(person)
            answer = client.get(PALETTE, {"q": change.reference}, headers={"HX-Request": "true"})
            (lead,) = next(k.leads for k in answer.context["kinds"] if str(k.name) == "Changes")
            words = lead.detail.partition(" · ")[2]
            assert words == state_words(State(change.state), plain=not person.is_internal)
            assert person.is_internal or "Board" not in words


def test_pages_are_those_of_the_header(client: Client, cast: Cast) -> None:
    for person in cast.people.values():
        client.force_login(person)
        whole = client.get(PALETTE)
        header = [str(one.label) for one in whole.context["navigation"]]
        shown = [str(lead.text) for kind in whole.context["kinds"] for lead in kind.leads]
        assert shown == header[: len(shown)] and len(shown) >= min(len(header), 6)
    assert found(client, cast.administrator, "admini")["Pages"] == ["Administration"]
    assert "Pages" not in found(client, cast.requester, "admini")


def test_whatever_is_typed_is_answered(client: Client, cast: Cast) -> None:
    for text in ("", " ", "%", "\\", "'", "x" * 5000, "<script>", "CR-9" * 99):
        assert isinstance(found(client, cast.support, text), dict)
    assert client.post(PALETTE).status_code == 405
    client.logout()
    assert client.get(PALETTE)["Location"].startswith("/account/login/")


def test_the_search_of_the_header_says_the_same_and_nothing_of_nothing(
    client: Client, cast: Cast
) -> None:
    stories.submitted(cast, title="Rooms at night")
    for person in (cast.support, cast.stranger_customer):
        client.force_login(person)
        for text in (" ", "night", "zzzz"):
            palette, header = (
                client.get(PALETTE, {"q": text, **box}, headers={"HX-Request": "true"})
                for box in ({}, {"box": "header"})
            )
            if text.strip():
                assert header.content == palette.content, (person, text)
            else:
                assert header.content.strip() == b"", "as long as nothing is typed"
    page = client.get("/").content.decode()
    assert re.search(r'<form class="app-search"[^>]* action="/changes/" method="get">', page)


def test_acts_are_those_that_a_person_may_take_now(
    client: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for make in (stories.submitted, stories.in_review, stories.in_authorisation):
        make(cast)
    seen = set()
    for name in ("support", "success", "tester", "approver", "requester", "nobody"):
        person = cast.people[name]
        client.force_login(person)
        acts = {lead.url: lead for lead in client.get(PALETTE).context["acts"]}
        home = client.get("/").context
        seen |= acts.keys()
        assert ("/changes/new/" in acts) == bool(home["new_change_url"]), name
        assert ("/notifications/read/" in acts) == bool(home["user"].unread), name
        tasks = {group.tasks[0].url for group in worklist(User.objects.get(pk=person.pk))}
        assert acts.keys() - {"/changes/new/", "/notifications/read/"} == tasks, name
        for url in tasks:
            assert client.get(url).status_code == 200, (name, url)
    assert len(seen) > 4
    client.force_login(cast.success)
    reader = User.objects.get(pk=cast.success.pk)
    worklist(reader)  # who they are is known to each page
    with django_assert_max_num_queries(3):
        (read,) = (lead for lead in acts_of(reader) if lead.fields)
    assert client.post(read.url, dict(read.fields)).status_code == 302
    assert User.objects.get(pk=cast.success.pk).unread == 0
    assert not any(lead.fields for lead in client.get(PALETTE).context["acts"])


def test_everything_by_keyboard_in_every_look(
    new_page: Any, live_server: Any, transactional_db: None, cast: Cast
) -> None:
    change = stories.submitted(cast, title="Rooms at night")
    page = new_page()
    sign_in(page, cast.success, live_server)
    page.goto(f"/changes/{change.reference}/")
    nobody_leaves_a_page_as_the_palette_does_not_come(page)

    # Whoever is signed out meanwhile is led to sign in.
    page.context.clear_cookies(name="sessionid")
    with leads_to(page, "/account/login/"):
        page.keyboard.press("Control+k")
    sign_in(page, cast.success, live_server)

    page.keyboard.press("Control+k")
    box = page.get_by_role("searchbox", name="A reference, words, a person, a page")
    expect(box).to_be_focused()
    expect(page.get_by_role("link", name="Assess").last).to_be_visible()
    page.keyboard.type("night")
    lead = page.locator("#palette-found").get_by_role("link", name="Rooms at night")
    expect(lead).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(lead).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    what_the_page_offers_stands_once(page, box)
    box.fill("home")
    expect(page.locator("#palette-found").get_by_role("link", name="Home")).to_be_visible()
    expect(lead).to_be_hidden()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"://[^/]+/$"))
    the_search_of_the_header_leads_as_one_types(page, change.get_absolute_url())
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    offered = page.locator("#palette").get_by_role("link", name="New change request")
    expect(offered).to_have_count(1)
    page.keyboard.type("night")
    expect(lead).to_be_visible()
    with looks(page) as over:
        over.over_page("the palette")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_hidden()


def what_the_page_offers_stands_once(page: Any, box: Any) -> None:
    here = page.locator("[data-palette-acts]").get_by_role("link", name="Assess")
    anywhere = page.locator("[data-palette-mine]").get_by_role("link", name="Assess: Rooms")
    box.fill("assess")
    expect(here).to_be_visible()
    expect(anywhere).to_be_hidden()
    page.keyboard.press("Control+k")
    page.locator(".next-actions").evaluate("one => one.remove()")  # as when it is renewed
    page.keyboard.press("Control+k")
    expect(here).to_have_count(0)
    expect(anywhere).to_be_visible()


def the_search_of_the_header_leads_as_one_types(page: Any, where: str) -> None:
    found = page.locator("#app-found")
    lead = found.get_by_role("link", name="Rooms at night")
    page.keyboard.press("/")
    page.keyboard.type("night")
    expect(lead).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(lead).to_be_focused()
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(page.locator("#app-search")).to_be_focused()
    page.locator("#app-search").fill("zzzz")
    expect(found).to_contain_text("Nothing has “zzzz”.")
    page.locator("#app-search").fill("night")
    expect(lead).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(found).to_be_hidden()
    page.locator("#app-search").focus()
    page.keyboard.press("Backspace")
    expect(lead).to_be_visible()
    with leads_to(page, where):
        lead.click()


def nobody_leaves_a_page_as_the_palette_does_not_come(page: Any) -> None:
    """The database is away, or the network: what is being typed stays where it is."""
    here = page.url
    said = page.get_by_text("That did not work")
    page.evaluate("window.reallyFetch = window.fetch")
    for answer in ("resolve(new Response('', { status: 503 }))", "reject(new TypeError())"):
        # In the page: a route of the browser let one of some hundred requests through.
        page.evaluate(f"() => {{ window.fetch = () => Promise.{answer}; }}")
        page.keyboard.press("Control+k")
        expect(said).to_be_visible()
        assert page.url == here
        page.evaluate("document.querySelector('#messages').replaceChildren()")
        expect(said).to_have_count(0)
    page.evaluate("window.fetch = window.reallyFetch")
