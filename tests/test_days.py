"""`make test-days`: another date for every Python process and for pages."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from expansive_cm.services import days
from tests.environment import ROOT

COMPILER = shutil.which(shlex.split(os.environ.get("CC", "cc"))[0])
YEAR = 365 * 24 * 3600
SLACK = 60
"""Seconds: a clock that is set loses the time which setting it takes."""
TELL = """
import datetime, subprocess, sys, time
print(time.time(), datetime.datetime.now().timestamp())
if len(sys.argv) == 1:
    print(subprocess.check_output([sys.executable, *sys.orig_argv[1:], "again"], text=True))
"""


def real_time() -> float:
    """What the clock says, on whatever date this test is run."""
    return time.time() - int(os.environ.get("CLOCK_AHEAD", 0))


def test_a_process_and_those_it_starts_have_the_date() -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "tests" / "days"),
        "CLOCK_AHEAD": str(YEAR),
    }
    begun = real_time()
    said = subprocess.check_output([sys.executable, "-c", TELL], env=environment, text=True)
    told = [float(word) for word in said.split()]
    assert len(told) == 4
    assert all(begun - SLACK <= moment - YEAR <= real_time() + SLACK for moment in told)


def test_a_page_has_the_date(new_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCK_AHEAD", str(YEAR))
    page = new_page(locale="en-GB")  # a context of its own, which nobody gets after it
    before = page.evaluate("performance.timeOrigin + performance.now()")
    shown = page.evaluate(
        "[Date.now(), +new Date(), Date.parse(Date()), +new Date(2028, 1, 29)"
        ", new Date() instanceof Date]"
    )
    after = page.evaluate("performance.timeOrigin + performance.now()")
    for moment in shown[:3]:
        assert before - SLACK * 1000 <= moment - YEAR * 1000 <= after + SLACK * 1000
    assert shown[3:] == [1835395200000, True]


@pytest.mark.skipif(not COMPILER, reason="no C compiler")
def test_a_program_that_is_not_python_has_the_date(tmp_path: Path) -> None:
    # That alarms and waits stay real is what the tests with limits on locks see on such a date.
    library = days.build_clock(tmp_path / "new")
    environment = {**os.environ, "LD_PRELOAD": str(library), "CLOCK_AHEAD": str(YEAR)}
    begun = real_time()
    said = subprocess.check_output(["date", "+%s"], env=environment, text=True)
    assert begun - SLACK <= float(said) - YEAR <= real_time() + SLACK


def test_without_a_compiler_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc -std=c11")
    assert days.main([]) == 1
    said = capsys.readouterr().out
    assert "/nowhere/cc" in said and "apt-get install gcc" in said


def test_the_dates_are_what_they_are_called() -> None:
    sunday, leap, last, spring = days.DAYS.values()
    assert (sunday.weekday(), sunday.hour, sunday.minute) == (6, 23, 30)
    assert (leap.month, leap.day) == (2, 29)
    assert (last.month, last.day) == (12, 31)
    assert (spring.weekday(), spring.month, spring.day > 24) == (6, 3, True)
