"""The stream of a meeting: what it sends to whom, when, and that it ends."""

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle
from crb.live import hub, parts, stream
from crb.models import AgendaItem, Meeting, Vote
from tests.crb.conftest import Table
from tests.server import Server
from tests.worker import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 120
"""Ends a hang; a busy machine is slow, not wrong."""
READING = "a reader of the stream"


@pytest.fixture(autouse=True)
def no_listener_left(live_server: Server) -> Iterator[None]:
    """Streams end with the test that opened them."""
    Reader.server = live_server
    hub.stop()
    yield
    hub.stop()
    for thread in threading.enumerate():
        if thread.name == READING:
            thread.join(SECONDS)  # one that still reads would be in the way of emptying its tables


class Reader:
    """One open stream of the product's web server, read in a thread of its own."""

    server: Server

    def __init__(self, user: User, meeting: Meeting, query: str = "") -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.line = http.client.HTTPConnection(*self.server.address, timeout=SECONDS)
        address = f"/board/meetings/{meeting.pk}/live/?{query}"
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}", "Host": "localhost"}
        self.line.request("GET", address, headers=headers)
        self.answer = self.line.getresponse()
        self.events: list[tuple[str, Any]] = []
        self.news = threading.Condition()
        self.ended = False
        if self.answer.status == 200:
            self.thread = threading.Thread(target=self._read, name=READING, daemon=True)
            self.thread.start()
        else:
            self.line.close()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            self._take_events()
        self.line.close()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def _take_events(self) -> None:
        said: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line.strip():
                name, _between, words = line.strip().partition(": ")
                said[name] = words
                continue
            with self.news:
                if "event" in said:
                    self.events.append((said["event"], json.loads(said["data"])))
                self.news.notify_all()
            said = {}

    def wait(self, condition: Any) -> Any:
        with self.news:
            assert self.news.wait_for(lambda: condition(self), SECONDS), self.shown()
        return self

    def shown(self) -> dict[str, str]:
        """The page as the browser has it after all events so far."""
        parts: dict[str, str] = {}
        for name, data in list(self.events):
            if name == "parts":
                parts |= {key: " ".join(html.split()) for key, html in data["parts"].items()}
        return parts

    def sees(self, part: str, words: str) -> "Reader":
        return self.wait(lambda reader: words in reader.shown().get(part, ""))


def test_everything_is_sent_on_connecting(table: Table) -> None:
    item = table.running_item("Rooms at night")
    reader = Reader(table.cast.crb_member, item.meeting).sees("tally", "0 of 7")
    assert reader.answer.headers["Content-Type"] == "text/event-stream"
    assert reader.answer.headers["X-Accel-Buffering"] == "no"
    assert "no-store" in reader.answer.headers["Cache-Control"]
    shown = reader.shown()
    assert "Rooms at night" in shown["agenda-list"]
    assert "Running" in shown["meeting-lead"]
    assert "1 of 7 present" in shown["attendance"]
    assert 'name="choice"' in shown["vote-box"]
    other = Reader(table.members[2], item.meeting).sees("vote-box", "choice").shown()
    tokens = {
        part.split('"')[0]
        for box in (shown["vote-box"], other["vote-box"])
        for part in box.split('csrfmiddlewaretoken" value="')[1:]
    }
    assert [len(token) for token in tokens] == [64, 64], "each has forms with a token of their own"


def test_a_vote_an_arrival_and_an_outcome_appear(table: Table) -> None:
    item = table.running_item()
    reader = Reader(table.cast.crb_member, item.meeting).sees("tally", "0 of 7")
    table.vote(item, "", "", "accepted")
    reader.sees("tally", "1 of 7").sees("agenda-list", "1 of 7 voted")
    reader.sees("attendance", "2 of 7 present")
    table.vote(item, "accepted", "", "", "accepted", "accepted")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted", reason="It pays.")
    reader.sees("settled", "It pays.").wait(lambda one: one.shown()["vote-box"] == "")
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    reader.sees("meeting-lead", "Closed").wait(lambda one: one.ended)
    assert reader.events[-1][0] == "over"


