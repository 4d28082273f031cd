"""`manage.py bench_meeting`: how soon what happens in a meeting reaches every open browser.

On a database of its own the product's web server is started as it is in production; fifty people
hold the meeting's page open, members vote one after the other and all in the same second, the
chair moves on, and somebody opens pages all the while. Everything goes over real HTTP. Speed is
reported, not judged.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import time as clock
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.models import Organisation, SuccessTeam, User
from accounts.roles import Role
from changes import lifecycle as change_lifecycle
from crb import lifecycle
from crb.models import AgendaItem, Board, Meeting, Membership, Vote
from expansive_cm.bench.management.commands.bench import bench_database
from expansive_cm.bench.serving import SECONDS, cookie_of, processor_seconds, web_server

GOAL_MS = 1000
TEXT = "Night porters have to book the loading bay by telephone, which nobody answers. " * 12
ASSESSMENT: dict[str, Any] = {
    "need": TEXT,
    "likelihood": 2,
    "impact": 3,
    "service_impact": TEXT,
    "customer_impact": "None while it is done at night.",
    "urgency": 2,
}


class Command(BaseCommand):
    help = "Measure a meeting with many open browsers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--streams", type=int, default=50, help="open browsers (50)")
        parser.add_argument("--asking", type=int, default=0, help="more that only ask (0)")
        parser.add_argument("--members", type=int, default=20, help="members of the board (20)")
        parser.add_argument("--items", type=int, default=10, help="items on the agenda (10)")
        parser.add_argument("--database", default="meeting_bench", help="name of its database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the database, run the meeting, print the table, drop the database."""
        if options["items"] < 4 or options["members"] < 3:
            raise CommandError("A meeting to measure has three members and four items at least.")
        call_command("collectstatic", interactive=False, verbosity=0)
        with bench_database(options["database"], keep=False) as fresh:
            if not fresh:
                raise CommandError(f"Database {options['database']} exists: drop it first.")
            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
            scene = Scene(options["members"], options["streams"], options["items"])
            asking = scene.watching * (options["asking"] // len(scene.watching) + 1)
            scene.asking = [f"asks {cookie}" for cookie in asking[: options["asking"]]]
            with web_server() as (address, web):
                self._hold(scene, address, web)
            connection.close()

    def _hold(self, scene: "Scene", address: tuple[str, int], web: int) -> None:
        with watchers(address, scene) as logs:
            before, begun = processor_seconds(web), time.monotonic()
            with pages(address, scene) as taken:
                happened = hold(address, scene)
            used, took = processor_seconds(web) - before, time.monotonic() - begun
        self.stdout.write(
            f"{len(scene.watching)} open browsers and {len(scene.asking)} that ask, "
            f"{len(scene.members)} members, {len(scene.items)} items; "
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
            f"{used:.1f} s of processor time in the web server, within {took:.0f} s\n\n"
            f"{'from commit to arrival in each browser':<48}{'number':>8}{'median ms':>11}"
            f"{'p95 ms':>9}{'max ms':>9}"
        )
        watching, asking = logs[: len(scene.watching)], logs[len(scene.watching) :]
        for title, moments in happened.items():
            self._row(title, [delay for one in moments for delay in arrivals(one, watching)])
        if asking:
            moments = [one for several in happened.values() for one in several]
            delays = [late for one in moments for late in arrivals(one, asking, lenient=True)]
            self._row("anything, in a browser that asks", delays)
        told = [event for log in logs for event in log]
        refused = sum(event["refused"] for event in told)
        self.stdout.write(f"{refused} of {len(told)} answers to the browsers: come again later\n")
        for title, times in taken.items():
            self._row(title, times)

    def _row(self, title: str, values: Sequence[float]) -> None:
        if not values:
            raise CommandError(f"{title}: nothing arrived.")
        ordered = sorted(values)
        p95 = ordered[int(len(ordered) * 0.95) - 1] if len(ordered) > 1 else ordered[0]
        late = "  <<<" if ordered[-1] > GOAL_MS else ""
        self.stdout.write(
            f"{title:<48}{len(ordered):>8}{statistics.median(ordered):>11.0f}"
            f"{p95:>9.0f}{ordered[-1]:>9.0f}{late}"
        )


# --- The board ------------------------------------------------------------------------------


class Scene:
    """A running meeting with members, others who look on, and items to vote on."""

    def __init__(self, members: int, streams: int, items: int) -> None:
        roles = {role: Group.objects.get_or_create(name=role)[0] for role in Role.values}
        self.team = SuccessTeam.objects.create(name="Care team", email="care@expansive.example")
        self.members = [
            self._person(f"member{number}", roles[Role.CRB_MEMBER]) for number in range(members)
        ]
        onlookers = max(0, streams - members)
        self.onlookers = [
            self._person(f"staff{number}", roles[Role.SUPPORT]) for number in range(onlookers)
        ]
        self.support = self._person("support", roles[Role.SUPPORT])
        self.success = self._person("success", roles[Role.CUSTOMER_SUCCESS])
        self.team.members.add(self.success)
        board = Board.objects.create(name="Board", start=clock(14), first_date="2020-01-07")
        for member in self.members:
            is_chair = member == self.members[0]
            Membership.objects.create(
                board=board, user=member, starts_on="2020-01-01", is_chair=is_chair
            )
        self._ask(items)
        meeting = Meeting.objects.create(
            board=board, date=board.today, start=clock(14), zone=board.zone, length_minutes=90
        )
        self.meeting = lifecycle.start_meeting(meeting, actor=self.members[0])
        self.items = list(self.meeting.items.order_by("position"))
        everybody = [*self.members, *self.onlookers][:streams]
        self.cookies = {user.pk: cookie_of(user) for user in [*everybody, *self.members]}
        self.watching = [self.cookies[user.pk] for user in everybody]
        self.asking: list[str] = []

    def _person(self, name: str, *roles: Group) -> User:
        user = User.objects.create_user(f"{name}@expansive.example", display_name=name.title())
        user.groups.set(roles)
        return user

    def _ask(self, items: int) -> None:
        customer = Organisation.objects.create(name="Harbour", success_team=self.team)
        requester = User.objects.create_user(
            "grace@harbour.example", display_name="Grace", organisation=customer
        )
        for number in range(items):
            change = change_lifecycle.save_draft(
                None,
                actor=self.support,
                title=f"Open loading bay {number + 1} to night porters",
                description=TEXT,
                organisation=customer,
                requester=requester,
                channel="phone",
            )
            change = change_lifecycle.submit(change, actor=self.support)
            change_lifecycle.assess(change, actor=self.success, type="code", **ASSESSMENT)


# --- The processes --------------------------------------------------------------------------


def request(
    address: tuple[str, int], path: str, cookie: str, data: dict[str, Any] | None = None
) -> tuple[int, float]:
    """Ask as htmx does. Returns the status and how many milliseconds the answer took."""
    body = urllib.parse.urlencode(data).encode() if data is not None else None
    token = cookie.rpartition("=")[2]
    headers = {
        "Host": "localhost",
        "Cookie": cookie,
        "X-CSRFToken": token,
        "HX-Request": "true",
        "Meeting-Live": "1",
    }
    headers["Origin"] = settings.BASE_URL
    url = f"http://{address[0]}:{address[1]}{path}"
    begun = time.perf_counter()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=SECONDS) as answer:
            answer.read()
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    return status, (time.perf_counter() - begun) * 1000


