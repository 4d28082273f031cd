"""What is done to the database before the product serves anybody: `make run`'s middle part.

Runs in a process of its own, with the environment that the other processes will have, and
writes one line per step.
"""

import gc
import hashlib
import io
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django

from expansive_cm.services import bootstrap

BEGIN = b"begin\n"
"""The word that the databases answer."""


def marks(logins: Path) -> list[Path]:
    """Where it stands that the database is migrated, and that styles and scripts are there."""
    return [logins.with_name(name) for name in ("migrated", "collected")]


def step(title: str, action: Callable[[], object]) -> None:
    """Do one step and show what it was and how long it took."""
    started = time.monotonic()
    print(f"  {title + ' …':<52}", end="", flush=True)
    action()
    print(f"{time.monotonic() - started:5.1f} s", flush=True)


def aside(action: Callable[[], object]) -> Callable[[], None]:
    """Do something in a copy of this process, on the core that waits; return how to wait for it.

    For what needs no database: a connection would be shared with the copy. What it says is said
    while it is waited for, and only when it failed.
    """
    said = tempfile.TemporaryFile()  # noqa: SIM115
    sys.stdout.flush()
    copy = os.fork()
    if copy == 0:
        status = 1
        try:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            action()
            status = 0
        except bootstrap.Failure as failure:
            print(failure)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def wait() -> None:
        if os.waitpid(copy, 0)[1]:
            said.seek(0)
            print(f"\n{said.read().decode(errors='replace').rstrip()}", file=sys.stderr, flush=True)
            sys.exit(1)

    return wait


def bring_the_front_end(mark: Path) -> None:
    """Fetch the front-end packages where they are missing, and collect what pages load."""
    bootstrap.ensure_front_end(for_tests=False)
    collect()
    mark.touch()


def collect() -> None:
    """Collect styles and scripts, unless what lies there was made of the same files.

    Each start would hash and compress all of them anew, and serves nobody before.
    """
    from django.conf import settings
    from django.core.management import call_command

    root, made_of = Path(settings.STATIC_ROOT), what_is_collected()
    stamp, manifest = root / ".stamp", root / "staticfiles.json"
    # The manifest too: one of another version, or of a start that was cut off, may lie there.
    if (
        manifest.exists()
        and bootstrap.is_stamped(stamp, made_of + bootstrap.digest(manifest))
        and all((root / one).exists() for one in json.loads(manifest.read_text())["paths"].values())
    ):
        return
    # Files are stored in the place of those of the same names: cut off, it leaves parts of them.
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(made_of + bootstrap.digest(manifest))


def what_is_collected() -> str:
    """One hash for the names and contents of styles and scripts, and for what collects them.

    Without what is never collected: an editor's copy, or its lock, which is no file.
    """
    from django.apps import apps
    from django.contrib.staticfiles.finders import get_finders

    root = bootstrap.ROOT
    ours = [root / "expansive_cm" / name for name in ("settings.py", "web/assets.py")]
    lock = root / "requirements" / "base.txt"
    total = hashlib.sha256(bootstrap.digest(lock, *ours).encode())
    config: Any = apps.get_app_config("staticfiles")
    ignored = config.ignore_patterns
    for finder in get_finders():
        for name, files in finder.list(ignored):
            total.update(f"{name} {bootstrap.digest(Path(files.path(name)))}\n".encode())
    return total.hexdigest()


def main() -> None:
    """Migrate, load the demo data once, bring the front end, write the logins down.

    Begins when it is told that the databases answer, and ends at once when nobody is there to
    tell. Stops with a sentence, and changes nothing, where the data cannot be migrated.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "expansive_cm.settings")
    # This process is gone in seconds: looking for what could be thrown away only takes time.
    gc.disable()
    django.setup()
    from django.core.management import call_command, get_commands
    from django.db import connection

    from accounts.management.commands.migrate import EARLIER
    from expansive_cm.health import made_by_an_earlier_version, pending_migrations

    if sys.stdin.buffer.readline() != BEGIN:
        sys.exit(1)
    if made_by_an_earlier_version():
        print(f"\n{EARLIER}", flush=True)
        sys.exit(1)
    connection.close()  # the copy of this process that follows must not hold it too
    quiet = io.StringIO()
    logins_file = Path(sys.argv[1])
    migrated, collected = marks(logins_file)
    front_end = aside(partial(bring_the_front_end, collected))
    if pending_migrations():
        step("Preparing the database", lambda: call_command("migrate", stdout=quiet, verbosity=0))
    call_command("createcachetable", verbosity=0)
    migrated.touch()
    if "load_demo" in get_commands():
        load = partial(call_command, "load_demo", if_empty=True, stdout=quiet)
        step("Loading the demo data", load)
    step("Fetching and collecting styles and scripts", front_end)
    logins = io.StringIO()
    if "demo_logins" in get_commands():
        call_command("demo_logins", stdout=logins)
    logins_file.write_text(logins.getvalue())
    connection.close()


if __name__ == "__main__":
    # What a shell starts in the background would not hear that it is to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\n  Cut off; the next start goes on here.")
    # All is written; to take apart what the demo has left in memory only takes time.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
