"""Turns that another app knows more of: who has done their part is not asked again.

Votes belong to crb, which this app does not know: crb hands in a condition at start-up. It says
what still waits for a person, and grants and takes no right.
"""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Expression, Q

from accounts.models import User

Moment = datetime | Expression
Condition = Callable[[User, Moment], Q]

_conditions: dict[str, Condition] = {}


def provide(verb: str, condition: Condition) -> None:
    """Say for which changes a step still waits for a person whose turn it may be."""
    _conditions[verb] = condition


def waits_for(verb: str, user: User, now: Moment) -> Q:
    """Return the condition under which a step still waits for this person."""
    return _conditions[verb](user, now) if verb in _conditions else Q()
