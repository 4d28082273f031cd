"""The same tests several times under different conditions, and what failed in which of them."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from expansive_cm.services.lint import ROOT


@dataclass(frozen=True)
class Round:
    """One run under a condition: its exit status, and the tests of which a phase failed."""

    name: str
    status: int
    failed: frozenset[str]


def run(name: str, folder: Path, arguments: list[str], **environment: str) -> Round:
    """Run pytest on two workers; it writes its report to the folder."""
    table = folder / "durations.tsv"
    table.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-n", "2", f"--report-to={folder}", *arguments]
    status = subprocess.call(command, cwd=ROOT, env={**os.environ, **environment})
    return Round(name, status, failures(table))


def failures(table: Path) -> frozenset[str]:
    """The tests of which a phase failed, from the durations that a run has written."""
    rows = table.read_text().splitlines()[1:] if table.exists() else []
    cells = [row.split("\t") for row in rows]
    return frozenset(test for test, _phase, _seconds, outcome, *_ in cells if outcome == "failed")


def told(rounds: list[Round]) -> Iterable[str]:
    """What failed how often, the most frequent first, and rounds that did not come to an end."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for one in rounds:
        for test in one.failed:
            names[test].append(one.name)
    for test, when in sorted(names.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"  failed {len(when)} of {len(rounds)}  {test}  ({', '.join(when)})"
    for one in rounds:
        if one.status and not one.failed:
            yield f"  {one.name} ended with status {one.status} and no failed test: see above"
    if is_clean(rounds):
        yield "  nothing failed"


def is_clean(rounds: Iterable[Round]) -> bool:
    """Whether every round came to a good end."""
    return not any(one.status for one in rounds)
