"""What the board's app, which ``changes`` may not ask, says of who made a promise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import User

from ..models import Change


@dataclass(frozen=True)
class Boards:
    """What the board's app says: which boards there are, and what one of them has promised."""

    choices: Callable[[], list[tuple[str, str]]]
    promised_by: Callable[[int], Q]
    led_by: Callable[[Change], Sequence[User]]
    """Who leads the board that promised a change today: its chair, or whoever stands in."""
    replan_url: Callable[[User, Change], str]
    """Where this person moves the promise of a change, "" if they may not."""


_boards: list[Boards] = []


def provide_boards(boards: Boards) -> None:
    """Let the app that ``changes`` may not ask say who made which promise."""
    _boards[:] = [boards]


def leaders_of(change: Change) -> Sequence[User]:
    """Return who leads the board that promised a change, nobody where no board did."""
    return _boards[0].led_by(change) if _boards and change.promise else ()


def replan_url(user: User, change: Change) -> str:
    """Return where this person moves the promise of a change, "" if they may not."""
    return _boards[0].replan_url(user, change) if _boards and change.promise else ""


def boards() -> Boards | None:
    """Return what the board's app has said."""
    return _boards[0] if _boards else None
