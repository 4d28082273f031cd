"""What a person must see to besides changes: other apps say it, and Home shows it."""

from collections.abc import Callable
from dataclasses import dataclass

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


Source = Callable[[User], list[Notice]]
_sources: list[Source] = []


def provide(source: Source) -> None:
    """Let an app that ``changes`` may not ask add what it has for a person."""
    _sources.append(source)


def notices_for(user: User) -> list[Notice]:
    """Return everything that waits for this person besides changes."""
    return [notice for source in _sources for notice in source(user)]
