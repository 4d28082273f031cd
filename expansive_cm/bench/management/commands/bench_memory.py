"""`manage.py bench_memory`: how much memory web server, worker and scheduler hold.

On a database of its own they are started as in production; they are measured when they have
nothing to do yet, and again after many pages. What processes share counts once (PSS).
"""

import asyncio
import os
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psutil
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from expansive_cm.bench import synthetic
from expansive_cm.bench.management.commands.bench import bench_database
from expansive_cm.bench.management.commands.bench_people import Person, who_works, work
from expansive_cm.bench.serving import SECONDS, database_url
from expansive_cm.services.preloaded import ForkedChild, Preloaded
from expansive_cm.services.processes import Child, Registry
from expansive_cm.services.product import (
    address_of,
    listen_on_free_port,
    product,
    wait_until_ready,
)

MEBIBYTE = 2**20
PEOPLE = 8
"""So many ask without a pause: what is measured is memory, not speed."""


class Command(BaseCommand):
    help = "Measure the memory of web server, worker and scheduler."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--requests", type=int, default=2_000, help="pages between (2000)")
        parser.add_argument("--changes", type=int, default=2_000, help="how many there are (2000)")
        parser.add_argument("--database", default="memory_bench", help="name of its database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the database, start everything, measure, ask, measure, stop everything."""
        call_command("collectstatic", interactive=False, verbosity=0)
        with bench_database(options["database"], keep=False) as fresh:
            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
            if fresh:
                synthetic.fill(options["changes"], lambda title: None)
            people = [Person(user, (0, 0)) for user in who_works(PEOPLE)]
            listener = listen_on_free_port()
            environment = {**os.environ, "DATABASE_URL": database_url(), "ALLOWED_HOSTS": "*"}
            children = product(environment, listener)
            try:
                self._measure(children, address_of(listener)[1], people, options["requests"])
            finally:
                for child in children:
                    child.stop()
                for child in children:
                    child.release()
                listener.close()
            connection.close()

    def _measure(
        self, children: list[Child], local: str, people: list[Person], requests: int
    ) -> None:
        registry = Registry(Path(tempfile.mkdtemp()) / "processes.json")
        for child in children:
            child.start(registry, lambda name, line: None)
        wait_until_ready(children[0], local, lambda: None)
        time.sleep(SECONDS / 4)  # until the worker has its children
        first = next((one.preloaded for one in children if isinstance(one, ForkedChild)), None)
        members = [*children, *([first] if first else [])]
        self._row("MiB", [one.name for one in members])
        self._row("idle", [held(one) for one in members])
        host, _between, port = local.removeprefix("http://").rpartition(":")
        while sum(len(person.taken) for person in people) < requests:
            asyncio.run(work(people, (host, int(port)), 5))
        self._row(f"after {requests} pages", [held(one) for one in members])

    def _row(self, title: str, values: list[Any]) -> None:
        numbers = [value for value in values if isinstance(value, float)]
        cells = [f"{value:>10.0f}" if numbers else f"{value:>10}" for value in values]
        total = f"{sum(numbers):>10.0f}" if numbers else f"{'together':>10}"
        self.stdout.write(f"{title:<22}{''.join(cells)}{total}")


def held(child: Child) -> float:
    """Return how many MiB a process and its children hold; what they share counts once."""
    assert child.process is not None
    first = psutil.Process(child.process.pid)
    # What is forked from one that has loaded everything has a row of its own.
    others = [] if isinstance(child, Preloaded) else first.children(recursive=True)
    return sum(one.memory_full_info().pss for one in (first, *others)) / MEBIBYTE
