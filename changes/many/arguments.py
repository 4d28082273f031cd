"""What an act on many changes is called with, and how a run keeps it."""

from datetime import datetime
from typing import Any

from django.db.models import Model

from accounts.models import User

from ..models import Change, Release

Arguments = dict[str, Any]
PEOPLE = ("owner", "former", "successor", "executor")
"""Arguments that are people."""
MOMENTS = ("window_start", "window_end")
"""Arguments that are moments."""
OTHER, RELEASE = "other", "release"
ROWS: dict[str, Any] = {OTHER: Change, RELEASE: Release}
"""Arguments that are a row of another kind."""


def kept(arguments: Arguments) -> Arguments:
    """Return arguments as a run keeps them: what is a row by its key, a moment as it is written."""
    return {name: _kept_value(value) for name, value in arguments.items()}


def _kept_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.pk if isinstance(value, Model) else value


def with_moments(arguments: Arguments) -> Arguments:
    """Return kept arguments with their moments, as a form begins with them."""
    moments = {
        name: datetime.fromisoformat(arguments[name]) for name in MOMENTS if name in arguments
    }
    return {**arguments, **moments}


def restored(arguments: Arguments) -> Arguments:
    """Return kept arguments with the rows and moments that they stand for."""
    arguments = with_moments(arguments)
    for name, model in ROWS.items():
        if arguments.get(name) is not None:
            arguments = {**arguments, name: model.objects.get(pk=arguments[name])}
    named = [name for name in PEOPLE if name in arguments]
    if not named:
        return arguments
    people = User.objects.in_bulk([arguments[name] for name in named])
    return {**arguments, **{name: people[arguments[name]] for name in named}}
