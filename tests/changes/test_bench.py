"""`manage.py bench` works, and leaves the product's data and server as they were."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from changes.models import Change
from changes.views import lists, promises
from expansive_cm.bench.management.commands import bench
from expansive_cm.bench.measuring import Case
from tests.database import drop, ensure_template, run

DATABASE = f"bench_test_{os.getpid()}"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def static_files_elsewhere(settings: Any, tmp_path: Path) -> None:
    """The command collects them."""
    settings.STATIC_ROOT = str(tmp_path)


def databases() -> set[str]:
    """Name the databases, without those that come and go with the tests of other processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        names = {row[0] for row in cursor.fetchall()}
    of_others = ("bench_test_", "test_", "prepared_")
    return {name for name in names if name == DATABASE or not name.startswith(of_others)}


def each_once() -> list[Case]:
    """Every page once for Expansive's people, whose list is the same, and for each customer."""
    chosen: list[Case] = []
    titles, people = set(), set()
    for case in every_case():
        if not case.user.is_internal or case.title not in titles or case.who not in people:
            chosen.append(case)
        titles.add(case.title if case.user.is_internal else "")
        people.add(case.who)
    return chosen


every_case = bench.cases


def on_what_is_migrated(command: str, **options: Any) -> None:
    """Run a command; where it would migrate, put a copy of what is migrated in its place."""
    if command == "migrate":
        connection.close()
        drop(DATABASE)
        run("CREATE DATABASE {} TEMPLATE {}", DATABASE, ensure_template())
    else:
        call_command(command, **options)


def test_every_page_answers_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few changes, few of them on a page, and each page once: with more it measures the same."""
    for views in (lists, promises):
        monkeypatch.setattr(views, "PAGE_SIZE", 5)
    monkeypatch.setattr(bench, "cases", each_once)
    monkeypatch.setattr(bench, "call_command", on_what_is_migrated)
    before, own, out = databases(), connection.settings_dict["NAME"], io.StringIO()
    call_command("bench", changes=200, repeat=0, database=DATABASE, stdout=out)
    said = out.getvalue()
    assert "failed:" not in said
    for line in (
        "support    home",
        "customer   list",
        "success    home",
        "board      board, attendance",
        "auditor    history",
        "Export of everything",
    ):
        assert line in said
    assert databases() == before
    assert connection.settings_dict["NAME"] == own
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"changes": 3}, "Fewer than 200 changes measure nothing."),
        ({"database": "{own}"}, "The benchmark needs a database of its own"),
    ],
)
def test_it_refuses_what_makes_no_sense(options: dict[str, Any], sentence: str) -> None:
    before = databases()
    own = connection.settings_dict["NAME"]
    options = {name: own if value == "{own}" else value for name, value in options.items()}
    with pytest.raises(CommandError, match=sentence):
        call_command("bench", **options)
    assert databases() == before
