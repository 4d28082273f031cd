"""What a run says of itself, by a small run of two workers."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.report import Phase, by_group, file_of, group_of, outcome, slowest

GOOD = """
import random
import pytest
from hypothesis import given, strategies as st

@pytest.mark.parametrize("number", range(6))
def test_good(number): pass

@pytest.mark.skip
def test_left_out(): pass

@given(st.integers())
def test_tried(number):
    with open("tried.txt", "a") as file:
        file.write(f"{number}\\n")
"""
BAD = "def test_bad(): assert False"
UNREADABLE = "import a_module_that_nobody_has"
SEED = "4711"


def run(folder: Path, *options: str) -> str:
    """Run pytest with this plugin alone in a folder; the end of what it says."""
    plugins = ["-p", "tests.report", "-p", "no:django", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", folder, *plugins, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of tests, one of which fails."""
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "test_good.py").write_text(GOOD)
    (tmp_path / "test_bad.py").write_text(BAD)
    return tmp_path


def test_the_last_lines_name_the_failed_files_and_the_seed(small: Path) -> None:
    two_workers = ("-n", "2", "-p", "tests.sharing", "--dist", "loadgroup")
    said = run(small, *two_workers, "--report-to", "report", f"--randomly-seed={SEED}").splitlines()
    assert "1 failed, 7 passed, 1 skipped in" in said[-3]
    assert any(line.endswith("[100%]") for line in said)
    assert said[-2] == "Failed in 1 file: test_bad.py (1)"
    assert said[-1].startswith(f"Seed {SEED}: ")
    assert (small / "report" / "outcome.txt").read_text().splitlines() == said[-2:]
    rows = (small / "report" / "durations.tsv").read_text().splitlines()
    assert len(rows) == 1 + 8 * 3 + 2
    assert sum("\tfailed\t" in row for row in rows) == 1
    ordered = [
        test
        for worker in ("gw0", "gw1")
        for test in (small / "report" / f"{worker}.order").read_text().splitlines()
    ]
    assert len(ordered) == len(set(ordered)) == 9
    assert len((small / "report" / "known.tsv").read_text().splitlines()) == 9


def test_a_file_that_cannot_be_read_is_named(small: Path) -> None:
    (small / "test_unreadable.py").write_text(UNREADABLE)
    said = run(small, "--report-to", "report").splitlines()
    assert said[-2] == "Failed in 1 file: test_unreadable.py (1)"


def test_a_seed_gives_the_same_order_and_the_same_examples_again(small: Path) -> None:
    answers = set()
    for _ in range(2):
        run(small, "--report-to", "report", f"--randomly-seed={SEED}")
        order = (small / "report" / "main.order").read_text()
        tried = small / "tried.txt"
        answers.add((order, tried.read_text()))
        tried.unlink()
    assert len(answers) == 1


def test_the_place_of_a_test() -> None:
    grouped = "tests/test_setup_run.py::test_it[a@b]@run"
    assert file_of(grouped) == group_of(grouped) == "tests/test_setup_run.py"
    assert group_of("tests/changes/test_new.py::test_it[a@b]") == "tests/changes"


def test_all_phases_of_a_test_count() -> None:
    phases = [
        Phase("tests/crb/test_a.py::test_a", "setup", 2.0, "passed", "gw0", 0.0),
        Phase("tests/crb/test_a.py::test_a", "call", 1.0, "passed", "gw0", 2.0),
        Phase("tests/test_b.py::test_b", "call", 2.5, "passed", "gw1", 0.0),
        Phase("tests/test_c.py::test_c", "call", 0.1, "passed", "gw1", 0.0),
    ]
    assert [line.split()[0] for line in slowest(phases)] == ["3.0", "2.5", "0.1"]
    rows = [line.split() for line in by_group(phases)]
    assert rows[1] == ["3.0", "s", "2.0", "1.0", "0.0", "1", "tests/crb"]
    assert [row[-1] for row in rows[2:]] == ["tests/test_b.py", "others", "all"]
    assert rows[-1][0] == "5.6"


def test_a_run_without_failures_says_its_seed_alone() -> None:
    assert list(outcome(Counter({"tests/test_a.py": 0}), None)) == []
    assert [line.partition(":")[0] for line in outcome(Counter(), 3)] == ["Seed 3"]