def test_a_vote_that_is_not_stored_is_never_shown(table: Table) -> None:
    """While one vote is stored, another is cast on a second connection, and taken back."""
    item = table.running_item()
    reader = Reader(table.chair, item.meeting).sees("tally", "0 of 7")
    cast, take_back = threading.Event(), threading.Event()

    def undone() -> None:
        with transaction.atomic():
            Vote.objects.create(item=item, member=table.members[2], revision=1, choice="accepted")
            cast.set()
            take_back.wait(SECONDS)
            transaction.set_rollback(True)
        connection.close()

    voter = threading.Thread(target=undone)
    voter.start()
    cast.wait(SECONDS)
    lifecycle.cast_vote(item, actor=table.members[3], choice="accepted")
    reader.sees("tally", "1 of 7")
    take_back.set()
    voter.join()
    lifecycle.cast_vote(item, actor=table.members[4], choice="accepted")
    reader.sees("tally", "2 of 7")
    tallies = [data["parts"].get("tally", "") for _name, data in reader.events]
    figures = [figure for tally in tallies for figure in re.findall(r"\((\d) of 7\)", tally)]
    assert figures == ["0", "1", "2"]


def test_others_votes_stay_hidden_until_one_has_voted(table: Table) -> None:
    item = table.running_item()
    member, staff = table.cast.crb_member, table.cast.support
    readers = [Reader(user, item.meeting).sees("tally", "0 of 7") for user in (member, staff)]
    lifecycle.cast_vote(item, actor=table.chair, choice="accepted", reason="Long overdue.")
    for reader in readers:
        reader.sees("tally", "1 of 7")
        assert "Long overdue." not in json.dumps(reader.events)
        assert "Leads" not in json.dumps(reader.events)
    lifecycle.cast_vote(item, actor=member, choice="abstain")
    readers[0].sees("ballots", "Long overdue.")
    readers[1].sees("tally", "2 of 7")
    assert "Long overdue." not in json.dumps(readers[1].events)
    assert readers[1].shown()["ballots"] == ""


def test_who_follows_goes_along_and_who_looks_elsewhere_stays(table: Table) -> None:
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    third = table.running_item("Lifts")
    follower = Reader(table.cast.crb_member, first.meeting, f"item={first.pk}&follow=1")
    elsewhere = Reader(table.members[2], first.meeting, f"item={third.pk}")
    for reader in (follower, elsewhere):
        reader.sees("meeting-now", "item 1 of 3")
    go(table, second)
    follower.sees("meeting-now", "item 2 of 3")
    (data,) = [data for _name, data in follower.events if "article" in data]
    assert data["item"] == second.pk
    assert "Alarms" in data["article"]
    assert 'id="vote-box"' in data["article"]
    elsewhere.sees("meeting-now", "You are looking at item 3; the meeting is at item 2.")
    assert not [data for _name, data in elsewhere.events if "article" in data]


def go(table: Table, item: AgendaItem) -> Meeting:
    meeting = Meeting.objects.get(pk=item.meeting_id)
    return lifecycle.go_to_item(meeting, actor=table.chair, item=item)


def test_an_edited_request_asks_for_the_vote_again(table: Table) -> None:
    item = table.running_item()
    member = table.cast.crb_member
    lifecycle.cast_vote(item, actor=member, choice="accepted")
    reader = Reader(member, item.meeting).sees("vote-box", "Your vote counts.")
    change = Change.objects.get(pk=item.change_id)
    change_lifecycle.edit(change, actor=table.cast.support, description="Only on weekdays.")
    reader.sees("vote-box", "The request was edited after you voted.")


def test_for_customers_there_is_no_stream(client: Client, table: Table) -> None:
    item = table.running_item()
    for part in ("requester", "approver", "stranger_customer", "nobody"):
        client.force_login(getattr(table.cast, part))
        for address in (f"{item.meeting_id}/live/", f"{item.meeting_id}/present/", "999/live/"):
            assert client.get(f"/board/meetings/{address}").status_code == 404, (part, address)
    client.logout()
    assert client.get(f"/board/meetings/{item.meeting_id}/live/").status_code == 302


