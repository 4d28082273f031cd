"""`make run` and its relatives, once everything is installed."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from expansive_cm.services.databases import Databases
from expansive_cm.services.prepare import BEGIN, marks
from expansive_cm.services.processes import StartError, clean_environment
from expansive_cm.services.product import (
    FIRST_PORT,
    ROOT,
    address_of,
    listen_on_free_port,
    product,
    product_environment,
    wait_until_ready,
)
from expansive_cm.services.supervisor import Supervisor
from expansive_cm.sure import sure


class Interrupted(Exception):
    """Somebody wants to stop although not everything has started."""


def say(name: str, line: str) -> None:
    """Write one line of a process behind its name; empty ones tell nothing."""
    if line.strip():
        tell(f"{name:<8} | {line}")


def tell(text: str) -> None:
    """Write a line at once; a terminal that is gone is no reason to fail."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def timed(title: str, action: Callable[[], None]) -> None:
    """Do one step and show what it was and how long it took."""
    begun = time.monotonic()
    action()
    tell(f"  {title + ' …':<52}{time.monotonic() - begun:5.1f} s")


def main() -> int:
    """Do what the command line asks. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="where the data lie")
    parser.add_argument("--reset", action="store_true", help="throw the demo's data away")
    parser.add_argument("--bench", nargs=argparse.REMAINDER, help="run the benchmark")
    parser.add_argument("--bench-meeting", nargs=argparse.REMAINDER, help="measure a meeting")
    parser.add_argument("--bench-people", nargs=argparse.REMAINDER, help="measure many people")
    parser.add_argument("--bench-memory", nargs=argparse.REMAINDER, help="measure memory")
    parser.add_argument("--manage", nargs=argparse.REMAINDER, help="run a management command")
    options = parser.parse_args()
    data = options.data.resolve()
    try:
        if options.reset:
            return reset(data)
        if options.bench is not None:
            return with_databases(data / "bench", ["bench", *options.bench])
        if options.bench_meeting is not None:
            return with_databases(data / "bench", ["bench_meeting", *options.bench_meeting])
        if options.bench_people is not None:
            return with_databases(data / "bench", ["bench_people", *options.bench_people])
        if options.bench_memory is not None:
            command = ["bench_memory", *options.bench_memory]
            return with_databases(data / "bench", command, valkey=True)
        if options.manage is not None:
            return manage(data, options.manage)
        return run(data)
    except StartError as error:
        tell(f"\n{error}")
        return 1


# --- make run ------------------------------------------------------------------------------


def run(data: Path) -> int:
    """Start everything, wait until somebody wants to stop, stop everything."""
    databases = Databases(data)
    if not databases.lock():
        return already_running(data)
    supervisor = Supervisor(databases.registry, say)
    supervisor.listen()
    with ExitStack() as kept:
        try:
            start_parts(databases, supervisor, kept)
            return 0 if supervisor.watch(databases.children) else 1
        except Interrupted:
            return 0
        finally:
            stop_everything(supervisor, databases)


def start_parts(databases: Databases, supervisor: Supervisor, kept: ExitStack) -> None:
    """Start the databases, prepare them, start web, worker and beat, and show the address.

    The port is kept: a web server that is started again takes it over once more.
    Raises: StartError, and Interrupted when somebody wants to stop meanwhile.
    """
    begun = time.monotonic()

    def go_on() -> None:
        if supervisor.asked_to_stop.is_set():
            raise Interrupted

    for name in databases.registry.stop_leftovers():
        tell(f"  Stopped {name}, which an earlier start had left running.")
    listener = kept.enter_context(listen_on_free_port())
    address, local = address_of(listener)
    logins = databases.base / "run" / "logins"
    with preparing(product_environment(databases, address), logins) as process:
        timed("Starting PostgreSQL", databases.start_postgres)
        timed("Starting Valkey", databases.start_valkey)
        # Now with the address of Valkey, which preparing does not need.
        environment = product_environment(databases, address)
        web, *others = product(environment, listener, go_on)
        go_on()
        prepare(process, logins, supervisor.asked_to_stop, lambda: supervisor.start(web))
    go_on()
    timed("Waiting for the first answer", lambda: wait_until_ready(web, local, go_on))
    # Nobody waits for these: they start while the first page is read.
    for child in others:
        go_on()
        supervisor.start(child)
    remember(databases.base, environment, address)
    tell(f"\nExpansive Change Management is ready after {time.monotonic() - begun:.1f} s:\n")
    asked, port = os.environ.get("PORT") or str(FIRST_PORT), listener.getsockname()[1]
    if str(port) != asked:
        tell(f"    Port {asked} is taken by another program; this is {port}.")
    tell(f"    {address}\n\n{logins.read_text().rstrip()}\n")
    tell("Ctrl-C stops everything. What the processes say follows.\n")


@contextmanager
def preparing(environment: dict[str, str], logins: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start what prepares the database: it loads the product, and waits for its word to begin.

    So the databases may start meanwhile. Without the word it ends by itself. What it has started,
    such as npm, ends with it.
    """
    command = [sys.executable, "-m", "expansive_cm.services.prepare", str(logins)]
    # A migration may take longer than any page.
    unlimited = {**environment, "STATEMENT_TIMEOUT_SECONDS": "0"}
    for mark in marks(logins):
        mark.unlink(missing_ok=True)
    process = subprocess.Popen(
        command, cwd=ROOT, env=unlimited, start_new_session=True, stdin=subprocess.PIPE
    )
    try:
        yield process
    finally:
        with suppress(BrokenPipeError):
            sure(process.stdin).close()
        process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def prepare(
    process: "subprocess.Popen[bytes]",
    logins: Path,
    asked_to_stop: Event,
    can_be_served: Callable[[], object] = lambda: None,
) -> None:
    """Let it migrate and load what a first visit needs.

    Calls `can_be_served` once, when the database is migrated and styles and scripts are there,
    while the demo may still be loaded. Raises: StartError when it fails, Interrupted when somebody
    wants to stop meanwhile: each of its steps is undone where it is cut off, and done by the next
    start.
    """
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.write(BEGIN)
        process.stdin.flush()
    missing = marks(logins)
    while process.poll() is None:
        if asked_to_stop.is_set():
            cut_off(process)
            raise Interrupted
        if missing and all(mark.exists() for mark in missing):
            missing = []
            # Whoever wants to stop while it is loaded does not wait for the rest of this either.
            with suppress(Interrupted):
                can_be_served()
        time.sleep(0.05)
    if process.returncode:
        raise StartError("The database could not be prepared: the lines above say why.")
    if missing:
        can_be_served()


