"""Starting again after a kill, and never ending what belongs to somebody else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from socket import AF_INET, AF_INET6
from threading import Event
from types import SimpleNamespace

import psutil
import pytest

from expansive_cm.environment import hosts
from expansive_cm.services.databases import Databases
from expansive_cm.services.postgres import clear_leftovers, socket_directory
from expansive_cm.services.preloaded import ForkedChild, Preloaded, is_possible
from expansive_cm.services.processes import UNKNOWN, Child, Identity, Registry, StartError, stop
from expansive_cm.services.product import product_environment
from expansive_cm.services.run import Interrupted, cut_off, prepare, preparing
from expansive_cm.services.supervisor import RESTARTS_ALLOWED, Supervisor
from tests.worker import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
NEEDS = "SystemExit(pathlib.Path('one').exists())"
POLITE = """
import pathlib, signal, sys, time
def leave(number, frame):
    pathlib.Path(sys.argv[1]).touch()
    while not pathlib.Path(sys.argv[2]).exists():
        time.sleep(0.01)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, leave)
print("here", flush=True)
time.sleep(600)
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "processes.json")
    yield registry
    registry.stop_leftovers()


def child(command: list[str], tmp_path: Path, name: str = "part", grace: float = 5) -> Child:
    return Child(name=name, command=command, env={}, cwd=tmp_path, grace=grace)


def seen_at(family: int, address: str) -> SimpleNamespace:
    """An address of this machine, as psutil tells of it."""
    return SimpleNamespace(family=family, address=address)


def ignore(name: str, line: str) -> None:
    """Pay no attention."""


def test_what_a_killed_start_left_is_stopped_by_the_next(
    registry: Registry, tmp_path: Path
) -> None:
    first, second = child(SLEEP, tmp_path, "first"), child(SLEEP, tmp_path, "second")
    for part in (first, second):
        part.start(registry, ignore)
    # The next start knows the file alone.
    assert Registry(registry.path).stop_leftovers() == ["second", "first"]
    assert first.ended() is not None and second.ended() is not None
    assert not registry.path.exists()


def test_a_number_given_to_another_process_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as somebody_else:
        created = psutil.Process(somebody_else.pid).create_time()
        ours = Identity("web", somebody_else.pid, created - 60, signal.SIGTERM, 1)
        assert ours.find() is None
        stop(ours)
        assert somebody_else.poll() is None
        stop(replace(ours, created=created))
        assert somebody_else.poll() is not None


