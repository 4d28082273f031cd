"""`manage.py take_mail < message.eml`: take one raw message, as a mail server hands it over."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from changes.mail_in.taking import Origin, take


class Command(BaseCommand):
    """Reads a message from standard input and says what was made of it."""

    help = "Take one raw message from standard input, as if it had been fetched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the message's row calls the place it came from."""
        parser.add_argument("--mailbox", default="take_mail", help="what its row calls its mailbox")

    def handle(self, *args: Any, **options: Any) -> None:
        """Take it. Raises CommandError for a message that is empty or too large."""
        raw = sys.stdin.buffer.read(settings.MAIL_LARGEST + 1)
        if not raw.strip():
            raise CommandError("There is no message on standard input.")
        if len(raw) > settings.MAIL_LARGEST:
            raise CommandError(f"The message has more than {settings.MAIL_LARGEST} bytes.")
        mail = take(raw, Origin(options["mailbox"][:200]))
        about = f" {mail.change.reference}." if mail.change else ""
        self.stdout.write(f"{mail.get_outcome_display()}:{about} {mail.why}")
