"""What the deployment gate misses, with where its reader adds it, or who does."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User

from . import gates, permissions
from .models import Change
from .process import STEP
from .turns import TURNS
from .turns.parts import name_of_roles
from .turns.table import Turn


@dataclass(frozen=True)
class Gap:
    """A record that is missing: the page on which this reader adds it, or whose turn that is."""

    words: str
    url: str = ""
    step: str = ""
    """What is done there."""
    who: str = ""

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Point:
    """One thing that the gate asks for, and what of it is missing."""

    label: str
    gaps: list[Gap]

    @property
    def done(self) -> bool:
        """Whether nothing of it is missing."""
        return not self.gaps


def points_for(user: User, change: Change, *, here: str = "") -> list[Point]:
    """Return the deployment gate point by point; reads what the story of a change holds.

    What the step ``here`` adds is added on the page that shows it, which links to itself nowhere.
    """
    return [
        Point(point.label, _gaps(user, change, point, here))
        for point in gates.deployment_points(change)
    ]


def gaps_for(user: User, changes: Iterable[Change]) -> dict[int, list[Gap]]:
    """Return what the gate misses of several changes. Two queries more than the gate itself reads.

    They read who did what before on those alone on which the reader might take such a step.
    """
    points = {change: gates.deployment_points(change) for change in changes}
    theirs = [
        change
        for change, found in points.items()
        if any(_compares_with_the_past(user, change, point) for point in found if not point.done)
    ]
    prefetch_related_objects(theirs, "events", "developments__authors")
    return {
        change.pk: [gap for point in found for gap in _gaps(user, change, point)]
        for change, found in points.items()
    }


def _gaps(user: User, change: Change, point: gates.GatePoint, here: str = "") -> list[Gap]:
    if point.done:
        return []
    if point.verb == here:
        return [Gap(words, step=_("on this page")) for words in point.missing]
    step = STEP[point.verb]
    if _may_add(user, change, point):
        url = reverse(f"changes:{point.verb}", args=[change.pk])
        return [Gap(words, url, str(step.label)) for words in point.missing]
    return [Gap(words, who=_whose(point.verb)) for words in point.missing]


def _may_add(user: User, change: Change, point: gates.GatePoint) -> bool:
    group = _turn(point.verb).group
    if not _is_added_here(change, point):
        return False
    if group.bars and group.belongs(user, change) is not None:
        return False  # what they did before is not read for that
    return bool(permissions.check(point.verb, user, change))


def _is_added_here(change: Change, point: gates.GatePoint) -> bool:
    """Whether the change is at the stage in which this is added, on a page of its own."""
    return change.state in STEP[point.verb].states and not _turn(point.verb).own_url_name


def _compares_with_the_past(user: User, change: Change, point: gates.GatePoint) -> bool:
    """Whether it hangs on what the reader did before whether they may add it."""
    group = _turn(point.verb).group
    if not group.bars or not _is_added_here(change, point):
        return False
    return group.belongs(user, change) is None


def _whose(verb: str) -> str:
    turn = _turn(verb)
    part = turn.group.part
    if part is None or turn.own_url_name:
        return _("the Change Request Board")
    return name_of_roles(*part.roles)


@cache
def _turn(verb: str) -> Turn:
    return next(turn for turn in TURNS if turn.verb == verb)
