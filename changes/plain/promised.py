"""A promise in its customer's words: how it stands, what is expected, what moved it and why."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from expansive_cm.texts import Text

from ..models import Change, Event, Release
from ..promises import Known, Promised, Risk, Standing, day_shown, goes_beyond, promised_of
from .case import Status
from .happened import words_of

MOST = 5
"""So many of the things that moved a promise its row shows; the page of the change has all."""
REPLANNED, PLANNED = "replan_promise", "plan_deployment"
MOVING = (REPLANNED, "forecast_moved")


class Stands(models.TextChoices):
    """How a promise stands, as its customer reads it: risks that only we see are not told."""

    LATE = "late", gettext_lazy("Late")
    LATER = "later", gettext_lazy("Later than promised")
    UNDER_WAY = "under_way", gettext_lazy("Under way")
    KEPT = "kept", gettext_lazy("Kept")


@dataclass(frozen=True)
class Moved:
    """One thing that moved a promise, or the day on which it is kept: when, what and why."""

    at: datetime
    text: Text
    why: str = ""


@dataclass(frozen=True)
class OwnPromise:
    """A promise as its customer reads it."""

    change: Change
    status: Status
    stands: Stands
    expected: str
    """When what was promised will be there, as far as they know."""
    why_late: str
    """What they are told of why that is later than promised."""
    moved: list[Moved]
    """The latest first."""

    @property
    def release(self) -> Release | None:
        """The release that was promised, None where it comes no more by the day promised."""
        release = self.change.promised_release
        if release is None or release.cancelled_at or goes_beyond(self.change, release):
            return None
        return release


def own_promises(
    changes: Iterable[Change], statuses: dict[int, Status], now: datetime
) -> list[OwnPromise]:
    """Return how the promises of a page of changes are told to their customer. One query.

    Each change has a promise that has a standing, and comes with its two releases;
    ``plain.statuses`` has read them.
    """
    rows = list(changes)
    moved = _moved(rows)
    found = []
    for change in rows:
        promised = promised_of(change, now)
        if promised is None:
            continue
        told = promised.told_late
        moves = [
            replace(one, why="" if one.why == told else one.why) for one in moved.get(change.pk, ())
        ]
        words = _expected(change, promised)
        status = statuses[change.pk]
        found.append(OwnPromise(change, status, stands_of(promised), words, told, moves))
    return found


def stands_of(promised: Promised) -> Stands:
    """Say how a promise stands to its customer, who hears of a delay once that is planned."""
    if promised.standing == Standing.KEPT:
        return Stands.KEPT
    if promised.standing == Standing.BROKEN:
        return Stands.LATE
    return Stands.LATER if {Risk.BEYOND, Risk.MISSED} & {*promised.risks} else Stands.UNDER_WAY


def _expected(change: Change, promised: Promised) -> str:
    forecast = promised.forecast
    if forecast.known == Known.CLOSED:
        on = promised.closed_on
        return _("Closed on %s") % _written(on) if on else _("Closed")
    if forecast.known == Known.IN_PLACE:
        return _("In place, not confirmed yet")
    day = day_shown(change)
    if day is None:
        return _("No day is planned yet")
    if forecast.release is not None and forecast.release.released_at is not None:
        return _("Its release is out: it is put in place next")
    if forecast.is_late:
        return _("It was planned for %s, which has passed") % _written(day)
    return _("Planned for %s") % _written(day)


def _moved(changes: list[Change]) -> dict[int, list[Moved]]:
    """Return of each change the latest that moved what was promised last. One query."""
    since = Q(change__promised_at=None) | Q(at__gt=F("change__promised_at"))
    late = Q(verb=PLANNED, data__has_key="beyond")
    events = Event.objects.filter(since, late | Q(verb__in=MOVING), change__in=changes)
    rank = Window(RowNumber(), partition_by="change", order_by=F("pk").desc())
    latest = events.filter(is_internal=False).annotate(rank=rank).filter(rank__lte=MOST)
    found: dict[int, list[Moved]] = {}
    for event in latest.order_by("-pk"):
        found.setdefault(event.change_id, []).append(Moved(event.at, words_of(event), _why(event)))
    return found


def _why(event: Event) -> str:
    """Return why, where that was written for the customer: of a release only colleagues read it."""
    if event.verb == REPLANNED:
        return event.reason
    return str(event.data["beyond"]["told"]) if event.verb == PLANNED else ""


def _written(day: date) -> str:
    return date_format(day, "j M Y")
