"""The same tests several times: what failed in which round."""

from pathlib import Path

from expansive_cm.services.rounds import Round, failures, is_clean, told
from tests.report import HEADING


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
    rounds = [
        Round("seed 1", 1, frozenset("ab")),
        Round("seed 2", 1, frozenset("b")),
        Round("seed 3", 2, frozenset()),
    ]
    assert [line.strip() for line in told(rounds)] == [
        "failed 2 of 3  b  (seed 1, seed 2)",
        "failed 1 of 3  a  (seed 1)",
        "seed 3 ended with status 2 and no failed test: see above",
    ]
    assert not is_clean(rounds)


def test_it_says_that_nothing_failed() -> None:
    rounds = [Round("seed 1", 0, frozenset())]
    assert list(told(rounds)) == ["  nothing failed"]
    assert is_clean(rounds)