def test_after_a_while_the_browser_has_to_ask_again(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LIFE_SECONDS", 0)
    item = table.running_item()
    reader = Reader(table.chair, item.meeting).wait(lambda one: one.ended)
    assert [name for name, _data in reader.events] == ["parts", "again"]


def test_streams_end_with_their_process(table: Table) -> None:
    item = table.running_item()
    ending = threading.Event()
    hub.end_with(ending.is_set)
    try:
        reader = Reader(table.chair, item.meeting).sees("tally", "0 of 7")
        ending.set()
        reader.wait(lambda one: one.ended)
        assert reader.events[-1][0] == "parts", "a browser comes back by itself"
    finally:
        hub.end_with(lambda: False)


def test_a_listener_that_begins_while_another_ends_can_be_ended_too(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, begun = hub.listener(), []
    wait = first.join

    def somebody_comes(seconds: float) -> None:
        wait(seconds)
        begun.append(hub.listener())

    monkeypatch.setattr(first, "join", somebody_comes)
    hub.stop()
    assert not begun[0].ended
    hub.stop()
    assert begun[0].ended


def test_a_lost_database_connection_loses_nothing(table: Table) -> None:
    item = table.running_item()
    reader = Reader(table.chair, item.meeting).sees("tally", "0 of 7")
    wait_until(a_listener_is_cut_off)
    lifecycle.cast_vote(item, actor=table.members[3], choice="accepted")
    reader.wait(lambda one: one.ended or "1 of 7" in one.shown()["tally"])
    if reader.ended:  # rights may have changed unheard: the page asks again, and is told all
        assert reader.events[-1][0] == "rights"
        Reader(table.chair, item.meeting).sees("tally", "1 of 7")


def a_listener_is_cut_off() -> bool:
    """End the listener's connection, once it listens."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        return cursor.rowcount == 1


def test_waiting_streams_hold_no_connection(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    item = table.running_item()
    # What this process opens from now on says so: a worker that was started for other tests has a
    # process of its own, and comes and goes as it likes.
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "application_name", "seven streams")

    def ours() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name = 'seven streams'"
            )
            return int(cursor.fetchone()[0])

    readers = [Reader(user, item.meeting) for user in table.members]
    for reader in readers:
        reader.sees("tally", "0 of 7")
    wait_until(lambda: ours() <= 2)  # the listener's and the drawing thread's, for seven streams


def vote_with(user: User, item: AgendaItem, **headers: str) -> Any:
    client = Client()
    client.force_login(user)
    data = {"seen": item.change.revision, "choice": "accepted", "reason": "It is due."}
    return client.post(
        f"/board/items/{item.pk}/vote/", data, headers={"HX-Request": "true", **headers}
    )


def test_a_page_that_follows_gets_its_own_vote_alone_in_answer(table: Table) -> None:
    item = table.running_item()
    reader = Reader(table.members[2], item.meeting).sees("tally", "0 of 7")
    answer = vote_with(table.members[2], item, **{"Meeting-Live": "1"})
    words = answer.content.decode()
    assert answer["HX-Retarget"] == "#vote-box"
    assert words.lstrip().startswith('<section id="vote-box"')
    assert "Your vote counts." in words and "has-voted" in words
    assert 'id="messages"' in words and 'id="meeting-body"' not in words
    reader.sees("tally", "1 of 7")  # the rest comes by the stream


def test_a_page_that_does_not_follow_gets_everything_in_answer(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    client.force_login(table.chair)
    refused = client.get(f"/board/meetings/{item.meeting_id}/live/")
    assert refused.status_code == 503 and refused["Retry-After"], "no server holds a stream: ask"
    answer = vote_with(table.members[2], item)
    assert "HX-Retarget" not in answer
    assert 'id="meeting-body"' in answer.content.decode()


def test_a_vote_that_the_listener_has_not_heard_of_is_shown_all_the_same(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "HEARD_SECONDS", 0)
    monkeypatch.setattr(hub.Listener, "_take", lambda self, raw: raw.poll())
    answer = vote_with(table.members[2], table.running_item(), **{"Meeting-Live": "1"})
    assert "has-voted" in answer.content.decode()


# --- As many as there is room for ------------------------------------------------------------


def test_one_persons_streams_are_bounded_and_others_have_theirs(
    table: Table, settings: Any
) -> None:
    settings.WEB_STREAMS_PERSON = 2
    item = table.running_item()
    person, other = table.members[1], table.members[2]
    first, _second = (Reader(person, item.meeting).sees("tally", "0 of 7") for _number in range(2))
    refused = Reader(person, item.meeting).answer
    assert refused.status == 503 and refused.headers["Retry-After"] == "30"
    assert Reader(other, item.meeting).answer.status == 200
    first.line.sock.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: Reader(person, item.meeting).answer.status == 200)


def test_all_streams_are_bounded_and_places_are_given_back(table: Table, settings: Any) -> None:
    settings.WEB_STREAMS = 1
    item = table.running_item()
    Reader(table.members[1], item.meeting).sees("tally", "0 of 7")
    assert Reader(table.members[2], item.meeting).answer.status == 503
    hub.stop()
    wait_until(lambda: Reader(table.members[2], item.meeting).answer.status == 200)


def test_many_streams_leave_the_threads_to_pages(table: Table, live_server: Server) -> None:
    item = table.running_item()
    readers = [Reader(user, item.meeting) for user in table.members for _number in range(5)]
    for reader in readers:
        reader.sees("tally", "0 of 7")
    application = live_server.application
    assert len(readers) > 4 * settings.WEB_THREADS and application.is_idle
    for path in ("/healthz", "/readyz", "/account/login/"):
        with urlopen(f"{live_server.url}{path}", timeout=SECONDS) as answer:
            assert answer.status == 200


def test_a_page_without_a_stream_is_told_the_same_when_it_asks(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    member = table.cast.crb_member
    client.force_login(member)
    address = f"/board/meetings/{item.meeting_id}/live/?once=1&item={item.pk}&follow=1"
    reader = Reader(member, item.meeting).sees("tally", "0 of 7")
    for voter, words in ((table.members[2], "1 of 7"), (table.members[3], "2 of 7")):
        lifecycle.cast_vote(item, actor=voter, choice="accepted")
        reader.sees("tally", words)
        told = client.get(address)
        assert told["Cache-Control"] == "no-store" and told.json()["over"] is False
        parts = {name: " ".join(html.split()) for name, html in told.json()["parts"].items()}
        assert without_tokens(parts) == without_tokens(reader.shown())
    lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    wait_until(lambda: client.get(address).json()["over"])


def without_tokens(parts: dict[str, str]) -> dict[str, str]:
    return {name: re.sub(r'value="\w{64}"', "", html) for name, html in parts.items()}


# --- Roles, accounts and seats ---------------------------------------------------------------


def loses_role(table: Table, person: User) -> None:
    person.groups.clear()


def is_deactivated(table: Table, person: User) -> None:
    person.is_active = False
    person.save()


def becomes_a_customers(table: Table, person: User) -> None:
    person.organisation = table.cast.harbour
    person.save()


def signs_out(_table: Table, person: User) -> None:
    client = Client()
    client.force_login(person)
    client.post("/account/logout/")


def test_a_stream_ends_when_its_reader_may_no_longer_look(table: Table) -> None:
    """Page and screen of who leaves end, one person after the other, and those of nobody else."""
    item = table.running_item()
    views = ("", "view=present")
    ways = (loses_role, is_deactivated, becomes_a_customers, signs_out)
    readers = {
        user.pk: [Reader(user, item.meeting, view).wait(lambda one: one.events) for view in views]
        for user in table.members[1:6]
    }
    voters = [*table.members[5:7], table.chair, table.members[4]]  # each vote is news to all
    for number, (leaves, ends) in enumerate(zip(table.members[1:5], ways, strict=True)):
        ends(table, leaves)
        for view, gone in zip(views, readers.pop(leaves.pk), strict=True):
            gone.wait(lambda one: one.ended)
            assert gone.events[-1][0] == "rights", (ends, view)
            if ends is not signs_out:
                status = Reader(leaves, item.meeting, view).answer.status
                assert status in (302, 404), (ends, view)
        lifecycle.cast_vote(item, actor=voters[number], choice="accepted")
        voted = f"({number + 1} of "
        for page, screen in readers.values():
            page.wait(lambda one, voted=voted: one.ended or voted in one.shown()["tally"])
            assert not page.ended and not screen.ended, (ends, "nobody else is cut off")


def test_who_may_see_other_things_now_is_drawn_anew(table: Table) -> None:
    item = table.running_item()
    auditor = Group.objects.get_or_create(name="auditor")[0]
    for person, changes in (
        (table.members[1], lambda person: person.groups.add(auditor)),
        (table.members[2], lambda person: person.board_memberships.update(is_deputy=True)),
    ):
        reader = Reader(person, item.meeting).wait(lambda one: one.events)
        changes(person)
        reader.wait(lambda one: one.ended)
        assert reader.events[-1][0] == "rights", person
        Reader(person, item.meeting).sees("tally", "of 7")
