"""`make run` and its relatives, once everything is installed."""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from expansive_cm.services.databases import DATABASE, Databases
from expansive_cm.services.processes import Child, StartError, clean_environment
from expansive_cm.services.supervisor import Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / ".data"
FIRST_PORT = 8000
PORTS_TRIED = 100
WEB_THREADS = "64"
SETTINGS_NOT_TAKEN = (
    "DEBUG SECRET_KEY SECRET_KEY_FALLBACKS DATABASE_URL REDIS_URL EMAIL_URL MEDIA_ROOT STATIC_ROOT "
    "STATEMENT_TIMEOUT_SECONDS HSTS_SECONDS DJANGO_SETTINGS_MODULE"
).split()


def say(name: str, line: str) -> None:
    """Write one line of a process behind its name."""
    tell(f"{name:<8} | {line}")


def tell(text: str) -> None:
    """Write a line at once; a terminal that is gone is no reason to fail."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def main() -> int:
    """Do what the command line asks. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--reset", action="store_true", help="throw the demo's data away")
    parser.add_argument("--bench", nargs=argparse.REMAINDER, help="run the benchmark")
    parser.add_argument("--manage", nargs=argparse.REMAINDER, help="run a management command")
    options = parser.parse_args()
    try:
        if options.reset:
            return reset()
        if options.bench is not None:
            return with_databases(DATA / "bench", ["bench", *options.bench])
        if options.manage is not None:
            return manage(options.manage)
        return run()
    except StartError as error:
        tell(f"\n{error}")
        return 1


# --- make run ------------------------------------------------------------------------------


def run() -> int:
    """Start everything, wait until somebody wants to stop, stop everything."""
    databases = Databases(DATA)
    if not databases.lock():
        return already_running()
    started = time.monotonic()
    supervisor = Supervisor(databases.registry, say)
    supervisor.listen()
    status = 1
    try:
        for name in databases.registry.stop_leftovers():
            tell(f"  Stopped {name}, which an earlier start had left running.")
        listener = listen_on_free_port()
        environment, address = start_parts(databases, supervisor, listener)
        if not supervisor.asked_to_stop.is_set():
            welcome(address, time.monotonic() - started)
        remember(environment, address)
        status = 0 if supervisor.watch(databases.children) else 1
    except Interrupted:
        status = 0
    finally:
        stop_everything(supervisor, databases)
    return status


class Interrupted(Exception):
    """Somebody wants to stop although not everything has started."""


def start_parts(
    databases: Databases, supervisor: Supervisor, listener: socket.socket
) -> tuple[dict[str, str], str]:
    """Start the databases, prepare them, start web, worker and beat, wait for the answer.

    Returns the environment of the processes and the address. Raises: StartError, Interrupted.
    """
    timed("Starting PostgreSQL", databases.start_postgres)
    timed("Starting Valkey", databases.start_valkey)
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    address = os.environ.get("BASE_URL", f"http://{shown}:{port}")
    environment = product_environment(databases, address)
    stop_if_asked(supervisor)
    prepare(environment)
    for child in product(environment, listener):
        stop_if_asked(supervisor)
        supervisor.start(child)
    timed("Waiting for the first answer", lambda: wait_until_ready(supervisor, shown, port))
    return environment, address


def timed(title: str, action: object) -> None:
    """Do one step and show what it was and how long it took."""
    begun = time.monotonic()
    action()  # type: ignore[operator]
    tell(f"  {title + ' …':<52}{time.monotonic() - begun:5.1f} s")


def stop_if_asked(supervisor: Supervisor) -> None:
    """Leave the start at once when somebody pressed Ctrl-C meanwhile."""
    if supervisor.asked_to_stop.is_set():
        raise Interrupted


def product_environment(databases: Databases, address: str) -> dict[str, str]:
    """The settings of demo mode; what the caller's shell says for other purposes is dropped."""
    environment = clean_environment()
    for name in SETTINGS_NOT_TAKEN:
        environment.pop(name, None)
    own_host = urlsplit(address).hostname or ""
    hosts = {"localhost", "127.0.0.1", "[::1]", own_host, socket.gethostname()}
    return {
        "ALLOWED_HOSTS": ",".join(sorted(hosts - {""})),
        **environment,
        "DEMO": "true",
        "PYTHONUNBUFFERED": "1",
        "BASE_URL": address,
        "SECRET_KEY": secret_key(),
        "DATABASE_URL": databases.postgres.url(DATABASE),
        "REDIS_URL": databases.valkey.url() if databases.valkey.port else "redis://127.0.0.1:1/0",
        "MEDIA_ROOT": str(DATA / "media"),
        "STATIC_ROOT": str(DATA / "static"),
    }


def secret_key() -> str:
    """The key of this copy, made on the first start, so that people stay signed in."""
    path = DATA / "secret-key"
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(60))
        draft.replace(path)
    return path.read_text()


def listen_on_free_port() -> socket.socket:
    """Take the first free port; it stays ours even while the web server starts again.

    Raises: StartError for a PORT that is no number, a BIND that is not ours, or no free port.
    """
    bind = os.environ.get("BIND", "127.0.0.1")
    try:
        first = int(os.environ.get("PORT") or FIRST_PORT)
        ports = range(first, min(first + PORTS_TRIED, 65536))
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        for port in ports:
            listener = socket.socket(family)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((bind, port))
                listener.listen(1024)
            except OSError as error:
                listener.close()
                if error.errno not in (98, 48, 13):
                    raise
            else:
                return listener
    except (ValueError, OverflowError, OSError) as error:
        raise StartError(f"PORT or BIND cannot be used: {error}.") from error
    raise StartError(f"None of the ports from {ports.start} to {ports.stop - 1} is free.")


