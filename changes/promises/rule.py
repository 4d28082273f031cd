"""The rule of what has become of a promise, as functions that ask no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..models import Release
from ..states import BEFORE_DEPLOYED, OPEN, State

S = State
NOT_IN_DEVELOPMENT = OPEN - {
    S.DEVELOPMENT,
    S.TESTING,
    S.DEPLOYMENT,
    S.CONFIRMATION,
    S.NOT_CONFIRMED,
}
"""Where work on what was promised has not begun."""
COUNTED = OPEN | {S.CLOSED}
"""Where a promise has a standing: what was given up is neither kept nor broken."""


class Standing(models.TextChoices):
    """What has become of a promise."""

    BROKEN = "broken", _("Broken")
    AT_RISK = "at_risk", _("At risk")
    ON_COURSE = "on_course", _("On course")
    KEPT = "kept", _("Kept")


class Risk(StrEnum):
    """Why a promise that can still be kept is at risk."""

    BEYOND = "beyond"
    MISSED = "missed"
    NOT_BEGUN = "not_begun"


class Known(StrEnum):
    """What is known of when a change will be there."""

    CLOSED = "closed"
    IN_PLACE = "in_place"
    PLANNED = "planned"
    ASSIGNED = "assigned"
    PROMISED = "promised"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Forecast:
    """What is known today; ``on`` is the earliest day that is still possible."""

    known: Known
    on: date | None = None
    release: Release | None = None
    is_late: bool = False
    """Whether the release should have been out by now."""


def forecast_of(
    state: str,
    release: Release | None,
    today: date,
    *,
    is_planned: bool = False,
    promised: Release | None = None,
) -> Forecast:
    """Return what is known of when a change will be there. Asks no database.

    ``release``: the one in which the change is; ``is_planned``: whether its deployment is. One that
    is out counts for what waits to be deployed with it alone; one that was cancelled never.
    ``promised``: the release that was promised, which counts until a change has one of its own.
    """
    if state in (S.CONFIRMATION, S.CLOSED):
        known = Known.CLOSED if state == S.CLOSED else Known.IN_PLACE
        return Forecast(known, release=release)
    if state not in BEFORE_DEPLOYED:
        return Forecast(Known.NOTHING)
    known = Known.PLANNED if is_planned else Known.ASSIGNED
    if release is None or release.cancelled_at is not None:
        if promised is None or promised.is_over:
            return Forecast(Known.NOTHING)
        release, known = promised, Known.PROMISED
    if release.released_at is None:
        late = release.planned_on < today
        return Forecast(known, max(release.planned_on, today), release, late)
    if state == S.DEPLOYMENT and is_planned:
        return Forecast(known, today, release)
    return Forecast(Known.NOTHING)


def risks_of(
    state: str,
    due_on: date | None,
    forecast_on: date | None,
    today: date,
    warn_days: int,
    *,
    is_missed: bool = False,
) -> tuple[Risk, ...]:
    """Return why an open promise is at risk, nothing where it is not. Asks no database."""
    found = []
    if due_on is not None and forecast_on is not None and forecast_on > due_on:
        found.append(Risk.BEYOND)
    if is_missed:
        found.append(Risk.MISSED)
    near = due_on is not None and (due_on - today).days <= warn_days
    if near and state in NOT_IN_DEVELOPMENT:
        found.append(Risk.NOT_BEGUN)
    return tuple(found)


def standing_of(
    state: str,
    due_on: date | None,
    closed_on: date | None,
    risks: Iterable[Risk],
    today: date,
) -> Standing | None:
    """Return what has become of a promise, None of one that was given up. Asks no database.

    ``due_on``: None while the release that was promised is not planned. ``closed_on``: the day on
    which the change was closed, None while it is open; where nobody knows it the promise is kept.
    """
    if state not in COUNTED:
        return None
    day = closed_on if state == S.CLOSED else today
    if day is not None and is_past(due_on, day):
        return Standing.BROKEN
    if state == S.CLOSED:
        return Standing.KEPT
    return Standing.AT_RISK if tuple(risks) else Standing.ON_COURSE


def is_past(due_on: date | None, day: date) -> bool:
    """Whether the day promised lay before this one; on the day itself it is in time."""
    return due_on is not None and due_on < day
