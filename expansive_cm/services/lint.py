"""`make lint`: every check of form, each run to its end, the failed ones named last."""

import os
import subprocess
import sys
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


def main() -> int:
    """Run every check. Returns 1 when one of them found something."""
    # Comparing models with migrations needs settings but no database.
    environment = {**os.environ, "DEMO": "true", "PYTHONWARNINGS": "ignore:Got an error checking"}
    failed = [
        name
        for name, arguments in CHECKS.items()
        if subprocess.call([sys.executable, *arguments], cwd=ROOT, env=environment)
    ]
    print(f"Found something: {', '.join(failed)}." if failed else "Nothing found.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
