"""How the promise of one change stands, from what is loaded with it."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from ..models import Change, Release
from ..states import BEFORE_DEPLOYED, State
from .rule import COUNTED, Forecast, Risk, Standing, forecast_of, risks_of, standing_of

S = State
LONGEST_WARNING = 36_500
"""So many days every promise lies within: more would lead beyond the dates there are."""
DELIVERED = (S.CONFIRMATION, S.NOT_CONFIRMED)
"""Where what was promised was put in place and is not confirmed."""


def warn_days() -> int:
    """Return with how many days left a change has to be in development."""
    return min(settings.PROMISE_WARN_DAYS, LONGEST_WARNING)


def day_of(zone: str, at: datetime) -> date:
    """Return the day it is at a moment where a promise was made; an empty zone is our own."""
    return timezone.localdate(at, ZoneInfo(zone) if zone else timezone.get_default_timezone())


def day_known(change: Change) -> date | None:
    """Return the day of the release that brings a change, None where none is known or it is out."""
    found = _forecast(change, date.min)
    return found.release.planned_on if found.release and found.on else None


def _forecast(change: Change, today: date) -> Forecast:
    plans = change.state == S.DEPLOYMENT and change.deployment is not None
    promised = change.promised_release
    return forecast_of(change.state, change.release, today, is_planned=plans, promised=promised)


def is_shown(change: Change, day: date | None, due_on: date | None) -> bool:
    """Whether the customer of a change reads for which day it is planned, where these are the days.

    They do once its deployment is planned, or where the day is later than the one promised.
    """
    if day is None:
        return False
    planned = change.state == S.DEPLOYMENT and change.deployment is not None
    return planned or (due_on is not None and day > due_on)


def day_shown(change: Change) -> date | None:
    """Return the day for which its customer reads that a change is planned, None without one."""
    day = day_known(change)
    return day if is_shown(change, day, change.due_on) else None


def goes_beyond(change: Change, release: Release | None) -> bool:
    """Whether a release that is still to come is planned after the day promised."""
    if release is None or release.is_over or change.due_on is None or not change.promise:
        return False
    return release.planned_on > change.due_on


def is_planned_beyond(change: Change) -> bool:
    """Whether the change is meant to go out after the day promised, as plans are now."""
    return change.state in BEFORE_DEPLOYED and goes_beyond(change, release_ahead(change))


def is_put_beyond(change: Change) -> bool:
    """Whether the release it was put into itself comes later: what was said of that is so still."""
    return change.state in BEFORE_DEPLOYED and goes_beyond(change, change.release)


def release_ahead(change: Change) -> Release | None:
    """Return the release that is to bring a change: its own, until it has one the one promised."""
    own = change.release
    return own if own is not None and own.cancelled_at is None else change.promised_release


def has_missed(change: Change) -> bool:
    """Whether the release that was promised is out, and the change neither in place nor with it."""
    promised = change.promised_release
    if promised is None or promised.released_at is None or change.state in (S.CLOSED, *DELIVERED):
        return False
    waits = change.state == S.DEPLOYMENT and change.deployment is not None
    return not (waits and change.deployment.release_id == promised.pk)


@dataclass(frozen=True)
class Promised:
    """A promise as it stands today."""

    standing: Standing
    due_on: date | None
    days_left: int | None
    """Until the day promised, below nothing once it is past; None of what is closed or undated."""
    forecast: Forecast
    risks: tuple[Risk, ...]
    closed_on: date | None = None
    why_late: str = ""
    """Why its release comes after the day promised, for colleagues; "" where it does not."""
    told_late: str = ""
    """What its customer reads of that."""


def promised_of(change: Change, now: datetime | None = None) -> Promised | None:
    """Return how the promise of a change stands, None where there is none or it was given up.

    Reads the change's two releases and its deployments, which a list loads for all rows at once.
    """
    if not change.promise or change.state not in COUNTED:
        return None
    today = day_of(change.promise_zone, now or timezone.now())
    is_over = change.state == S.CLOSED
    closed_at = change.closed_at if is_over else None
    closed_on = day_of(change.promise_zone, closed_at) if closed_at else None
    forecast = _forecast(change, today)
    risks: tuple[Risk, ...] = ()
    if not is_over:
        missed = has_missed(change)
        risks = risks_of(
            change.state, change.due_on, forecast.on, today, warn_days(), is_missed=missed
        )
    standing = standing_of(change.state, change.due_on, closed_on, risks, today)
    assert standing is not None
    left = None if is_over or change.due_on is None else (change.due_on - today).days
    shown = risks if standing == Standing.AT_RISK else ()
    late = is_put_beyond(change)
    why, told = (change.late_reason, change.late_told) if late else ("", "")
    return Promised(standing, change.due_on, left, forecast, shown, closed_on, why, told)