def test_a_process_that_will_not_stop_is_killed_with_its_children(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expansive_cm.services.processes.KILL_AFTER_SECONDS", 0.3)
    part = child([sys.executable, "-c", STUBBORN], tmp_path, grace=0.2)
    lines: list[str] = []
    part.start(registry, lambda name, line: lines.append(line))
    wait_until(lambda: lines)
    grandchild = psutil.Process(int(lines[0]))
    part.stop()
    assert part.ended() is not None
    psutil.wait_procs([grandchild], timeout=60)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def two_who_wait_for_each_other(registry: Registry, tmp_path: Path) -> Supervisor:
    """Start two parts that only end when the other one is asked to as well."""
    said: list[str] = []
    supervisor = Supervisor(registry, lambda name, line: said.append(line))
    for name, other in (("one", "two"), ("two", "one")):
        supervisor.start(child([sys.executable, "-c", POLITE, name, other], tmp_path, name, 600))
    wait_until(lambda: said == ["here", "here"])
    return supervisor


def test_parts_are_asked_to_stop_all_at_once(registry: Registry, tmp_path: Path) -> None:
    supervisor = two_who_wait_for_each_other(registry, tmp_path)
    parts = list(supervisor.children)
    told: list[str] = []
    supervisor.stop(told.append)
    assert told == ["two", "one"]
    assert [part.ended() for part in parts] == [0, 0]


def test_what_a_killed_start_left_is_asked_all_at_once_too(
    registry: Registry, tmp_path: Path
) -> None:
    parts = two_who_wait_for_each_other(registry, tmp_path).children
    Registry(registry.path).stop_leftovers()
    assert [part.ended() for part in parts] == [0, 0]


def test_what_others_use_stops_after_them(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "two").touch()  # who is asked waits for nobody
    used = child([sys.executable, "-c", POLITE, "one", "two"], tmp_path, "used", 600)
    used.outlasts = True
    lines: list[str] = []
    used.start(registry, lambda name, line: lines.append(line))
    command = [sys.executable, "-c", POLITE.replace("SystemExit(0)", NEEDS), "user", "two"]
    user = child(command, tmp_path, "user", 600)
    user.start(registry, lambda name, line: lines.append(line))
    wait_until(lambda: lines == ["here", "here"])
    Registry(registry.path).stop_leftovers()
    assert (used.ended(), user.ended()) == (0, 0), "the other one had not been asked yet"


def test_asking_twice_does_not_wait(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expansive_cm.services.processes.KILL_AFTER_SECONDS", 0.3)
    lines: list[str] = []
    supervisor = Supervisor(registry, lambda name, line: lines.append(line))
    part = supervisor.start(child([sys.executable, "-c", STUBBORN], tmp_path, grace=6000))
    wait_until(lambda: lines)
    for _time in range(2):
        supervisor.ask_to_stop()
    supervisor.stop(lambda name: None)
    assert part.ended() == -signal.SIGKILL


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "web"}]', "null"])
def test_a_damaged_list_of_processes_does_not_block_a_start(text: str, tmp_path: Path) -> None:
    path = tmp_path / "processes.json"
    path.write_text(text)
    assert Registry(path).stop_leftovers() == []


