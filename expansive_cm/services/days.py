"""`make test-days`: the tests once under each date on which software likes to fail.

Every Python process starts on that date and goes on from there (`tests/days`), pages in the
browser too (`tests/browser.py`). PostgreSQL and Valkey are started under libfaketime. It is not
put under Python itself, whose sleep it breaks, nor under Chromium, which then takes two minutes
to start.
"""

import os
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
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib")
NO_LIBRARY = (
    "The databases need libfaketime for another date: install it (on Debian: apt-get install "
    "faketime), or name libfaketime.so.1 in LIBFAKETIME."
)


def main(arguments: list[str]) -> int:
    """Run the tests under every date. Returns 1 when anything failed under any of them."""
    library = find_library()
    if not library:
        print(NO_LIBRARY)
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


def find_library() -> Path | None:
    """The library that sets another clock in programs which are not ours."""
    if named := os.environ.get("LIBFAKETIME"):
        return Path(named)
    found = (path for folder in LIBRARIES for path in Path(folder).glob("**/libfaketime.so.1"))
    return next(found, None)


@contextmanager
def services_ahead(library: Path, seconds: str) -> Iterator[dict[str, str]]:
    """Start databases whose clock is ahead, and give what reaches them."""
    settings = {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"+{seconds}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
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
