"""`make test-hard`: the tests that wait for others, again and again while every core is busy."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from expansive_cm.services.lint import ROOT
from expansive_cm.services.rounds import Round, is_clean, run, told

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
    rounds = int(os.environ.get("ROUNDS") or ROUNDS)
    cores = os.cpu_count() or 1
    done: list[Round] = []
    with busy(cores):
        for seed in range(first, first + rounds):
            print(f"\nRound {len(done) + 1} of {rounds}", flush=True)
            chosen = ["-m", "hard", f"--randomly-seed={seed}", *arguments]
            done.append(run(f"seed {seed}", FOLDER / str(seed), chosen))
    print(f"\n{rounds} rounds, {cores} cores kept busy:")
    for line in told(done):
        print(line)
    return 0 if is_clean(done) else 1


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
