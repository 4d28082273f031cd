"""The product as `make run` starts it, and the demonstration that its first start has loaded.

It is started once for all tests that look at it or at its demonstration, which takes a quarter of
a minute: they belong into one process, of the group "run". What the demonstration holds is read
before worker and beat begin, as they would go on with it.
"""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings

from expansive_cm.services.databases import DATABASE
from expansive_cm.services.postgres import Postgres
from tests.contents import tables
from tests.remembered import may_put_back
from tests.sequences import NUMBERING, number_as

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 600
"""Patience, no measure: a busy machine is slow, not wrong."""


@dataclass
class Demonstration:
    """What the demonstration has written: every row by its table, and the last numbers."""

    rows: dict[str, str] = field(default_factory=dict)
    numbers: list[tuple[str, int | None]] = field(default_factory=list)

    def read(self, address: str) -> None:
        """Read it from the database of this address, as of one moment."""
        with closing(psycopg2.connect(address)) as product, product.cursor() as cursor:
            product.set_session(isolation_level="REPEATABLE READ", readonly=True)
            for table in tables():
                into = io.StringIO()
                cursor.copy_expert(f'COPY "{table}" TO STDOUT', into)
                self.rows[table] = into.getvalue()
            cursor.execute(NUMBERING)
            self.numbers = cursor.fetchall()

    def write(self) -> None:
        """Put it into the database of the tests, in the place of all that is there."""
        with connection.cursor() as cursor:
            # No trigger refuses, no foreign key is asked: they were when it was loaded.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table, rows in self.rows.items():
                cursor.execute(f'DELETE FROM "{table}"')
                cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.StringIO(rows))
            cursor.execute("SET LOCAL session_replication_role = origin")
        number_as(self.numbers)


class Product:
    """One copy of the product, seen from outside."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.log = data / "said"
        self.process: subprocess.Popen[bytes] | None = None
        self.cannot_start = ""
        data.mkdir(exist_ok=True)

    def command(self, *options: str) -> list[str]:
        return [
            *(sys.executable, "-m", "expansive_cm.services.run", "--data", str(self.data)),
            *options,
        ]

    def environment(self) -> dict[str, str]:
        dropped = ("DATABASE_URL", "REDIS_URL", "BASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, "PORT": str(self.port)}

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, until: str = "Ctrl-C stops everything") -> None:
        """Start it and wait until it has said this. What failed once is not tried again."""
        assert not self.cannot_start, self.cannot_start
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for(until)

    def wait_for(self, saying: str) -> None:
        """Wait until it has said this while it starts."""
        assert self.process
        begun = time.monotonic()
        while saying not in self.said():
            if self.process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self.cannot_start = f"It did not start:\n{self.said()}"
                pytest.fail(self.cannot_start)
            time.sleep(0.05)

    def again(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Type the command while it runs already, or another of its relatives."""
        return subprocess.run(
            self.command(*options),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )

    def said(self) -> str:
        return self.log.read_text()

    def state(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run" / "state.json").read_text()))

    def parts(self) -> dict[str, int]:
        entries = json.loads((self.data / "run" / "processes.json").read_text())
        return {entry["name"]: entry["pid"] for entry in entries}

    def get(self, path: str) -> int:
        try:
            return int(urllib.request.urlopen(self.state()["address"] + path, timeout=10).status)
        except urllib.error.HTTPError as error:
            return error.code

    def send(self, number: int) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)


@pytest.fixture(scope="session")
def copy_of_it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose port is taken and whose path holds a space."""
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        data = tmp_path_factory.mktemp("a path") / "data"
        product = Product(data, occupied.getsockname()[1])
        yield product
        if product.is_running:
            product.send(signal.SIGTERM)


@pytest.fixture(scope="session")
def as_first_started(
    copy_of_it: Product, django_db_setup: None, django_db_blocker: Any
) -> Demonstration | None:
    """Start it for the first time; return what it has loaded, or None where that is not known."""
    copy_of_it.start(until="Fetching and collecting styles and scripts")
    loaded = Demonstration()
    with django_db_blocker.unblock():
        loaded.read(Postgres(copy_of_it.data / "postgres", copy_of_it.log).url(DATABASE))
        is_known = may_put_back() and not {"worker", "beat"} & copy_of_it.parts().keys()
    copy_of_it.wait_for("Ctrl-C stops everything")
    return loaded if is_known else None


@pytest.fixture(scope="module")
def demo(
    copy_of_it: Product, as_first_started: Demonstration | None, django_db_blocker: Any
) -> Iterator[None]:
    """The demonstration with its files, for the tests of a file; taken back afterwards."""
    files = copy_of_it.data / "media"
    with (
        override_settings(MEDIA_ROOT=str(files)),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        if as_first_started:
            as_first_started.write()
        else:
            with override_settings(OUTCOME_UNDO_SECONDS=300):  # as the product has it
                call_command("load_demo", stdout=io.StringIO())
        yield
        transaction.set_rollback(True)
