"""What is in the way of a plan of a change as things are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User

from .. import permissions
from ..conflicts import Planned, find
from ..models import Change
from .around import around
from .plans import MOST, begun_now, plan_of
from .words import Found


def conflicts_of(change: Change, plan: Planned, *, by: User | None = None) -> list[Found]:
    """Return what is in the way of a plan of this change; ``around`` says in how many queries.

    ``by`` plans or begins it.
    """
    there = around(change, plan, by=by)
    return there.in_words(find(plan, **there.asked))


@dataclass(frozen=True)
class InTheWay:
    """What is in the way of a plan, the strictest first, and how much more there is."""

    shown: list[Found]
    more: int = 0

    @property
    def stops(self) -> bool:
        """Whether the plan cannot be kept as it is: what stops it comes first."""
        return any(one.stops for one in self.shown[:1])

    @property
    def key(self) -> str:
        """By what a form that is sent says which of it its reader has read; "" of nothing.

        What somebody has overridden nobody needs to read again.
        """
        said = [one.words for one in self.shown if not one.conflict.overridden]
        text = "\n".join([*said, str(self.more)])
        return sha256(text.encode()).hexdigest()[:16] if said else ""


def in_the_way_of(user: User, change: Change, plan: Planned | None) -> InTheWay:
    """Return what is in the way of a plan that this person is about to make."""
    if plan is None or not permissions.can_see_internal(user):
        return InTheWay([])
    return _first(conflicts_of(change, plan, by=user))


def shown_to(user: User, change: Change, *, begins: bool = False) -> InTheWay:
    """Return what is in the way of the plan of a change now; customers are not told of it.

    ``begins``: what is in the way of this person if they begin it now.
    """
    plan = plan_of(change) if permissions.can_see_internal(user) else None
    if plan is None:
        return InTheWay([])
    if begins:
        found = conflicts_of(change, begun_now(plan, timezone.now()), by=user)
    else:
        found = conflicts_of(change, plan)
    return _first(found)


def _first(found: list[Found]) -> InTheWay:
    return InTheWay(found[:MOST], len(found[MOST:]))


def kept(found: Sequence[Found]) -> list[str]:
    """Return in words what the event of a plan keeps of what was in its way."""
    said = [one.words for one in found[:MOST]]
    more = len(found[MOST:])
    return [*said, ngettext("And %d more.", "And %d more.", more) % more] if more else said