@contextmanager
def watchers(address: tuple[str, int], scene: Scene) -> Iterator[list[list[dict[str, Any]]]]:
    """Let everybody watch from a process of its own; the lists hold what came when it is over."""
    path = f"/board/meetings/{scene.meeting.pk}/live/?item={scene.items[0].pk}&follow=1"
    process = subprocess.Popen(
        [sys.executable, "-m", "expansive_cm.bench.watchers", address[0], str(address[1]), path],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    logs: list[list[dict[str, Any]]] = [[] for _cookie in [*scene.watching, *scene.asking]]
    try:
        process.stdin.write("\n".join([*scene.watching, *scene.asking]) + "\n\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "ready":
            raise CommandError("The browsers did not get their first state.")
        yield logs
        time.sleep(1)
        process.stdin.write("end\n")
        process.stdin.flush()
        for log in logs:
            log.extend(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(SECONDS)


@contextmanager
def pages(address: tuple[str, int], scene: Scene) -> Iterator[dict[str, list[float]]]:
    """Open pages all the while, four a second; notes how long each took."""
    paths = {
        "page of the meeting, meanwhile": f"/board/meetings/{scene.meeting.pk}/",
        "list of changes, meanwhile": "/changes/",
    }
    taken: dict[str, list[float]] = {title: [] for title in paths}
    over = threading.Event()

    def browse() -> None:
        while not over.is_set():
            for title, path in paths.items():
                status, ms = request(address, path, scene.cookies[scene.members[1].pk])
                if status != 200:
                    raise CommandError(f"{path} answered {status}.")
                taken[title].append(ms)
                over.wait(0.25)

    thread = threading.Thread(target=browse)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()


# --- The meeting ----------------------------------------------------------------------------

Moment = tuple[float, int, int]
"""When something was stored, on which item, and how many votes that made; none: it moved on."""


def hold(address: tuple[str, int], scene: Scene) -> dict[str, list[Moment]]:
    """Let members vote one by one on two items, then all at once on the others."""
    singly, at_once, moved = scene.items[:2], scene.items[2:], scene.items[1:]
    answers: list[float] = []
    times: list[Moment] = []
    for item in scene.items:
        if item in moved:
            times.append((go(address, scene, item), item.pk, 0))
            time.sleep(1.5)
        threads = [
            threading.Thread(target=lambda m=m, i=item: answers.append(vote(address, scene, i, m)))
            for m in scene.members
        ]
        for thread in threads:
            thread.start()
            if item in singly:
                thread.join()
                time.sleep(0.2)
        for thread in threads:
            thread.join()
        time.sleep(1.5)
    if len(answers) != len(scene.items) * len(scene.members):
        raise CommandError("Not every vote was taken.")
    return {
        "a vote": [one for item in singly for one in votes(item)],
        f"a vote, {len(scene.members)} in the same second": [
            one for item in at_once for one in votes(item)
        ],
        "the chair goes to the next item": times,
    }


def vote(address: tuple[str, int], scene: Scene, item: AgendaItem, member: User) -> float:
    path = f"/board/items/{item.pk}/vote/"
    data = {"seen": 1, "choice": "accepted", "reason": "Long overdue."}
    status, ms = request(address, path, scene.cookies[member.pk], data)
    if status != 200:
        raise CommandError(f"A vote was answered with {status}.")
    return ms


def go(address: tuple[str, int], scene: Scene, item: AgendaItem) -> float:
    meeting = Meeting.objects.get(pk=scene.meeting.pk)
    path, data = f"/board/meetings/{meeting.pk}/go/", {"seen": meeting.version, "item": item.pk}
    status, _ms = request(address, path, scene.cookies[scene.members[0].pk], data)
    meeting = Meeting.objects.get(pk=scene.meeting.pk)
    if status != 200 or meeting.current_since is None:
        raise CommandError(f"Moving on was answered with {status}.")
    return meeting.current_since.timestamp()


def votes(item: AgendaItem) -> list[Moment]:
    """Return when each vote on an item was cast: a moment before its commit."""
    found = Vote.objects.filter(item=item).order_by("pk").values_list("at", flat=True)
    return [(at.timestamp(), item.pk, number) for number, at in enumerate(found, 1)]


def arrivals(
    moment: Moment, logs: list[list[dict[str, Any]]], *, lenient: bool = False
) -> list[float]:
    """Return after how many ms each browser had it.

    A browser that lags is sent the latest state, not every state between: what it has of a later
    item counts as well. Items are numbered in the order of the agenda.
    Raises: CommandError if one never had it, unless ``lenient``.
    """
    at, item, voted = moment
    found = []
    for log in logs:
        fitting = [event["at"] for event in log if has(event, item, voted)]
        if fitting:
            found.append((fitting[0] - at) * 1000)
        elif not lenient:
            raise CommandError(f"A browser never saw vote {voted} on item {item}.")
    return found


def has(event: dict[str, Any], item: int, voted: int) -> bool:
    """Whether what a browser was sent holds so many votes on an item, or what came later."""
    if event["item"] == item:
        return bool(event["moved"]) if not voted else (event["voted"] or 0) >= voted
    return bool(event["item"] and event["item"] > item)