def test_a_part_that_ends_is_started_again(registry: Registry, tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(registry, lambda name, line: said.append(line))
    part = supervisor.start(child(SLEEP, tmp_path))
    assert part.process
    first = part.process.pid
    part.process.kill()
    part.process.wait()
    supervisor.ask_to_stop()
    supervisor.look_after([])
    assert part.process.pid != first and part.ended() is None
    assert said == ["part ended (status -9): starting it again."]
    supervisor.stop(lambda name: None)
    assert part.ended() is not None


NOTHING_LOADED = """
from expansive_cm.services import preloaded
preloaded.load = lambda: None
preloaded.main()
"""
PART = """
import os, sys, time
print(*sys.argv[1:], os.getppid(), os.getsid(0) == os.getpid(), flush=True)
time.sleep(600)
"""
LOADS_UNTIL_TOLD = """
import pathlib, time
from expansive_cm.services import preloaded
def load():
    pathlib.Path("loads").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
preloaded.load = load
preloaded.main()
"""
needs_forks = pytest.mark.skipif(not is_possible(), reason="this system forks nothing")


def to_fork(tmp_path: Path, script: str) -> ForkedChild:
    """A part that a process of this script is to fork."""
    (tmp_path / "part.py").write_text(PART)
    env = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    first = Preloaded("loaded", [sys.executable, "-c", script], env, tmp_path)
    command = [sys.executable, "-m", "part", "to do"]
    return ForkedChild("part", command, env, tmp_path, preloaded=first)


def forked(registry: Registry, tmp_path: Path, script: str) -> tuple[Supervisor, list[str]]:
    """Start a part that is forked by a process of this script; returns what they say as well."""
    said: list[str] = []
    supervisor = Supervisor(registry, lambda name, line: said.append(f"{name}: {line}"))
    supervisor.start(to_fork(tmp_path, script))
    wait_until(lambda: any(line.startswith("part: to do") for line in said))
    return supervisor, said


@needs_forks
def test_what_is_forked_is_looked_after_like_any_part(registry: Registry, tmp_path: Path) -> None:
    supervisor, said = forked(registry, tmp_path, NOTHING_LOADED)
    (part,) = supervisor.children
    assert isinstance(part, ForkedChild) and part.preloaded and part.process
    first = part.preloaded.process
    assert first and said == [f"part: to do {first.pid} True"]
    part.process.kill()
    assert part.process.wait(60) == -signal.SIGKILL
    supervisor.look_after([])
    assert part.preloaded.process is first, "what is loaded is loaded once"
    wait_until(lambda: len(said) == 3)
    assert said[1:] == ["run: part ended (status -9): starting it again.", said[0]]
    # Without it the part lives on, and another one is there when it is needed.
    first.kill()
    first.wait()
    assert part.ended() is None
    part.process.kill()
    assert part.process.wait(60) == UNKNOWN
    supervisor.look_after([])
    assert part.preloaded.process is not first
    wait_until(lambda: len(said) == 5)
    assert said[-1] == f"part: to do {part.preloaded.process.pid} True"
    assert [known.name for known in registry.identities] == ["loaded", "part"]
    supervisor.stop(lambda name: None)
    assert part.ended() == -signal.SIGTERM
    assert part.preloaded.ended() is not None


@needs_forks
def test_where_nothing_can_be_forked_a_part_is_started_by_itself(
    registry: Registry, tmp_path: Path
) -> None:
    supervisor, said = forked(registry, tmp_path, "raise SystemExit('no room')")
    wait_until(lambda: len(said) == 2)
    assert sorted(said) == ["loaded: no room", f"part: to do {os.getpid()} True"]
    supervisor.stop(lambda name: None)
    assert supervisor.children == []


@needs_forks
def test_where_the_system_refuses_a_fork_nothing_else_ends(
    registry: Registry, tmp_path: Path
) -> None:
    refuses = "import os\ndef refuse():\n    raise BlockingIOError\nos.fork = refuse\n"
    supervisor, said = forked(registry, tmp_path, refuses + NOTHING_LOADED)
    assert said == [f"part: to do {os.getpid()} True"]
    (part,) = supervisor.children
    assert isinstance(part, ForkedChild) and part.preloaded
    second = supervisor.start(replace(part, name="second", process=None))
    assert part.ended() is None and second.ended() is None
    assert part.preloaded.ended() is None and len(part.preloaded.starts) == 1
    supervisor.stop(lambda name: None)


def test_a_python_that_cannot_watch_a_process_forks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One that was built where the system had no such call yet.
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert not is_possible()


@needs_forks
def test_what_loads_when_the_supervisor_is_killed_forks_nothing(
    registry: Registry, tmp_path: Path
) -> None:
    part = to_fork(tmp_path, LOADS_UNTIL_TOLD)
    (tmp_path / "part.py").write_text("import time; time.sleep(600)")  # says nothing to nobody
    supervisor = os.fork()
    if not supervisor:
        part.start(registry, ignore)
        os._exit(0)
    wait_until((tmp_path / "loads").exists)
    [loaded] = [one.find() for one in registry.recorded()]
    os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)
    (tmp_path / "go").touch()
    assert loaded
    psutil.wait_procs([loaded], timeout=60)
    left = [one for one in psutil.process_iter(["cwd"]) if one.info["cwd"] == str(tmp_path)]
    for one in left:
        one.kill()
    assert not left, "the next start knows nothing of it"


@needs_forks
def test_who_stops_does_not_wait_until_all_is_loaded(registry: Registry, tmp_path: Path) -> None:
    part = to_fork(tmp_path, LOADS_UNTIL_TOLD)
    supervisor = Supervisor(registry, ignore)
    assert part.preloaded
    begun = time.monotonic()

    def go_on() -> None:
        assert time.monotonic() < begun + 60
        if (tmp_path / "loads").exists():
            raise Interrupted

    part.preloaded.go_on = go_on
    with pytest.raises(Interrupted):
        supervisor.start(part)
    supervisor.stop(lambda name: None)
    assert part.process is None and part.preloaded.ended() is not None


