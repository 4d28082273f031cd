"""`make test-days`: the tests once under each date on which software likes to fail.

Every Python process starts on that date and goes on from there (`tests/days`), pages in the
browser too (`tests/browser.py`). PostgreSQL and Valkey get a clock that is ahead from a small
library (`tests/days/ahead.c`), for which a C compiler is needed.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from expansive_cm.services.for_tests import start_test_services, stop_test_services
from expansive_cm.services.lint import ROOT
from expansive_cm.services.rounds import is_clean, run, told

DAYS = {
    "a Sunday late in summer": datetime(2028, 7, 9, 23, 30, tzinfo=UTC),  # London has Monday
    "29 February": datetime(2028, 2, 29, 10, 0, tzinfo=UTC),
    "31 December": datetime(2028, 12, 31, 23, 50, tzinfo=UTC),
    # The clock changes at 1:00.
    "the last Sunday of March": datetime(2028, 3, 26, 0, 50, tzinfo=UTC),
}
CLOCK = ROOT / "tests" / "days" / "ahead.c"
NO_COMPILER = (
    "The databases need a C compiler for another date: install one (on Debian: apt-get install "
    "gcc libc6-dev), or name it in CC."
)


def main(arguments: list[str]) -> int:
    """Run the tests under every date. Returns 1 when anything failed under any of them."""
    try:
        library = build_clock(ROOT / ".data" / "days")
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, NO_COMPILER, sep="\n")
        return 1
    wanted = os.environ.get("DAY", "").lower()
    done = []
    for name, day in DAYS.items():
        if wanted not in name.lower():
            continue
        print(f"\n{name}: {day:%a %d %b %Y %H:%M} UTC", flush=True)
        # Rounded up, as nobody's clock may be behind that of the database.
        ahead = str(int((day - datetime.now(UTC)).total_seconds()) + 1)
        with services_ahead(library, ahead) as environment:
            folder = ROOT / ".data" / "test" / "days" / f"{day:%Y-%m-%d}"
            path = os.pathsep.join([str(ROOT / "tests" / "days"), os.environ.get("PYTHONPATH", "")])
            known = {**environment, "CLOCK_AHEAD": ahead, "PYTHONPATH": path.rstrip(os.pathsep)}
            done.append(run(name, folder, arguments, **known))
    print(f"\n{len(done)} dates:")
    for line in told(done):
        print(line)
    return 0 if is_clean(done) else 1


def build_clock(folder: Path) -> Path:
    """Build the library that sets the clock of programs which are not Python.

    Raises: OSError without a compiler, CalledProcessError when it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "ahead.so"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, "-O2", "-shared", "-fPIC", "-o", library, CLOCK], check=True)
    return library


@contextmanager
def services_ahead(library: Path, seconds: str) -> Iterator[dict[str, str]]:
    """Start databases whose clock is ahead, and give what reaches them."""
    settings = {"LD_PRELOAD": str(library), "CLOCK_AHEAD": seconds}
    os.environ.update(settings)
    os.environ.pop("KEEP", None)
    try:
        try:
            environment = start_test_services(ROOT / ".data" / "days")
        finally:
            for name in settings:
                del os.environ[name]
        yield environment
    finally:
        stop_test_services()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
