"""`make test-hard`: the tests that wait for others, again and again while every core is busy."""

import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from expansive_cm.services.lint import ROOT

FOLDER = ROOT / ".data" / "test" / "hard"
ROUNDS = 5
# A burner asks now and then whether whoever started it still lives, however that one ended.
BURN = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    sum(range(1_000_000))
"""


def main(arguments: list[str]) -> int:
    """Run the rounds, each in another order. Returns 1 when anything failed in any of them."""
    first = int(os.environ.get("SEED") or random.getrandbits(31))
    seeds = [first + number for number in range(int(os.environ.get("ROUNDS") or ROUNDS))]
    statuses = {}
    with busy(os.cpu_count() or 1):
        for number, seed in enumerate(seeds, start=1):
            print(f"\nRound {number} of {len(seeds)}, seed {seed}", flush=True)
            statuses[seed] = run(seed, arguments)
    failed = {seed: failures(table(seed)) for seed in seeds}
    for line in told(failed, statuses):
        print(line)
    return 1 if any(statuses.values()) else 0


@contextmanager
def busy(cores: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep this many cores busy; it ends with the block, and with this process at the latest."""
    command = [sys.executable, "-c", BURN, str(os.getpid())]
    burners: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(cores):
            burners.append(subprocess.Popen(command))
        yield burners
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def run(seed: int, arguments: list[str]) -> int:
    """One round; its exit status."""
    table(seed).unlink(missing_ok=True)
    chosen = ["-n", "2", "-m", "hard", f"--randomly-seed={seed}"]
    command = [sys.executable, "-m", "pytest", *chosen, f"--report-to={table(seed).parent}"]
    return subprocess.call([*command, *arguments], cwd=ROOT)


def table(seed: int) -> Path:
    """Where a round writes what became of each phase."""
    return FOLDER / str(seed) / "durations.tsv"


def failures(path: Path) -> set[str]:
    """The tests of which a phase failed."""
    rows = path.read_text().splitlines()[1:] if path.exists() else []
    cells = [row.split("\t") for row in rows]
    return {test for test, _phase, _seconds, outcome, *_rest in cells if outcome == "failed"}


def told(failed: Mapping[int, set[str]], statuses: Mapping[int, int]) -> Iterable[str]:
    """What failed how often, the most frequent first, and rounds that did not come to an end."""
    seeds: defaultdict[str, list[int]] = defaultdict(list)
    for seed, tests in failed.items():
        for test in tests:
            seeds[test].append(seed)
    yield f"\n{len(failed)} rounds, {os.cpu_count()} cores kept busy:"
    for test, when in sorted(seeds.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"  failed {len(when)} of {len(failed)}  {test}  (seed {', '.join(map(str, when))})"
    for seed, status in statuses.items():
        if status and not failed[seed]:
            yield f"  seed {seed} ended with status {status} and no failed test: see above"
    if not any(statuses.values()):
        yield "  nothing failed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
