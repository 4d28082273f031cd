"""What an acceptance promises, and the date by which it must be kept."""

from collections.abc import Iterable
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIncomplete

from ..models import BoardDecision, Change, Promise, Release
from ..promises import day_known, goes_beyond
from ..taking_back import RECORDED, is_taken_back
from .core import Step, lock, record_event
from .untold import heard_of_promise, note_settled

RELEASES_PROMISED = 3


def make_promise(change: Change, outcome: str, today: date, zone: str) -> None:
    """Set the promise of an acceptance: 12 months, or one of the next three releases.

    ``today`` is the day where the board meets, from wherever its decision is recorded, and ``zone``
    names the time there: the day promised ends with it for everybody. When fewer than three
    releases are planned the date stays open until ``settle_promise`` finds the third.
    """
    change.promised_at, change.promise_zone = timezone.now(), zone
    change.first_due_on = None
    if outcome == BoardDecision.Outcome.ACCEPTED:
        change.promise, change.promised_release = Promise.TWELVE_MONTHS, None
        change.due_on = twelve_months_after(today)
    else:
        change.promise = Promise.THREE_RELEASES
        change.promised_release = third_release_after(today, change.promised_at)
        change.due_on = change.promised_release.planned_on if change.promised_release else None
    if not goes_beyond(change, change.release):
        change.late_reason = change.late_told = ""
    heard_of_promise(change, change.due_on)


def coming(releases: Iterable[Release], day: date, moment: datetime) -> list[Release]:
    """Return those that come next after this day, the earliest first; asks no database.

    What was out at this moment does not count, nor does what was cancelled, whenever that was.
    """
    next_ones = [
        one
        for one in releases
        if one.planned_on > day
        and one.cancelled_at is None
        and (one.released_at is None or one.released_at > moment)
    ]
    return sorted(next_ones, key=lambda one: (one.planned_on, one.pk))


def releases_after(day: date, moment: datetime) -> list[Release]:
    """Return what is planned after this day and was not out at this moment, the earliest first."""
    return coming(Release.objects.filter(planned_on__gt=day), day, moment)


def third_release_after(day: date, moment: datetime) -> Release | None:
    """Return the last of the three releases that come next, None if it is not planned yet."""
    upcoming = releases_after(day, moment)
    return upcoming[RELEASES_PROMISED - 1] if len(upcoming) >= RELEASES_PROMISED else None


def twelve_months_after(day: date) -> date:
    """Return the same day a year later; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def mind_promise(
    step: Step, before: Release | None, after: Release | None, reason: str, told: str | None
) -> None:
    """Take down why a release comes after the day promised, and what the customer reads of it.

    ``before`` is the one in which the change is: with that one nothing new is asked for, unless
    something new is said. Where ``told`` is None the customer reads on what they did. Raises
    StepIncomplete beside the reason where nobody gave one. Effects: the change keeps both; the
    event says so, from which the owner and the board's chair are told.
    """
    change = step.change
    if after is None or not goes_beyond(change, after):
        change.late_reason = change.late_told = ""
        return
    reason, told = reason.strip(), (change.late_told if told is None else told).strip()
    if before == after and change.late_reason and not reason:
        reason, told = change.late_reason, told or change.late_told
    if not reason:
        raise StepIncomplete(beyond_words(change, after), ["reason"])
    if before == after and (reason, told) == (change.late_reason, change.late_told):
        return
    change.late_reason, change.late_told = reason, told
    step.data = {
        **step.data,
        "beyond": {
            "promised": sure(change.due_on).isoformat(),
            "planned": after.planned_on.isoformat(),
            "release": after.pk,
            "why": reason,
            "told": told,
        },
    }


def beyond_words(change: Change, release: Release) -> str:
    """Say with both dates that a release comes after the day promised."""
    words = _("Release %(name)s is planned for %(planned)s, after %(promised)s, the day promised: ")
    dated = words % {
        "name": release,
        "planned": date_format(release.planned_on, "j F Y"),
        "promised": date_format(sure(change.due_on), "j F Y"),
    }
    return dated + _("say why.")


def settle_promise(change_id: int) -> bool:
    """Name the third release once it is planned: the day that it has then is promised from now on.

    That day stays, wherever the release moves: the forecast follows it, and says so. Where it was
    cancelled, the third of those that were not takes its place, and the day stays as well. Returns
    whether anything changed; if so an event says what, and ``tell_of_forecast`` tells.
    """
    with acting():
        change = lock(Change(pk=change_id))
        if change.promise != Promise.THREE_RELEASES or change.is_final:
            return False
        before, promised, known = change.due_on, change.promised_release, day_known(change)
        gone = promised is None or promised.cancelled_at is not None
        if gone and change.promised_at:
            change.promised_release = third_release_after(_promised_on(change), change.promised_at)
        if change.due_on is None and change.promised_release:
            change.due_on = change.promised_release.planned_on
        if (change.due_on, change.promised_release) == (before, promised):
            return False
        if following := change.promised_release or promised:
            note_settled(change, known, before, following)
        step = Step(change, "settle_promise", None)
        step.reason = _settled_words(before, promised, change)
        step.save(change)
        record_event(step)
        return True


def _settled_words(before: date | None, promised: Release | None, change: Change) -> str:
    """Say for colleagues which day is promised now, or which release in place of which."""
    if before is None:
        return f"– → {change.due_on or '–'}"
    releases = f"{promised or '–'} → {change.promised_release or '–'}"
    return _("Release %s. The day promised stays.") % releases


def _promised_on(change: Change) -> date:
    """Return the day on which the board made the promise, where it meets, as its event kept it."""
    decided = change.events.filter(verb=RECORDED, data__has_key="decided_on").order_by("-pk")
    standing = [event for event in decided if not is_taken_back(change, event)]
    kept = standing[0].data["decided_on"] if standing else None
    return date.fromisoformat(kept) if kept else timezone.localdate(change.promised_at)
