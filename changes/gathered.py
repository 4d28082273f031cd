"""The changes of something that another app keeps, such as a meeting, as a filter of the list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import User


@dataclass(frozen=True)
class Gathering:
    """What such a thing is called for somebody, "" where it does not exist for them, and what
    changes it has, as a query of their keys; each is given its number."""

    name: Callable[[User, int], str]
    changes: Callable[[int], QuerySet[Any, Any]]


_provided: dict[str, Gathering] = {}


def provide(kind: str, gathering: Gathering) -> None:
    """Let an app that ``changes`` may not ask say what something of its own has."""
    _provided[kind] = gathering


def name_of(kind: str, user: User, number: int) -> str:
    """Return what a thing is called, "" where it does not exist for this person."""
    return _provided[kind].name(user, number) if kind in _provided else ""


def changes_of(kind: str, number: int) -> QuerySet[Any, Any]:
    """Return the keys of the changes that a thing has."""
    return _provided[kind].changes(number)