def prepare(environment: dict[str, str]) -> None:
    """Migrate and load what a first visit needs. Raises: StartError when that fails."""
    command = [sys.executable, "-m", "expansive_cm.services.prepare", str(DATA / "run" / "logins")]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    if process.wait():
        raise StartError("The database could not be prepared: the lines above say why.")


def product(environment: dict[str, str], listener: socket.socket) -> list[Child]:
    """Web, worker and beat, as the container image starts them too."""
    python = sys.executable
    descriptor = listener.fileno()
    gunicorn = ["gunicorn", "expansive_cm.wsgi", "--config", "expansive_cm/services/gunicorn.py"]
    celery = [python, "-m", "celery", "-A", "expansive_cm"]
    commands = {
        "web": [python, "-m", *gunicorn, "--bind", f"fd://{descriptor}"],
        "worker": [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO"],
        "beat": [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""],
    }
    return [
        Child(
            name=name,
            command=command,
            env=environment,
            cwd=ROOT,
            stop_signal=signal.SIGTERM,
            grace=20,
            pass_fds=(descriptor,) if name == "web" else (),
        )
        for name, command in commands.items()
    ]


def wait_until_ready(supervisor: Supervisor, host: str, port: int, seconds: float = 60) -> None:
    """Wait until the web process says that it can serve people.

    Raises: StartError when it does not within the time, Interrupted on Ctrl-C.
    """
    url = f"http://[{host}]:{port}/readyz" if ":" in host else f"http://{host}:{port}/readyz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + seconds
    reason = "no answer"
    while time.monotonic() < deadline:
        stop_if_asked(supervisor)
        try:
            opener.open(url, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace").strip()
        except OSError as error:
            reason = str(error)
        if any(child.ended() is not None for child in supervisor.children[:1]):
            raise StartError("The web server ended while it started: the lines above say why.")
        time.sleep(0.1)
    raise StartError(f"The product did not become ready within {seconds:.0f} s: {reason}")


def welcome(address: str, seconds: float) -> None:
    """Say where the product is, who may sign in and how it is stopped."""
    logins = (DATA / "run" / "logins").read_text().rstrip()
    tell(f"\nExpansive Change Management is ready after {seconds:.1f} s:\n\n    {address}\n")
    tell(f"{logins}\n\nCtrl-C stops everything. What the processes say follows.\n")


def remember(environment: dict[str, str], address: str) -> None:
    """Write down where this start can be reached, for a second one and for `make manage`."""
    names = "SECRET_KEY DATABASE_URL REDIS_URL BASE_URL DEMO MEDIA_ROOT STATIC_ROOT ALLOWED_HOSTS"
    state = {"address": address, "pid": os.getpid()}
    state["environment"] = {name: environment[name] for name in names.split()}
    path = state_file()
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(state))


def state_file() -> Path:
    """Where the running product is described."""
    return DATA / "run" / "state.json"


def read_state() -> dict[str, object]:
    """What the running product has written down, or nothing while it still starts."""
    try:
        return dict(json.loads(state_file().read_text()))
    except (OSError, ValueError):
        return {}


def already_running() -> int:
    """Point to the product that runs here, and leave it alone."""
    state = read_state()
    if state:
        tell(f"It is running here already: {state['address']} (process {state['pid']}).")
        tell("Stop it with Ctrl-C where it was started; nothing was changed.")
    else:
        tell("It is being started here already; nothing was changed.")
    return 0


def stop_everything(supervisor: Supervisor, databases: Databases) -> None:
    """Stop processes first, then Valkey, then PostgreSQL."""
    tell("\nStopping …")
    begun = time.monotonic()

    def report(name: str) -> None:
        tell(f"  {name}")

    supervisor.stop(report)
    databases.stop(report)
    state_file().unlink(missing_ok=True)
    tell(f"Everything is stopped, after {time.monotonic() - begun:.1f} s.")


# --- The relatives -------------------------------------------------------------------------


def reset() -> int:
    """Throw the demo's data away, files included."""
    databases = Databases(DATA)
    if not databases.lock():
        tell("It is running: stop it with Ctrl-C where it was started, then reset it.")
        return 1
    databases.registry.stop_leftovers()
    databases.postgres.child()
    for name in ("postgres", "postgres-socket", "valkey", "media", "secret-key"):
        path = DATA / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    databases.stop()
    tell("The demo's data are gone. `make run` makes new ones.")
    return 0


def manage(arguments: list[str]) -> int:
    """Run a management command on the demo's data, whether the product runs or not."""
    state = read_state()
    databases = Databases(DATA)
    if databases.lock():
        databases.stop()
        return with_databases(DATA, arguments)
    if not state:
        tell("The product is being started: wait until it is ready.")
        return 1
    environment = {**clean_environment(), **state["environment"]}  # type: ignore[dict-item]
    return subprocess.call([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment)


def with_databases(base: Path, arguments: list[str]) -> int:
    """Run a management command with the databases of a directory, which are stopped after."""
    databases = Databases(base)
    if not databases.lock():
        tell("This is under way already.")
        return 1
    DATA.mkdir(exist_ok=True)
    try:
        databases.registry.stop_leftovers()
        databases.start_postgres()
        environment = product_environment(databases, f"http://127.0.0.1:{FIRST_PORT}")
        environment["STATEMENT_TIMEOUT_SECONDS"] = "0"
        return subprocess.call([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment)
    finally:
        databases.stop()


if __name__ == "__main__":
    sys.exit(main())
