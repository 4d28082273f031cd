"""Turns that another app knows more of: who they are, and who has done their part already.

Boards and votes belong to crb, which this app does not know: crb hands in whose turn it is. It
says this in three directions, as a group does, and a test holds them together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Expression, Q

from accounts.models import User
from accounts.standing import Anybody
from expansive_cm.workflow.decisions import Check

from ..models import Change
from .who import Who

Moment = datetime | Expression


@dataclass(frozen=True)
class Narrower:
    """Whose turn it is of those who hold a part."""

    who: Callable[[Change], Who]
    """They, of a loaded change; asks the database when they are named."""
    changes: Callable[[User | Anybody, Moment], Q]
    """For which changes it still waits for a person."""
    objects: Callable[[User, Change], Check]
    """Why a person is not one of them; whoever has done their part still is."""


_known: dict[str, Narrower] = {}


def provide(verb: str, narrower: Narrower) -> None:
    """Say whose turn a step is."""
    _known[verb] = narrower


def of(verb: str) -> Narrower | None:
    """Return what another app knows of the turn of a step."""
    return _known.get(verb)


def waits_for(verb: str, user: User | Anybody, now: Moment) -> Q:
    """Return the condition under which a step still waits for this person."""
    return _known[verb].changes(user, now) if verb in _known else Q()
