"""Django's ``migrate``, which names data it cannot bring on, and tries again at a locked table."""

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError

from expansive_cm.health import made_by_an_earlier_version

EARLIER = """\
The data here were made by an earlier version, before upgrades are promised. Nothing was changed.
Run `make demo-reset` where they are the demo's: it throws them away, and the next start makes new
ones. Otherwise give the product an empty database."""
TRIES = 6
WAIT_SECONDS = 10
BLOCKED = {"55P03": "waited too long for a table that is in use", "40P01": "met a deadlock"}
"""PostgreSQL's codes for a lock that was not got, and what that means."""


class Command(Migrate):
    """As Django's own. A migration that gets no lock is undone by itself and can be repeated.

    It does not wait for long, as everybody else would wait behind it; so it comes again. Indexes
    that are built beside the writers (``AddIndexBeside``) hold up nobody, and wait.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises CommandError, with a sentence, when a table is never free.

        And, before anything is done, where the data are of a version that nothing leads on from.
        """
        if made_by_an_earlier_version():
            raise CommandError(EARLIER)
        for number in range(1, TRIES + 1):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                why = BLOCKED.get(getattr(error.__cause__, "pgcode", ""))
                if why is None:
                    raise
                if number == TRIES:
                    raise CommandError(
                        f"A migration {why}, {TRIES} times ({str(error).splitlines()[0]}). Those"
                        " before it are done, of this one nothing is. Stop what uses the table, or"
                        " wait for a quieter hour (pg_stat_activity shows who), and run it again."
                    ) from error
                self.stderr.write(
                    f"A migration {why}. Nothing of it was done; it is tried again in"
                    f" {WAIT_SECONDS} seconds ({number} of {TRIES})."
                )
                time.sleep(WAIT_SECONDS)