@needs_forks
def test_one_that_forks_no_more_ends_nothing_that_it_has_forked(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor, said = forked(registry, tmp_path, NOTHING_LOADED)
    (first,) = supervisor.children
    assert isinstance(first, ForkedChild) and first.preloaded and first.preloaded.process
    loaded = psutil.Process(first.preloaded.process.pid)
    loaded.suspend()
    with monkeypatch.context() as hurried:
        hurried.setattr("expansive_cm.services.preloaded.PATIENCE_SECONDS", 0.2)
        second = supervisor.start(replace(first, name="second", process=None))
    wait_until(lambda: len(said) == 2)
    assert said[1] == f"second: to do {os.getpid()} True"
    assert first.ended() is None
    loaded.resume()
    third = supervisor.start(replace(first, name="third", process=None))
    assert third.process and second.process
    assert {one.pid for one in loaded.children()} == {
        one.process.pid for one in (first, third) if one.process
    }, "what was started otherwise is not forked later"
    supervisor.stop(lambda name: None)
    assert first.preloaded.ended() is not None


@needs_forks
def test_a_full_disk_leaves_nothing_running(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = to_fork(tmp_path, NOTHING_LOADED)
    supervisor = Supervisor(registry, ignore)

    def fails(identity: Identity) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(registry, "add", fails)
    with pytest.raises(OSError, match="No space left"):
        supervisor.start(part)
    supervisor.stop(lambda name: None)
    assert part.preloaded and part.preloaded.ended() is not None


def test_a_part_that_cannot_live_ends_the_run(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expansive_cm.services.supervisor.LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr("expansive_cm.services.supervisor.RESTART_WINDOW_SECONDS", 6000)
    said: list[str] = []
    supervisor = Supervisor(registry, lambda name, line: said.append(line))
    part = supervisor.start(child([sys.executable, "-c", "raise SystemExit(3)"], tmp_path))
    assert supervisor.watch([]) is False
    assert len(part.starts) == RESTARTS_ALLOWED + 1
    assert said[-1] == "part keeps ending (status 3)."


def test_one_directory_has_one_owner(tmp_path: Path) -> None:
    first, second = Databases(tmp_path), Databases(tmp_path)
    assert first.lock() is True
    assert second.lock() is False
    first.stop()
    assert second.lock() is True
    second.stop()


def test_a_dead_servers_file_with_a_living_number_does_not_block(tmp_path: Path) -> None:
    stale = tmp_path / "postmaster.pid"
    with subprocess.Popen(SLEEP) as somebody_else:
        stale.write_text(f"{somebody_else.pid}\n")
        clear_leftovers(tmp_path)
        assert not stale.exists()
        assert somebody_else.poll() is None
        somebody_else.kill()


@pytest.mark.parametrize("name", ["plain", "with space", "x" * 120, 'quote"d', "Größe"])
def test_the_socket_lies_where_its_path_is_short_enough(name: str, tmp_path: Path) -> None:
    path = socket_directory(tmp_path / name / "postgres")
    assert len(bytes(path)) < 100
    assert not set(str(path)) & set('",\\')


def test_a_link_in_place_of_the_socket_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    data = tmp_path / ("x" * 120) / "postgres"
    socket_directory(data).symlink_to("/")
    with pytest.raises(StartError, match="is a link that somebody else made"):
        socket_directory(data)


def test_what_fails_aside_is_told_and_stops_the_start() -> None:
    script = "from expansive_cm.services.prepare import aside; aside(lambda: {})(); print('on')"
    failed, done = (
        subprocess.run(
            [sys.executable, "-c", script.format(action)],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
        )
        for action in ("1 / 0", "None")
    )
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "ZeroDivisionError" in failed.stderr
    assert (done.returncode, done.stdout) == (0, "on\n")


def test_the_demo_opens_under_further_names_beside_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    databases = Databases(tmp_path)
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    own = hosts(product_environment(databases, "http://10.0.0.7:8000")["ALLOWED_HOSTS"])
    assert {"localhost", "127.0.0.1", "[::1]", "10.0.0.7"} <= set(own)
    assert "[fd00::5]" in product_environment(databases, "http://[fd00::5]:8000")["ALLOWED_HOSTS"]
    monkeypatch.setenv("ALLOWED_HOSTS", "demo.example, .example.net")
    more = hosts(product_environment(databases, "http://10.0.0.7:8000")["ALLOWED_HOSTS"])
    assert set(more) == {*own, "demo.example", ".example.net"}


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])
def test_a_demo_shown_to_the_network_opens_under_the_addresses_of_this_machine(
    bind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    seen = {
        "eth0": [seen_at(AF_INET, "192.168.1.5"), seen_at(AF_INET6, "fe80::1%eth0")],
        "vpn": [seen_at(AF_INET6, "2001:db8::5"), seen_at(psutil.AF_LINK, "00:00:00:00:00:01")],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: seen)
    found = {"192.168.1.5", "[fe80::1]", "[2001:db8::5]"}
    address = "http://127.0.0.1:8000"
    allowed = hosts(product_environment(Databases(tmp_path), address)["ALLOWED_HOSTS"])
    assert not found & set(allowed), "of this machine alone"
    monkeypatch.setenv("BIND", bind)
    allowed = hosts(product_environment(Databases(tmp_path), address)["ALLOWED_HOSTS"])
    assert found <= set(allowed)


def test_what_is_cut_off_takes_its_own_children_along() -> None:
    listens = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    script = f"{listens} import subprocess as s, sys; s.run([sys.executable, '-c', {{!r}}])"
    waits = f"{listens} import time; print('here', flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", script.format(waits)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"here\n"
        cut_off(process)
        assert said.read() == b"", "the child has ended too"


SERVED_WHILE_IT_WORKS = 'touch "$2/migrated" "$2/collected"; until [ -e "$2/served" ]; do :; done'


@pytest.mark.parametrize(
    ("work", "status"), [(SERVED_WHILE_IT_WORKS, 0), ("true", 0), ('touch "$2/migrated"', 1)]
)
def test_the_web_server_starts_as_soon_as_it_can_and_once(
    work: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nset -- "$1" "$(dirname "$3")"\n{work}\nexit {status}\n')
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    # What an earlier start has left says nothing of this one.
    (tmp_path / "collected").touch()
    started: list[str] = []

    def start() -> None:
        started.append("web")
        (tmp_path / "served").touch()

    logins = tmp_path / "logins"
    with (
        nullcontext() if status == 0 else pytest.raises(StartError),
        preparing(dict(os.environ), logins) as process,
    ):
        prepare(process, logins, Event(), start)
    assert started == ([] if status else ["web"])


# A shell would not hear of it where the tests themselves were started in the background.
PREPARES_FOR_A_MINUTE = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
for mark in ("migrated", "collected"):
    pathlib.Path(sys.argv[3]).with_name(mark).touch()
time.sleep(60)
"""


def test_who_stops_while_the_web_server_loads_waits_for_no_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n{PREPARES_FOR_A_MINUTE}")
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    wants_to_stop = Event()

    def loads() -> None:
        wants_to_stop.set()
        raise Interrupted

    logins = tmp_path / "logins"
    with pytest.raises(Interrupted), preparing(dict(os.environ), logins) as process:
        prepare(process, logins, wants_to_stop, loads)
    assert process.returncode == -signal.SIGINT


def test_what_fails_to_prepare_leaves_nothing_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\nsleep 600 & echo $! >"$(dirname "$3")/npm"\nexit 1\n')
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    logins = tmp_path / "logins"
    with pytest.raises(StartError), preparing(dict(os.environ), logins) as process:
        prepare(process, logins, Event())
    number = int((tmp_path / "npm").read_text())
    wait_until(lambda: not psutil.pid_exists(number) or is_zombie(number))


def is_zombie(number: int) -> bool:
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_prepares_ends_by_itself_where_the_databases_do_not_start(tmp_path: Path) -> None:
    with (
        pytest.raises(StartError, match="no room"),
        preparing(dict(os.environ), tmp_path / "logins") as process,
    ):
        raise StartError("no room")
    assert process.returncode == 1
