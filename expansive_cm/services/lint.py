"""`make lint`: every check of form, each run to its end, the failed ones named last."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .front_end import PACKAGES, node

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
BIOME = str(PACKAGES / "@biomejs" / "biome" / "bin" / "biome")
CHECKS = {
    # The longest, so it begins first. What it knows of each file it keeps in .mypy_cache.
    "Types": [PYTHON, "-m", "mypy", "--no-error-summary"],
    "Python style": [PYTHON, "-m", "ruff", "check", "."],
    "Python form": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."],
    "Scripts": [node(), BIOME, "lint", "--error-on-warnings", "--colors=off"],
    "Templates": [PYTHON, "-m", "djlint", "--lint", "--quiet", "templates"],
    "Import directions": [
        PYTHON,
        # It has no entry for `python -m`, which would find nothing whatever there is.
        *("-c", "from importlinter.cli import lint_imports_command as c; c()"),
    ],
    "Migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
}


BESIDE = 2
"""So many run beside each other: in a fresh clone each first compiles what it imports."""


def main() -> int:
    """Run every check, and show in order what they said. Returns 1 when one found something."""
    with ThreadPoolExecutor(BESIDE) as pool:
        running = {name: pool.submit(check, command) for name, command in CHECKS.items()}
        failed = []
        for name, one in running.items():
            done = one.result()
            print(done.stdout, end="", flush=True)
            if done.returncode:
                failed.append(name)
    print(f"Found something: {', '.join(failed)}." if failed else "Nothing found.")
    return 1 if failed else 0


def check(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one check to its end; one whose program is not there has failed, and says which."""
    # Comparing models with migrations needs settings but no database.
    environment = {**os.environ, "DEMO": "true", "PYTHONWARNINGS": "ignore:Got an error checking"}
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, f"{error}\n")


if __name__ == "__main__":
    sys.exit(main())
