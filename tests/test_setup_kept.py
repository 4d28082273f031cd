"""Databases of the tests that run on between two runs, and those that lie in memory for one."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from expansive_cm.services import for_tests, in_memory
from expansive_cm.services.for_tests import start_test_services, stop_kept, stop_test_services
from expansive_cm.services.postgres import Postgres
from expansive_cm.services.processes import Child, Identity, StartError, wait_until_ended
from expansive_cm.sure import sure

# One copy of the files serves all tests of this file: they belong into one process.
pytestmark = pytest.mark.xdist_group("kept")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder, as making the files of a server takes longest."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of runs that keep their servers, of which none runs after a test."""
    monkeypatch.setattr(for_tests, "_running", [])
    monkeypatch.setenv("KEEP", "1")
    yield folder
    for databases in for_tests._running:
        databases.leave()
    stop_kept(folder)


def living(data: Path, name: str = "test-1") -> dict[str, int]:
    """The servers of one directory that run now."""
    path = data / name / "run" / "processes.json"
    known = [Identity(**entry) for entry in json.loads(path.read_text())] if path.exists() else []
    return {identity.name: identity.pid for identity in known if identity.find()}


def test_the_next_run_goes_on_with_the_same_servers(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = start_test_services(data)
    left_over = psycopg2.connect(first["DATABASE_URL"])
    redis.Redis.from_url(first["REDIS_URL"]).rpush("celery", "left by a run that was killed")
    servers = living(data)
    stop_test_services()
    assert living(data) == servers and set(servers) == {"postgres", "valkey"}

    assert start_test_services(data) == first
    assert living(data) == servers
    with pytest.raises(psycopg2.OperationalError):
        left_over.cursor().execute("SELECT 1")
    assert redis.Redis.from_url(first["REDIS_URL"]).keys() == []
    assert stop_kept(data) == 1, "a run uses them"
    assert living(data) == servers

    stop_test_services()
    assert stop_kept(data) == 0
    assert living(data) == {}
    assert "Stopped postgres of test-1." in capsys.readouterr().out


def test_a_kept_server_that_died_is_started_again(data: Path) -> None:
    start_test_services(data)
    (databases,) = for_tests._running
    stop_test_services()
    before = living(data)
    valkey = next(one for one in databases.registry.recorded() if one.name == "valkey")
    process = valkey.find()
    assert process
    os.kill(process.pid, signal.SIGKILL)
    wait_until_ended([process], 60)

    environment = start_test_services(data)
    assert redis.Redis.from_url(environment["REDIS_URL"]).ping()
    psycopg2.connect(environment["DATABASE_URL"]).close()
    after = living(data)
    assert set(after) == {"postgres", "valkey"}
    assert not set(after.values()) & set(before.values())


def test_a_run_beside_another_has_servers_of_its_own(data: Path) -> None:
    first, second = start_test_services(data), start_test_services(data)
    assert first["DATABASE_URL"] != second["DATABASE_URL"]
    assert first["REDIS_URL"] != second["REDIS_URL"]
    stop_test_services()
    assert living(data) and living(data, "test-2")


def test_a_run_that_keeps_nothing_stops_what_was_kept(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_test_services(data)
    stop_test_services()
    monkeypatch.delenv("KEEP")
    start_test_services(data)
    stop_test_services()
    assert living(data) == {}
    assert not (data / "test-1" / "run" / "kept.json").exists()


def test_servers_that_would_be_started_otherwise_now_are_not_kept(
    data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start_test_services(data)
    stop_test_services()
    before = living(data)
    changed = tmp_path / "settings"
    changed.write_text("other")
    monkeypatch.setattr("expansive_cm.services.kept.MADE_OF", [changed])
    start_test_services(data)
    stop_test_services()
    assert not set(living(data).values()) & set(before.values())


@pytest.fixture
def memory(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where runs that keep nothing find room for their files."""
    monkeypatch.delenv("KEEP")
    monkeypatch.setenv("IN_MEMORY", "1")
    monkeypatch.setattr(for_tests, "_folders", [])
    monkeypatch.setattr(in_memory, "MEMORY", tmp_path)
    monkeypatch.setattr(in_memory, "ROOM", 0)
    return tmp_path


def files_of(environment: dict[str, str]) -> Path:
    """Where the server has its files."""
    connection = psycopg2.connect(environment["DATABASE_URL"])
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        (found,) = sure(cursor.fetchone())
    connection.close()
    return Path(found)


def test_a_run_of_all_leaves_nothing_in_memory_even_if_it_was_killed(
    data: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 4 s: the files of two servers."""
    first = start_test_services(data)
    assert files_of(first).is_relative_to(memory)
    before = living(data)
    # As it is when a run is killed: nothing was stopped, and the system lets go of the locks.
    for_tests._running.pop().leave()
    for_tests._folders.pop().lock.close()

    second = start_test_services(data)
    assert files_of(second).is_relative_to(memory)
    assert not set(before.values()) & set(living(data).values())
    assert len(list(memory.iterdir())) == 1
    stop_test_services()
    assert living(data) == {}
    assert list(memory.iterdir()) == []

    def child_on_disk(postgres: Postgres) -> Child:
        if postgres.data.is_relative_to(memory):
            raise StartError("Its account cannot enter this.")
        return child(postgres)

    child = Postgres.child
    monkeypatch.setattr(Postgres, "child", child_on_disk)
    assert files_of(start_test_services(data)).is_relative_to(data)
    assert list(memory.iterdir()) == []
    stop_test_services()


def test_a_folder_in_memory_is_ones_own_and_goes_once_nobody_works_in_it(
    data: Path, memory: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> None:
    """A container that shares the memory has the same paths and sees no process of ours."""
    killed, mine = (sure(in_memory.folder_in_memory()) for _run in range(2))
    assert mine.path.stat().st_mode & 0o077 == 0
    in_memory.remove_leftovers()
    assert {*memory.iterdir()} == {killed.path, mine.path}, "both are under way"
    killed.lock.close()
    stop_kept(data)
    assert list(memory.iterdir()) == [mine.path]
    mine.remove()

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / in_memory.LOCK).touch()
    link = memory / f"{in_memory._prefix()}link"
    link.symlink_to(elsewhere)
    in_memory.remove_leftovers()
    assert (elsewhere / in_memory.LOCK).exists(), "a link that somebody else made"

    monkeypatch.setattr(in_memory, "ROOM", in_memory.free() + 1024**4)
    assert in_memory.folder_in_memory() is None, "there is no room"
    monkeypatch.setattr(in_memory, "MEMORY", memory / "nowhere")
    in_memory.remove_leftovers()
    assert in_memory.folder_in_memory() is None, "the system has no such place"
