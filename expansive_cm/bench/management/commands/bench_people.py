"""`manage.py bench_people`: two hundred people at work at once, over real HTTP.

On a database of its own with ten thousand changes the product's web server is started as it is in
production. Everybody has a connection that stays, opens a page, reads it for three to eight
seconds, and opens the next; two of a hundred pages are written to. Speed is reported, not judged.
"""

import asyncio
import os
import random
import re
import statistics
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.urls import reverse

from accounts.models import User
from changes import permissions, queries
from changes.states import State
from expansive_cm.bench import synthetic
from expansive_cm.bench.management.commands.bench import bench_database
from expansive_cm.bench.serving import cookie_of, processor_seconds, web_server

PAGES = {"list": 30, "change": 35, "search": 15, "home": 20}
"""Of a hundred pages."""
WRITES = 0.02
WORDS = ("booking room", "invoice", "export", "door", "calendar", "heating report")
LONGEST_SECONDS = 60.0


class Command(BaseCommand):
    help = "Measure two hundred people at work at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=200, help="at work at once (200)")
        parser.add_argument("--seconds", type=int, default=60, help="how long (60)")
        parser.add_argument(
            "--changes", type=int, default=10_000, help="how many there are (10000)"
        )
        parser.add_argument("--pause", default="3-8", help="seconds between two pages (3-8)")
        parser.add_argument("--database", default="people_bench", help="name of its database")
        parser.add_argument("--keep", action="store_true", help="do not drop the database after")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or reuse the database, let people work, print the table, drop the database."""
        call_command("collectstatic", interactive=False, verbosity=0)
        with bench_database(options["database"], keep=options["keep"]) as fresh:
            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
            if fresh:
                synthetic.fill(options["changes"], lambda title: None)
            shortest, longest = (float(part) for part in options["pause"].split("-"))
            people = [Person(user, (shortest, longest)) for user in who_works(options["people"])]
            with web_server() as (address, web):
                asyncio.run(work(people, address, 2 * longest))  # everybody has opened something
                for person in people:
                    person.taken.clear()
                before = processor_seconds(web)
                asyncio.run(work(people, address, options["seconds"]))
                self._print(people, options["seconds"], processor_seconds(web) - before)
            connection.close()

    def _print(self, people: list["Person"], seconds: float, used: float) -> None:
        taken = [one for person in people for one in person.taken]
        if not taken:
            raise CommandError("Nobody got an answer.")
        wrong = Counter(status for _page, status, _ms in taken if status not in (200, 302))
        self.stdout.write(
            f"{len(people)} people; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
            f"{len(taken)} answers, {len(taken) / seconds:.1f} a second; errors: "
            f"{', '.join(f'{count} × {status}' for status, count in wrong.items()) or 'none'}; "
            f"{1000 * used / len(taken):.1f} ms of processor time in the web server each\n\n"
            f"{'page':<12}{'number':>8}{'median ms':>11}{'p95 ms':>9}{'max ms':>9}"
        )
        for page in [*PAGES, "write", "all"]:
            self._row(page, sorted(ms for kind, _status, ms in taken if page in (kind, "all")))

    def _row(self, page: str, ordered: Sequence[float]) -> None:
        if ordered:
            p95 = ordered[int(len(ordered) * 0.95)]
            self.stdout.write(
                f"{page:<12}{len(ordered):>8}{statistics.median(ordered):>11.0f}"
                f"{p95:>9.0f}{ordered[-1]:>9.0f}"
            )


def who_works(number: int) -> list[User]:
    """Return as many people as asked for: all of Expansive's own, and customers' people."""
    found = list(User.objects.filter(is_active=True).order_by("organisation_id", "pk"))
    own = [user for user in found if user.is_internal and user.roles]
    return [*own, *(user for user in found if not user.is_internal)][:number]


class Person:
    """Somebody at work, with one connection that stays open."""

    def __init__(self, user: User, pause: tuple[float, float]) -> None:
        self.cookie = cookie_of(user)
        self.pause = pause
        self.taken: list[tuple[str, int, float]] = []
        self.line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        visible = queries.visible_to(user).exclude(state=State.DRAFT).order_by("-pk")
        read = list(visible.select_related("organisation")[:50])
        self.changes = [change.pk for change in read]
        self.written_to = [one.pk for one in read if permissions.can_comment(user, one)]

    async def work(self, address: tuple[str, int], until: float) -> None:
        """Open one page after the other."""
        self.line = None
        await asyncio.sleep(random.uniform(0, self.pause[1]))  # noqa: S311
        while time.monotonic() < until:
            page, request = self._next()
            begun = time.perf_counter()
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    status = await self._ask(address, request)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                status, self.line = 0, None
            self.taken.append((page, status, (time.perf_counter() - begun) * 1000))
            await asyncio.sleep(random.uniform(*self.pause))  # noqa: S311

    async def _ask(self, address: tuple[str, int], request: bytes) -> int:
        """Ask on the open connection, or on a new one where the server has closed that."""
        if self.line is not None:
            reader, writer = self.line
            if not reader.at_eof():
                writer.write(request)
                try:
                    return await self._answer(reader)
                except (ConnectionError, asyncio.IncompleteReadError):
                    pass  # it was about to be closed
        self.line = await asyncio.open_connection(*address)
        self.line[1].write(request)
        return await self._answer(self.line[0])

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        status, stays = await answer(reader)
        if not stays:
            self.line = None
        return status

    def _next(self) -> tuple[str, bytes]:
        """Return what is done next, and the request for it."""
        kinds = [kind for kind in PAGES if kind != "change" or self.changes]
        kind = random.choices(kinds, [PAGES[kind] for kind in kinds])[0]  # noqa: S311
        change = random.choice(self.changes) if self.changes else 0  # noqa: S311
        if self.written_to and random.random() < WRITES:  # noqa: S311
            path = reverse("changes:comment", args=[random.choice(self.written_to)])  # noqa: S311
            return "write", self._request(path, b"body=It+is+still+so.")
        words = random.choice(WORDS).replace(" ", "+")  # noqa: S311
        paths = {
            "list": reverse("changes:list"),
            "search": f"{reverse('changes:list')}?q={words}",
            "home": reverse("changes:home"),
        }
        return kind, self._request(paths.get(kind) or reverse("changes:detail", args=[change]))

    def _request(self, path: str, body: bytes | None = None) -> bytes:
        lines = [
            f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
            "Host: localhost",
            f"Cookie: {self.cookie}",
            "Accept-Encoding: gzip",
        ]
        if body is not None:
            token = self.cookie.rpartition("=")[2]
            lines += [f"X-CSRFToken: {token}", f"Origin: {settings.BASE_URL}"]
            lines += ["Content-Type: application/x-www-form-urlencoded"]
            lines += [f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read an answer to its end. Returns its status, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if length := re.search(rb"content-length: (\d+)", head):
        await reader.readexactly(int(length[1]))
    else:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return int(head.split()[1]), b"connection: close" not in head


async def work(people: list[Person], address: tuple[str, int], seconds: float) -> None:
    """Let everybody work for so long."""
    until = time.monotonic() + seconds
    await asyncio.gather(*(person.work(address, until) for person in people))
