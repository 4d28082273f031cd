"""A meeting in several browsers: what happens appears by itself, and nothing typed is lost."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from playwright.sync_api import expect

from accounts.models import User
from changes import lifecycle as change_lifecycle
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from tests.components.browsing import sign_in, wait_while_held
from tests.components.looks import fits
from tests.crb.conftest import Table
from tests.crb.test_consent import agreed
from tests.crb.test_pages_in_browser import UP_TO_DATE
from tests.environment import ROOT
from tests.server import HOST, Server
from tests.worker import wait_until, worker_environment

pytestmark = pytest.mark.django_db(transaction=True)
ASKS = "What happens appears here within a few seconds"
RECONNECTING = "Reconnecting…"
STOPPED_IN_SECONDS = 300
# What has reached the page from the stream, whether or not the page has shown it yet.
LISTEN = """
window.heard = [];
window.EventSource = class extends EventSource {
  constructor(...how) {
    super(...how);
    this.addEventListener("parts", ({ data }) => window.heard.push(JSON.parse(data)));
  }
};
"""
HAS_HEARD = "words => window.heard.some((news) => JSON.stringify(news.parts).includes(words))"
HAS_HEARD_OF = "item => window.heard.some((news) => news.article && news.item === item)"


def open_meeting(new_page: Any, live_server: Any, user: User, item: AgendaItem, **how: Any) -> Any:
    """Open the meeting's page and wait until it is live; ``listens`` notes what it hears."""
    where, listens = how.pop("where", ""), how.pop("listens", False)
    page = new_page(**how)
    if listens:
        page.add_init_script(LISTEN)
    sign_in(page, user, live_server)
    page.goto(f"/board/meetings/{item.meeting_id}/{where}")
    expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
    page.evaluate("window.stillHere = true")
    return page


def go(table: Table, item: AgendaItem) -> None:
    meeting = Meeting.objects.get(pk=item.meeting_id)
    lifecycle.go_to_item(meeting, actor=table.chair, item=item)


def test_votes_arrivals_and_outcomes_appear(table: Table, new_page: Any, live_server: Any) -> None:
    """For an onlooker and for the chair, who can record once there is a quorum."""
    item = table.running_item("Rooms at night")
    page = open_meeting(new_page, live_server, table.cast.support, item)
    chair = open_meeting(new_page, live_server, table.chair, item)
    box = chair.locator("#outcome-box")
    expect(box).to_contain_text("No quorum yet")
    expect(page.locator("#attendance")).to_contain_text("1 of 7 present")
    table.vote(item, "", "accepted", "accepted", "accepted")
    expect(page.locator("#tally")).to_contain_text("(3 of 7)")
    expect(page.locator("#agenda-list")).to_contain_text("3 of 7 voted")
    expect(page.locator("#attendance")).to_contain_text("4 of 7 present")
    table.vote(item, "", "", "", "", "accepted", "accepted")
    expect(chair.locator("#tally")).to_contain_text("Leads: accepted, 5 of 5.")
    box.get_by_label("Reason, for the requester").fill("It pays.")
    box.get_by_role("button", name="Record the outcome").click()
    expect(chair.get_by_role("heading", name="The board decided")).to_be_visible()
    expect(page.locator("#settled")).to_contain_text("It pays.")
    lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    expect(page.locator("#meeting-lead")).to_contain_text("Closed")
    expect(page.locator("#live-state")).to_be_hidden()
    assert page.evaluate("window.stillHere") is True