def cut_off(process: "subprocess.Popen[bytes]") -> None:
    """Let a process and those that it has started tidy up and go; end what takes its time."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def remember(data: Path, environment: dict[str, str], address: str) -> None:
    """Write down where this start can be reached, for a second one and for `make manage`."""
    names = "SECRET_KEY DATABASE_URL REDIS_URL BASE_URL DEMO MEDIA_ROOT STATIC_ROOT ALLOWED_HOSTS"
    kept = {name: environment[name] for name in names.split()}
    state = {"address": address, "pid": os.getpid(), "environment": kept}
    path = state_file(data)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(state))


def state_file(data: Path) -> Path:
    """Where the running product is described."""
    return data / "run" / "state.json"


def read_state(data: Path) -> dict[str, Any]:
    """What the running product has written down, or nothing while it still starts."""
    try:
        return dict(json.loads(state_file(data).read_text()))
    except (OSError, ValueError):
        return {}


def already_running(data: Path) -> int:
    """Point to the product that runs here, and leave it alone."""
    state = read_state(data)
    if state:
        tell(f"It is running here already: {state['address']} (process {state['pid']}).")
        tell("Stop it with Ctrl-C where it was started; nothing was changed.")
    else:
        tell("It is being started or stopped here just now; nothing was changed.")
    return 0


def stop_everything(supervisor: Supervisor, databases: Databases) -> None:
    """Stop processes first, then Valkey, then PostgreSQL."""
    if not databases.children:
        databases.stop()
        return
    tell("\nStopping …")
    begun = time.monotonic()

    def report(name: str) -> None:
        tell(f"  {name}")

    state_file(databases.base).unlink(missing_ok=True)
    supervisor.stop(report)
    databases.stop(report)
    tell(f"Everything is stopped, after {time.monotonic() - begun:.1f} s.")


# --- The relatives -------------------------------------------------------------------------


def reset(data: Path) -> int:
    """Throw the demo's data away, files included."""
    databases = Databases(data)
    if not databases.lock():
        tell("It is running: stop it with Ctrl-C where it was started, then reset it.")
        return 1
    databases.registry.stop_leftovers()
    databases.postgres.stop_leftovers()
    for name in ("postgres", "postgres.new", "postgres-socket", "valkey", "media", "secret-key"):
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    databases.stop()
    tell("The demo's data are gone. `make run` makes new ones.")
    return 0


def manage(data: Path, arguments: list[str]) -> int:
    """Run a management command on the demo's data, whether the product runs or not."""
    databases = Databases(data)
    if databases.lock():
        databases.stop()
        return with_databases(data, arguments)
    state = read_state(data)
    if not state:
        tell("The product is being started or stopped: try again when it is ready.")
        return 1
    environment = {**clean_environment(), **state["environment"]}
    return subprocess.call([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment)


def with_databases(data: Path, arguments: list[str], *, valkey: bool = False) -> int:
    """Run a management command with the databases of a directory, which are stopped after."""
    databases = Databases(data)
    if not databases.lock():
        tell("This is under way already.")
        return 1
    try:
        databases.registry.stop_leftovers()
        databases.start_postgres()
        if valkey:
            databases.start_valkey()
        environment = product_environment(databases, f"http://127.0.0.1:{FIRST_PORT}")
        environment["STATEMENT_TIMEOUT_SECONDS"] = "0"
        return subprocess.call([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment)
    except KeyboardInterrupt:
        return 130
    finally:
        databases.stop()


if __name__ == "__main__":
    sys.exit(main())
