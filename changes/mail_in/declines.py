"""Invitations that a calendar program declines: whoever knows the meeting says what follows."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User


@dataclass(frozen=True)
class Calendar:
    """What knows meetings by their UID: was somebody invited to it, and that they decline."""

    is_known: Callable[[User, str], bool]
    note: Callable[[User, str], None]


_calendars: list[Calendar] = []


def provide(calendar: Calendar) -> None:
    """Let an app that ``changes`` may not ask be told of its meetings."""
    _calendars.append(calendar)


def is_known(person: User, uid: str) -> bool:
    """Whether somebody was invited to the meeting with this UID, and it lies ahead."""
    return any(calendar.is_known(person, uid) for calendar in _calendars)


def note(person: User, uid: str) -> None:
    """Keep that this person declined, so that they are asked whether they are away."""
    for calendar in _calendars:
        calendar.note(person, uid)
