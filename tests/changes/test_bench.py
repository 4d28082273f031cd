"""`manage.py bench` works, and leaves the product's data and server as they were."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from changes.models import Change
from tests.environment import ROOT
from tests.worker import worker_environment

DATABASE = f"bench_test_{os.getpid()}"


def bench(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the server, and beside the database, of this test."""
    static = {"STATIC_ROOT": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "manage.py", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, **worker_environment(), **static},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def databases() -> set[str]:
    """Name the databases, without those that a bench test in another process uses now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        names = {row[0] for row in cursor.fetchall()}
    return {name for name in names if name == DATABASE or not name.startswith("bench_test_")}


@pytest.mark.django_db(transaction=True)
def test_every_page_answers_and_nothing_is_left(tmp_path: Path) -> None:
    before = databases()
    done = bench(tmp_path, "--changes", "400", "--repeat", "1", "--database", DATABASE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed:" not in done.stdout
    for line in (
        "support    home",
        "customer   list",
        "auditor    history",
        "Export of everything",
    ):
        assert line in done.stdout
    assert databases() == before
    assert not Change.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--changes", "3"], "Fewer than 200 changes measure nothing."),
        (["--database", "{own}"], "The benchmark needs a database of its own"),
    ],
)
def test_it_refuses_what_makes_no_sense(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    before = databases()
    own = connection.settings_dict["NAME"]
    done = bench(tmp_path, *(argument.format(own=own) for argument in arguments))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert databases() == before
