"""A clock that can be put back, so that a demonstration has a past.

Events and history rows are append-only: their times must be right when they are inserted and
cannot be corrected later. Django's ``auto_now_add``, simple-history and the lifecycle all ask
``django.utils.timezone.now``, so inside ``travelling`` that name answers with the time of the
story. Nothing else in the product uses this, and the command that does works alone in its
process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.apps import apps
from django.db.models import Field
from django.utils import timezone


class Clock:
    """Shows one moment until it is set to the next."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def set(self, moment: datetime) -> None:
        """Move the hands."""
        self.moment = moment

    def now(self) -> datetime:
        """Stand in for ``timezone.now``."""
        return self.moment


@contextmanager
def travelling(clock: Clock) -> Iterator[Clock]:
    """Let everything in this process that asks for the time read this clock."""
    real_now = timezone.now
    fields = _fields_that_default_to(real_now)
    timezone.now = clock.now
    for field in fields:
        # Fields keep the function itself, not its name: they are told separately.
        field.__dict__["_get_default"] = clock.now
    try:
        yield clock
    finally:
        timezone.now = real_now
        for field in fields:
            field.__dict__.pop("_get_default", None)


def _fields_that_default_to(function: Callable[[], datetime]) -> list[Field]:
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if field.default is function
    ]