def test_what_somebody_types_survives_everything(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """From before the meeting on: who waits for it is taken along."""
    item, second = table.item("Rooms at night"), table.item("Alarms")
    page = open_meeting(new_page, live_server, table.cast.crb_member, item)
    lifecycle.start_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    expect(page.get_by_text("The meeting is at item 1 of 2")).to_be_visible()
    page.get_by_role("button", name="I am here").click()
    expect(page.locator("#attendance")).to_contain_text("2 of 7 present")

    page.get_by_text("Reject", exact=True).click()
    reason = page.get_by_label("Reason", exact=True)
    reason.press_sequentially("We leave ")
    page.context.set_offline(True)
    expect(page.get_by_text(RECONNECTING)).to_be_visible()
    table.vote(item, "accepted")
    page.context.set_offline(False)
    expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
    expect(page.locator("#tally")).to_contain_text("(1 of 7)")
    expect(reason).to_have_value("We leave ")
    table.vote(item, "", "", *["accepted"] * 4)
    expect(page.locator("#tally")).to_contain_text("(5 of 7)")
    go(table, second)
    expect(page.locator("#meeting-now")).to_contain_text(
        "You are looking at item 1; the meeting is at item 2."
    )
    reason.press_sequentially("this market.")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    expect(page.get_by_text("The board has decided on this item")).to_be_visible()
    expect(reason).to_have_value("We leave this market.")
    expect(page.locator("#vote_reason")).to_be_focused()
    page.get_by_role("link", name="Go there").click()
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(page.locator("#meeting-now")).not_to_contain_text("You are looking at")

    # What was refused stays beside what is wrong.
    page.get_by_text("Ask for information", exact=True).click()
    page.get_by_label("Reason", exact=True).fill("Who pays?")
    page.get_by_role("button", name="Vote", exact=True).click()
    wrong = page.locator("#vote-box").get_by_text("Say what the board needs to know.").first
    expect(wrong).to_be_visible()
    page.locator("#item-title").click()
    table.vote(second, "accepted", "", "accepted")
    expect(page.locator("#tally")).to_contain_text("(2 of 7)")
    expect(wrong).to_be_visible()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("Who pays?")
    expect(page.locator("[name=choice][value=information_required]")).to_be_checked()
    page.get_by_label("What does the board need to know?").fill("Who pays?")
    page.get_by_role("button", name="Vote", exact=True).click()
    expect(page.locator("#vote-box")).to_contain_text("Your vote counts.")


def test_details_focus_a_question_and_what_is_typed_stay(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """While news come, that of the chair's own step before its answer included."""
    item = table.running_item("Rooms at night")
    AgendaItem.objects.filter(pk=item.pk).update(notes="Ask the porters.")
    page = open_meeting(new_page, live_server, table.chair, item, where=f"?item={item.pk}")
    page.locator("#meeting-now summary").click()
    expect(page.locator("#meeting-now").get_by_text("Ask the porters.")).to_be_hidden()
    page.locator(".agenda-link").focus()
    other = table.running_item("Alarms")
    expect(page.locator("#agenda-list")).to_contain_text("Alarms")
    expect(page.locator("#meeting-now")).to_contain_text("item 1 of 2")
    expect(page.locator("#meeting-now").get_by_text("Ask the porters.")).to_be_hidden()
    expect(page.locator(":focus")).to_have_attribute("href", f"?item={item.pk}")
    assert other.position == 2

    moves_on_by_news_before_the_answer(page)
    expect(page).to_have_url(re.compile(rf"/board/meetings/{item.meeting_id}/$"))

    # The question names what is undecided: a vote that decides an item draws its button anew.
    page.get_by_role("button", name="Close the meeting").click()
    table.vote(other, "", *["accepted"] * 5)
    expect(page.locator("#tally")).to_contain_text("Leads: accepted, 5 of 5.")
    page.get_by_role("dialog").get_by_role("button", name="Close the meeting").click()
    expect(page.locator("#meeting-lead")).to_contain_text("Closed")


def moves_on_by_news_before_the_answer(chair: Any) -> None:
    """Press, and let the answer come when the news have long been shown."""
    held = []

    def hold(route: Any) -> None:
        held.append((route, route.fetch()))

    chair.route("**/go/", hold)
    chair.get_by_role("button", name="Next item").click()
    expect(chair.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(chair.locator("#live-news")).to_have_text("The meeting is at item 2 of 2: Alarms")
    reason = chair.get_by_label("Reason", exact=True).first
    reason.fill("It pays.")
    wait_while_held(chair, lambda: held)  # the news may be quicker than the answer
    with chair.expect_response("**/go/"):
        for route, answer in held:
            route.fulfill(response=answer)
    expect(chair.locator("[data-moves-on].htmx-request")).to_have_count(0)
    expect(reason).to_have_value("It pays.")
    expect(chair.locator("#meeting-now")).to_contain_text("The meeting is at item 2 of 2")
    reason.fill("")


def test_forms_and_keys_keep_what_belongs_to_them(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """A form with anything new is a new one, with its mail and its draft; keys stay on their item.

    Costs 8 s.
    """
    asks = "information_required"
    names = ("Rooms at night", "Alarms", "Doors")
    first, second, third = (table.running_item(name) for name in names)
    table.vote(first, *[asks] * 4)
    page = open_meeting(new_page, live_server, table.chair, first)
    box, tally = page.locator("#outcome-box"), page.locator("#tally")
    mail, reason = (
        box.locator("#outcome-preview pre"),
        box.get_by_label("Reason, for the requester"),
    )
    expect(mail).to_contain_text("How many rooms?")
    lifecycle.cast_vote(first, actor=table.members[4], choice=asks, question="Who pays?")
    expect(mail).to_contain_text("Who pays?")

    # What comes while the mail is on its way is shown once that has come.
    on_its_way: list[Any] = []
    page.route("**/preview/", lambda route: on_its_way.append(route), times=1)
    lifecycle.cast_vote(first, actor=table.members[5], choice=asks, question="Who cleans?")
    wait_while_held(page, lambda: on_its_way)
    lifecycle.cast_vote(first, actor=table.members[6], choice=asks, question="Who asks?")
    expect(tally).to_contain_text("(7 of 7)")
    on_its_way[0].continue_()
    expect(mail).to_contain_text("Who asks?")

    page.locator(".agenda-link", has_text="Doors").focus()
    order = [third.pk, first.pk, second.pk]
    meeting = Meeting.objects.get(pk=first.meeting_id)
    lifecycle.reorder_agenda(meeting, actor=table.deputy, order=order)
    expect(page.locator("[data-order] .agenda-title")).to_have_text(["Doors", *names[:2]])
    expect(page.locator(":focus")).to_have_attribute("href", f"?item={third.pk}")

    reason.fill("Then we can say what it costs.")
    page.wait_for_function(
        "() => Object.values(sessionStorage).some((kept) => kept.includes('what it costs'))"
    )
    page.reload()
    expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
    put_back = box.get_by_role("button", name="Put it back")
    expect(put_back).to_be_visible()
    lifecycle.cast_vote(first, actor=table.members[6], choice=asks, question="Who knows?")
    expect(box.get_by_label("Question 4")).to_have_value("Who knows?")
    put_back.click()
    expect(reason).to_have_value("Then we can say what it costs.")

    # Who has voted and is writing elsewhere can vote again where the request is edited.
    change_lifecycle.edit(first.change, actor=table.cast.support, description="Only on weekdays.")
    vote_box = page.locator("#vote-box")
    expect(vote_box).to_contain_text("Please read it again")
    expect(vote_box.get_by_role("button", name="Vote", exact=True)).to_be_visible()

    page.locator(".agenda-link", has_text="Alarms").click()
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(page.get_by_role("button", name="Take this item now")).to_be_visible()
    page.get_by_role("button", name="Next item").focus()
    go(table, second)
    expect(page.get_by_role("button", name="Take this item now")).to_have_count(0)
    expect(page.locator(":focus")).to_have_text("Next item")

    page.evaluate("window.Idiomorph = undefined")  # a script that has not come
    table.vote(second, "accepted")
    expect(tally).to_contain_text("(1 of 7)")


def test_everybody_follows_the_chair(table: Table, new_page: Any, live_server: Any) -> None:
    """Who looked at the meeting's item goes along, address included; who did not, is told."""
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    table.vote(first, *["accepted"] * 4)
    at, aside_at = f"?item={first.pk}", f"?item={second.pk}"
    chair = open_meeting(new_page, live_server, table.chair, first, where=at)
    member = open_meeting(new_page, live_server, table.cast.crb_member, first, where=at, width=360)
    screen = open_meeting(new_page, live_server, table.cast.support, first, where="present/")
    aside = open_meeting(new_page, live_server, table.members[2], first, where=aside_at)
    expect(aside.locator("#meeting-now")).to_contain_text("You are looking at item 2")
    plain = re.compile(rf"/board/meetings/{first.meeting_id}/$")
    told = "The meeting is at item 2 of 2: Alarms"
    chair.get_by_role("button", name="Record, and next").click()
    expect(chair.get_by_role("heading", name="Alarms")).to_be_visible()
    for page in (member, screen):
        expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
        assert page.evaluate("window.stillHere") is True
    expect(member.locator("#live-news")).to_have_text(told)
    expect(member).to_have_url(plain)
    expect(chair.locator("#meeting-now")).to_contain_text("The meeting is at item 2 of 2")
    expect(chair).to_have_url(plain)
    assert chair.locator("#live-news").text_content() in ("", told)
    expect(aside.locator("#meeting-now")).to_contain_text("The meeting is at item 2 of 2")
    expect(member.locator(f"#vote-box form[action$='/items/{second.pk}/vote/']")).to_have_count(1)
    member.get_by_text("Accept", exact=True).click()
    member.get_by_role("button", name="Vote", exact=True).click()
    expect(screen.locator("#stage")).to_contain_text("(1 of 7)")
    assert AgendaItem.objects.get(pk=first.pk).state == "decided"

    # Arrow keys move it from its screen, for who leads it alone.
    screen.keyboard.press("ArrowLeft")
    chair.goto(f"/board/meetings/{first.meeting_id}/present/")
    expect(chair.get_by_text(UP_TO_DATE)).to_be_visible()
    expect(chair.get_by_role("heading", name="Alarms")).to_be_visible()
    chair.keyboard.press("ArrowLeft")
    for page in (chair, screen):
        expect(page.get_by_role("heading", name="Rooms at night")).to_be_visible()
    chair.keyboard.press("ArrowRight")
    expect(screen.get_by_role("heading", name="Alarms")).to_be_visible()


def test_news_take_no_vote_or_press_away_and_a_lost_right_takes_the_page(
    table: Table, new_page: Any, live_server: Any
) -> None:
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    table.running_item("Doors")
    member = open_meeting(new_page, live_server, table.cast.crb_member, first, listens=True)
    onlooker = open_meeting(new_page, live_server, table.deputy, first)

    # Whose vote is on its way is led on with the others.
    on_its_way: list[Any] = []
    member.route("**/vote/", lambda route: on_its_way.append(route))
    member.get_by_text("Accept", exact=True).click()
    member.get_by_role("button", name="Vote", exact=True).click()
    wait_while_held(member, lambda: on_its_way)
    go(table, second)
    expect(onlooker.get_by_role("heading", name="Alarms")).to_be_visible()
    member.wait_for_function(HAS_HEARD_OF, arg=second.pk)
    on_its_way[0].continue_()
    expect(member.get_by_role("heading", name="Alarms")).to_be_visible()
    assert first.votes.get(member=table.cast.crb_member).choice == "accepted"

    # A press is one, whatever comes before the button is let go.
    chair = open_meeting(new_page, live_server, table.chair, second, listens=True)
    button = chair.get_by_role("button", name="Next item").bounding_box()
    chair.mouse.move(button["x"] + 20, button["y"] + 10)
    chair.mouse.down()
    lifecycle.plan_item(second, actor=table.deputy, presenter=None, time_box=10, notes="Short!")
    expect(onlooker.locator("#meeting-now")).to_contain_text("Short!")
    chair.wait_for_function(HAS_HEARD, arg="Short!")
    chair.mouse.up()
    expect(chair.get_by_role("heading", name="Doors")).to_be_visible()

    # Whoever may no longer look loses the page.
    expect(onlooker.get_by_text("Alarms").first).to_be_visible()
    table.deputy.groups.clear()
    expect(onlooker.get_by_text("Alarms")).to_have_count(0)
    assert onlooker.evaluate("window.stillHere") is None


def test_the_consent_items_follow_the_first_change_too(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """And the agenda marks no item while they are shown."""
    batch = [agreed(table, name) for name in ("Agreed", "Also agreed")]
    other = table.running_item("To discuss")
    page = open_meeting(new_page, live_server, table.chair, other, where="?show=consent")
    agenda = page.locator("#agenda-list")
    expect(page.locator(".consent")).to_contain_text("Also agreed")
    lifecycle.pull_from_consent(batch[1], actor=table.deputy, reason="What does it cost?")
    expect(page.locator(".consent")).not_to_contain_text("Also agreed")
    expect(agenda.locator("[aria-current]")).to_have_text("By consent: 1 item")
    expect(agenda.locator(".is-current")).to_have_count(0)
    table.vote(other, "", "accepted", "accepted")
    expect(agenda).to_contain_text("2 of 7 voted")
    expect(agenda.locator("[aria-current]")).to_have_text("By consent: 1 item")
    expect(page.get_by_role("heading", name="Consent items")).to_be_visible()
    assert Meeting.objects.get(pk=other.meeting_id).is_running


def address_of(port: int) -> str:
    return f"http://{HOST}:{port}"


@contextmanager
def gunicorn(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The product's own web server on the database of this test, once it serves people."""
    command = [sys.executable, "-m", "gunicorn", "expansive_cm.asgi"]
    config = ["--config", "expansive_cm/services/gunicorn.py", "--bind", f"{HOST}:{port}"]
    config += ["--graceful-timeout", str(2 * STOPPED_IN_SECONDS)]
    process = subprocess.Popen(
        [*command, *config],
        cwd=ROOT,
        env={
            **os.environ,
            **worker_environment(),
            "ALLOWED_HOSTS": HOST,
            "BASE_URL": address_of(port),
            "DEBUG": "true",  # style sheets and scripts from where they lie
        },
    )
    try:
        wait_until(lambda: serves(port), seconds=300, process=process)
        yield process
    finally:
        process.terminate()
        assert process.wait(STOPPED_IN_SECONDS) == 0


def serves(port: int) -> bool:
    """Whether a web server on this port can serve people by now."""
    try:
        with urlopen(f"{address_of(port)}/readyz", timeout=60) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_a_restarted_server_is_found_again_and_no_stream_holds_it_up(
    table: Table, new_page: Any, live_server: Any
) -> None:
    from expansive_cm.services.valkey import free_port

    item = table.running_item("Rooms at night")
    port = free_port()
    page = new_page(base_url=address_of(port))
    client = Client()
    client.force_login(table.cast.crb_member)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": address_of(port)}])
    with gunicorn(port) as process:
        page.goto(f"/board/meetings/{item.meeting_id}/")
        expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
        page.get_by_label("Reason", exact=True).fill("Not now.")
        process.terminate()
        process.wait(STOPPED_IN_SECONDS)  # half its grace: it did not wait for the stream
    expect(page.get_by_text(RECONNECTING)).to_be_visible()
    table.vote(item, "accepted")
    # Another process would take its time to begin, and the page begin to ask less often.
    again = Server(StaticFilesHandler(WSGIHandler()), port)
    try:
        expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
        expect(page.locator("#tally")).to_contain_text("(1 of 7)")
        expect(page.get_by_label("Reason", exact=True)).to_have_value("Not now.")
        page.goto("about:blank")
        again.let_requests_end()
    finally:
        again.stop()


def test_a_page_without_a_stream_asks_and_gets_one_when_there_is_room(
    table: Table, new_page: Any, live_server: Any, settings: Any
) -> None:
    settings.WEB_STREAMS = 0
    item = table.running_item("Rooms at night")
    page = new_page()
    sign_in(page, table.cast.support, live_server)
    page.clock.install()

    def open_without_stream(where: str = "") -> None:
        page.goto(f"/board/meetings/{item.meeting_id}/{where}")
        wait_for_words(page, ASKS)

    open_without_stream()
    second = table.running_item("Alarms")
    go(table, second)
    wait_for_words(page, "Alarms", page.locator("#meeting-now"))
    expect(page.locator("#live-news")).to_contain_text("Alarms")
    table.vote(second, "accepted")
    wait_for_words(page, "(1 of 7)", page.locator("#tally"))
    settings.WEB_STREAMS = 10
    wait_for_words(page, UP_TO_DATE)

    settings.WEB_STREAMS = 0
    open_without_stream("present/")
    go(table, item)
    wait_for_words(page, "Rooms at night", page.locator("#stage"))
    settings.WEB_STREAMS = 10
    wait_for_words(page, UP_TO_DATE)


def wait_for_words(page: Any, words: str, where: Any = None) -> None:
    """Let the page's time pass until it shows something; it asks every few seconds."""
    shown = where.get_by_text(words) if where else page.get_by_text(words)

    def is_there() -> bool:
        page.clock.run_for(500)
        return shown.first.is_visible()

    wait_until(is_there)


def test_a_phone_votes_with_one_tap_from_the_top(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = table.running_item("Rooms at night")
    AgendaItem.objects.filter(pk=item.pk).update(time_box=10)
    small = {"width": 360, "height": 740, "reduced_motion": "reduce"}  # scrolls at once
    page = open_meeting(new_page, live_server, table.cast.crb_member, item, **small)
    expect(page.get_by_text("Accept", exact=True)).not_to_be_in_viewport()
    page.get_by_role("link", name="Go to the vote").click()
    expect(page.get_by_text("Accept", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("link", name="Go to the vote")).to_be_hidden()
    assert fits(page)
    for width, height in ((320, 568), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.locator("footer").scroll_into_view_if_needed()
        links = page.locator(".item-case a[href], .item-case summary")
        links.first.blur()
        links.first.focus()
        bar = page.locator(".now-bar")
        expect(bar.get_by_text("Rooms at night")).to_be_in_viewport()
        expect(bar.get_by_text("of 10 minutes").last).to_be_in_viewport()
        box = bar.bounding_box()
        assert box["y"] == 0 and box["height"] < 80, (width, box)
        page.wait_for_function(  # it scrolls there, and not under the bar
            "() => document.activeElement.getBoundingClientRect().top >= "
            "document.querySelector('.now-bar').getBoundingClientRect().bottom"
        )
        expect(page.get_by_role("link", name="Go to the vote")).to_be_in_viewport()
        assert fits(page)
    page.emulate_media(media="print")
    assert bar.evaluate("one => getComputedStyle(one).position") == "static"
