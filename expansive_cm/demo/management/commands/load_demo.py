"""`manage.py load_demo`: fill an empty database so that a first visit has something to show."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from expansive_cm.demo import loader


class Command(BaseCommand):
    """Loads the demonstration; only in demo mode, only into an empty database."""

    help = "Load people, releases and some sixty changes for a demonstration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --if-empty."""
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="Leave a database that is in use alone instead of complaining.",
        )

    def handle(self, *args: Any, if_empty: bool = False, **options: Any) -> None:
        """Load it, or say why not."""
        if not settings.DEMO:
            raise CommandError("Demo data are loaded in demo mode only (DEMO=true).")
        if not loader.is_empty():
            if if_empty:
                self.stdout.write("The database is in use; no demo data were loaded.")
                return
            raise CommandError("The database is in use; demo data go into an empty one only.")
        began = time.monotonic()
        count = loader.load(self.show_progress)
        seconds = time.monotonic() - began
        self.stdout.write(f"Loaded {count} changes in {seconds:.1f} s.")

    def show_progress(self, done: int, total: int, title: str) -> None:
        """Draw the progress line again; a file or a pipe gets none."""
        if not self.stdout.isatty():
            return
        bar = "█" * (30 * done // max(total, 1))
        self.stdout.write(f"\r\033[K{bar:<30} {done:>4}/{total} {title[:40]}", ending="")
        if done == total:
            self.stdout.write("\r\033[K", ending="")
        self.stdout.flush()
