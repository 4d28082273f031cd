"""What a person must see to besides changes: other apps say it, and Home shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from expansive_cm.texts import Text


@dataclass(frozen=True)
class Notice:
    """One sentence, and the page where it is dealt with.

    ``answer`` is a button besides, for what needs no page: it posts to ``answer_url``. ``more``
    is a second link, to ``more_url``.
    """

    text: str
    url: str
    action: Text
    answer: str = ""
    answer_url: str = ""
    more: str = ""
    more_url: str = ""


@dataclass(frozen=True)
class Ahead:
    """Something with a time of its own, such as a meeting, and the page of it.

    ``when`` says what happens ``at`` that time; ``note`` what else is to know. ``is_now`` for
    what must not wait.
    """

    icon: str
    title: str
    url: str
    when: str = ""
    at: datetime | None = None
    note: str = ""
    is_now: bool = False


Source = Callable[[User], list[Notice]]
AheadSource = Callable[[User], list[Ahead]]
_sources: list[Source] = []
_ahead: list[AheadSource] = []


def provide(source: Source) -> None:
    """Let an app that ``changes`` may not ask add what it has for a person."""
    _sources.append(source)


def provide_ahead(source: AheadSource) -> None:
    """Let an app that ``changes`` may not ask add what lies ahead of a person."""
    _ahead.append(source)


def ahead_of(user: User) -> list[Ahead]:
    """Return what has a time of its own and concerns this person."""
    return [one for source in _ahead for one in source(user)]


def notices_for(user: User) -> list[Notice]:
    """Return everything that waits for this person besides changes."""
    return [notice for source in _sources for notice in source(user)]
