"""`make lint`: every check of form, each run to its end, the failed ones named last."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CHECKS = {
    "Python style": ["-m", "ruff", "check", "."],
    "Python form": ["-m", "ruff", "format", "--check", "--quiet", "."],
    "Templates": ["-m", "djlint", "--lint", "--quiet", "templates"],
    # It has no entry for `python -m`, which would find nothing whatever there is.
    "Import directions": ["-c", "from importlinter.cli import lint_imports_command as c; c()"],
    "Migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
}


BESIDE = 2
"""So many run beside each other: in a fresh clone each first compiles what it imports."""


def main() -> int:
    """Run every check, and show in order what they said. Returns 1 when one found something."""
    with ThreadPoolExecutor(BESIDE) as pool:
        running = {name: pool.submit(check, arguments) for name, arguments in CHECKS.items()}
        failed = []
        for name, one in running.items():
            done = one.result()
            print(done.stdout, end="", flush=True)
            if done.returncode:
                failed.append(name)
    print(f"Found something: {', '.join(failed)}." if failed else "Nothing found.")
    return 1 if failed else 0


def check(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one check to its end."""
    # Comparing models with migrations needs settings but no database.
    environment = {**os.environ, "DEMO": "true", "PYTHONWARNINGS": "ignore:Got an error checking"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
