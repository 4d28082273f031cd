"""The board moves what it promised: to another day, or to a release."""

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Change, Promise, Release
from ..promises import goes_beyond
from .board import promise_of
from .core import take_step
from .releases import FURTHEST, insist_on_open, locked_together
from .untold import heard_of_promise


def replan_promise(
    change: Change,
    *,
    actor: User,
    reason: str,
    today: date,
    zone: str,
    due_on: date | None = None,
    release: Release | None = None,
    seen: int | None = None,
) -> Change:
    """Promise another day, or the day of a release; called by ``crb.lifecycle`` only.

    ``today`` is the day where the board meets, ``zone`` names the time there. The day that a
    release has now is promised, if ``release`` was shown with it: where the release slips, the
    promise does not. ``reason`` is what the requester reads. Raises StepIncomplete beside what
    cannot be, StepForbidden, StepIllegal, or ChangeStale. Effects: the promise, with the day it
    had at first; event; messages.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the promise is moved."), ["reason"])
    if (due_on is None) == (release is None):
        raise StepIncomplete(_("Choose either a day or a release."), ["due_on"])
    with take_step("replan_promise", change, actor=actor, seen=seen) as step:
        fresh, before = step.change, promise_of(step.change)
        (chosen,) = locked_together(release)
        if chosen is not None:
            insist_on_open(chosen)
            if release is not None and release.planned_on != chosen.planned_on:
                raise StepIncomplete(moved_words(chosen), ["release"])
        field = "due_on" if chosen is None else "release"
        day = due_on if chosen is None else chosen.planned_on
        assert day is not None
        if fault := day_fault(day, today):
            raise StepIncomplete(fault, [field])
        if (day, chosen) == (fresh.due_on, fresh.promised_release):
            raise StepIncomplete(_("That is how it is already."), [field])
        # What had no day yet was first promised by the day to which the board moved it then.
        first = fresh.first_due_on or fresh.due_on
        fresh.first_due_on = first if first != day else None
        fresh.promise, fresh.promised_release, fresh.due_on = Promise.REPLANNED, chosen, day
        fresh.promise_zone = zone
        if not goes_beyond(fresh, fresh.release):
            fresh.late_reason = fresh.late_told = ""
        heard_of_promise(fresh, day)
        step.reason = reason.strip()
        step.data = {"before": before, "after": promise_of(fresh)}
    return step.change


def moved_words(release: Release) -> str:
    """Say that the day of a release is another one than whoever promises it has seen."""
    words = _("Release %(name)s has moved: it is planned for %(day)s now. Choose it again.")
    return words % {"name": release, "day": date_format(release.planned_on, "j F Y")}


def day_fault(day: date, today: date) -> str:
    """Return what is wrong with a day to promise, "" where nothing is."""
    if day <= today:
        return _("Choose a day after today, %s, where the board meets.") % (
            date_format(today, "j F Y")
        )
    if day - today > FURTHEST:
        return _("This day is more than ten years ahead.")
    return ""
