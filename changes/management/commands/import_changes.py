"""`manage.py import_changes FILE --map MAP`: change requests from another tool's CSV file."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from changes.export import safe_cell
from changes.importing import runs
from changes.importing.mapping import MAX_MAP_BYTES, bundled_maps
from changes.importing.running import Tally
from changes.models import ImportRun

SHOWN = 20


class Command(BaseCommand):
    """Checks every row, imports the good ones and names what is wrong with the others."""

    help = "Import change requests from a CSV file of another tool."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file, its map and what to do about bad rows."""
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument(
            "--map", required=True, help="a map (TOML), or the name of one that comes along: keps"
        )
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="check only, import nothing")
        mode.add_argument(
            "--strict", action="store_true", help="import nothing unless every row is good"
        )
        parser.add_argument("--organisation", default="", help="instead of the map's default")
        parser.add_argument("--requester", default="", help="address, instead of the default")
        parser.add_argument("--raised-by", default="", help="address, instead of the default")
        parser.add_argument("--report", type=Path, help="write every problem into this CSV file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import and tell how it went. Raises CommandError when nothing was imported."""
        map_name, map_text = self.read_map(options["map"])
        parties = {name: options[name] for name in ("organisation", "requester", "raised_by")}
        try:
            file = options["file"].open("rb")
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        with file:
            kept = runs.begin(
                started_by=None,
                name=options["file"].name[:255],
                map_name=map_name,
                map_text=map_text,
                parties=parties,
                mode=mode_of(options),
            )
            runs.go(kept, file, self.show_progress)
        self.clear_progress()
        self.tell(kept, options["report"])

    def read_map(self, name: str) -> tuple[str, str]:
        """Return name and content of a map that comes along, or of a file."""
        path = bundled_maps().get(name, Path(name))
        try:
            if path.stat().st_size > MAX_MAP_BYTES:
                raise CommandError(f"{name} is too large for a map.")
            return path.name, path.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{name} is not a text file in UTF-8.") from error

    def show_progress(self, tally: Tally) -> None:
        """Draw the progress line again; a file or a pipe gets none."""
        if self.stdout.isatty():
            bar = "█" * (30 * tally.done // max(tally.total, 1))
            counts = f"{tally.done}/{tally.total}  good {tally.good}  bad {tally.bad}"
            self.stdout.write(f"\r\033[K{bar:<30} {counts}", ending="")
            self.stdout.flush()

    def clear_progress(self) -> None:
        """Take the progress line away."""
        if self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")

    def tell(self, kept: ImportRun, report: Path | None) -> None:
        """Print the problems and the counts, and write the report."""
        if kept.status == ImportRun.Status.FAILED:
            raise CommandError(kept.message)
        for problem in kept.problems.all()[:SHOWN]:
            value = f" “{problem.value}”" if problem.value else ""
            self.stderr.write(f"line {problem.line}, {problem.column}:{value} {problem.reason}")
        if kept.problems.count() > SHOWN:
            more = "" if report else "; --report FILE writes all of them"
            self.stderr.write(f"… and {kept.problems.count() - SHOWN} more{more}")
        if report:
            self.write_report(kept, report)
        if kept.message:
            raise CommandError(f"{kept.message} Bad rows: {kept.bad} of {kept.total}.")
        verb = "would be imported" if kept.only_checks else "imported"
        self.stdout.write(
            f"{kept.total} rows: {kept.good} {verb}, {kept.skipped} already imported, "
            f"{kept.bad} bad."
        )

    def write_report(self, kept: ImportRun, report: Path) -> None:
        """Write every problem as CSV."""
        with report.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "column", "value", "reason"])
            for problem in kept.problems.iterator():
                cells = [problem.line, problem.column, problem.value, problem.reason]
                writer.writerow([safe_cell(cell) for cell in cells])


def mode_of(options: dict[str, Any]) -> str:
    """Return the mode that the options ask for."""
    if options["dry_run"]:
        return ImportRun.Mode.CHECK
    return ImportRun.Mode.STRICT if options["strict"] else ImportRun.Mode.GOOD_ROWS
