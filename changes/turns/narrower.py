"""Turns that another app knows more of: who has done their part is not asked again.

Votes belong to crb, which this app does not know: crb hands in a condition at start-up. It says
what still waits for a person, and grants and takes no right.
"""

from collections.abc import Callable

from django.db.models import Q

from accounts.models import User

Condition = Callable[[User], Q]

_conditions: dict[str, Condition] = {}


def provide(verb: str, condition: Condition) -> None:
    """Say for which changes a step still waits for a person whose turn it may be."""
    _conditions[verb] = condition


def waits_for(verb: str, user: User) -> Q:
    """Return the condition under which a step still waits for this person."""
    return _conditions[verb](user) if verb in _conditions else Q()
