"""`manage.py fetch_mail`: what the worker does every minute, now and with its result shown."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from changes.mail_in import fetching


class Command(BaseCommand):
    """Takes the mail of every mailbox once, and says how each was found."""

    help = "Take the mail that has arrived in every mailbox of MAILBOXES, once."

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch. Raises CommandError when a mailbox could not be read or there is none."""
        if not settings.MAILBOXES:
            raise CommandError("MAILBOXES names no mailbox.")
        fetching.fetch_all()
        states = [fetching.state_of(mailbox) for mailbox in settings.MAILBOXES]
        for state in states:
            self.stdout.write(f"{state.name}: {state.problem or 'read'}")
        if any(state.problem for state in states):
            raise CommandError("Not every mailbox could be read.")
