"""List files that nothing names any more, and remove them."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand

from expansive_cm import files


class Command(BaseCommand):
    """``manage.py orphaned_files [--remove] [--older-than-hours 24]``."""

    help = (
        "Lists files under MEDIA_ROOT that no row of the database names, as a fault in the middle"
        " of a step can leave them, and with --remove removes them. Files that a row names and"
        " that are not there are listed too: they come back from a backup alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--remove", action="store_true", help="remove the files listed")
        parser.add_argument(
            "--older-than-hours", type=float, default=24, help="leave younger files alone (24)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each file, and the sum."""
        found = files.orphans(timedelta(hours=options["older_than_hours"]))
        size = 0
        for name in found:
            size += default_storage.size(name)
            if options["remove"]:
                default_storage.delete(name)
            self.stdout.write(f"{'removed' if options['remove'] else 'orphan'}  {name}")
        for name in files.missing():
            self.stdout.write(f"missing  {name}")
        self.stdout.write(f"{len(found)} files without a row, {size} bytes.")
