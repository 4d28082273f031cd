"""`make test-hard`: what keeps the cores busy ends, and what failed is counted."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from expansive_cm.services.hard import busy, failures, told
from expansive_cm.services.processes import is_alive, wait_until_ended
from tests.environment import ROOT
from tests.report import HEADING

KILLED = """
import time
from expansive_cm.services.hard import busy
with busy(2) as burners:
    print(*(burner.pid for burner in burners), flush=True)
    time.sleep(600)
"""


def test_the_cores_are_free_again_after_the_block() -> None:
    try:
        with busy(2) as burners:
            found = [psutil.Process(burner.pid) for burner in burners]
            assert all(map(is_alive, found))
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert not any(map(is_alive, found))


def test_the_cores_are_free_again_after_a_kill() -> None:
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
        assert len(found) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until_ended(found, 120)
    assert not any(map(is_alive, found))


def test_a_test_counts_once_a_round_whatever_failed_of_it(tmp_path: Path) -> None:
    table = tmp_path / "durations.tsv"
    rows = [
        HEADING,
        ("tests/a.py::a", "call", "1.0", "failed", "gw0", "0.1"),
        ("tests/a.py::a", "teardown", "1.0", "failed", "gw0", "1.1"),
        ("tests/a.py::b", "call", "1.0", "passed", "gw0", "2.1"),
    ]
    table.write_text("".join("\t".join(row) + "\n" for row in rows))
    assert failures(table) == {"tests/a.py::a"}
    assert failures(tmp_path / "none") == set()


def test_it_says_what_failed_how_often() -> None:
    lines = list(told({1: {"a", "b"}, 2: {"b"}, 3: set()}, {1: 1, 2: 1, 3: 2}))
    assert [line.strip() for line in lines[1:]] == [
        "failed 2 of 3  b  (seed 1, 2)",
        "failed 1 of 3  a  (seed 1)",
        "seed 3 ended with status 2 and no failed test: see above",
    ]
    assert list(told({1: set()}, {1: 0}))[1:] == ["  nothing failed"]
