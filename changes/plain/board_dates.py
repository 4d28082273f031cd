"""When the board decides about a change.

Meetings belong to crb, which this app does not know: crb hands in a function at start-up.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from ..models import Change
from ..states import State


@dataclass(frozen=True)
class BoardDate:
    """The day of the meeting on whose agenda a change is, or the last day of its ballot."""

    day: date
    is_ballot: bool = False


Provider = Callable[[Iterable[int]], dict[int, BoardDate]]

_providers: list[Provider] = []


def provide(provider: Provider) -> None:
    """Name the function that says, for primary keys of changes, when the board decides."""
    if provider not in _providers:
        _providers.append(provider)


def board_dates(changes: Iterable[Change]) -> dict[int, BoardDate]:
    """Return when the board decides about those that wait for it; one query for all of them."""
    waiting = [change.pk for change in changes if change.state == State.BOARD]
    found: dict[int, BoardDate] = {}
    if waiting:
        for provider in _providers:
            found.update(provider(waiting))
    return found


def board_date_of(change: Change) -> BoardDate | None:
    """Return when the board decides about one change, if it is on an agenda."""
    return board_dates([change]).get(change.pk)
