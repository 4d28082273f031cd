"""Planning releases, and which change is meant for which."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import StepIncomplete
from expansive_cm.workflow.steps import opened, require, save

from .. import permissions, planning
from ..models import Change, Release
from ..moved_forecasts import known_now, shown
from ..promises import day_known
from ..states import BEFORE_DEPLOYED
from .core import Step, take_step
from .promises import mind_promise
from .untold import note_joined, note_move

NAME_IN_USE = "changes_release_name"
FURTHEST = timedelta(days=3653)
"""How far ahead a release is planned at most: what lies beyond ten years is a slip of the pen."""


def plan_release(
    *, actor: User, name: str, planned_on: date, freeze_on: date | None = None, notes: str = ""
) -> Release:
    """Plan a release. Raises StepForbidden, and StepIncomplete beside what cannot be.

    Effects: the release, with its history. Promises that wait for one find it within the hour.
    """
    with acting():
        require(permissions.can_plan_releases(actor.read_afresh()))
        release = Release(name=name, notes=notes)
        _set_dates(release, planned_on, freeze_on)
        return _saved(release, actor, _("planned the release"))


def change_release(
    release: Release,
    *,
    actor: User,
    name: str,
    planned_on: date,
    freeze_on: date | None = None,
    notes: str = "",
    reason: str = "",
    seen: int | None = None,
) -> Release:
    """Give a release that is still to come another name, other dates or other notes.

    A date that moves needs its reason, which stays in history. A frozen release whose freeze
    moves to a day ahead is open again. Raises StepForbidden, StepIllegal, ChangeStale, and
    StepIncomplete beside what cannot be. Promises follow within the hour, and who counts on what
    moves with it is told then (``tell_of_forecast``).
    """
    with _taking(release, actor, permissions.can_change_release, seen) as fresh:
        needed = why_needed(fresh, planned_on, freeze_on, timezone.localdate())
        opens = is_opened_by(fresh, freeze_on, timezone.localdate())
        moves = planned_on != fresh.planned_on
        _set_dates(fresh, planned_on, freeze_on)
        if needed and not reason.strip():
            raise StepIncomplete(needed, ["reason"])
        if moves:
            note_move(fresh, actor=actor, why=reason.strip())
        if opens:
            fresh.frozen_at = None
        fresh.name, fresh.notes = name, notes
        return _saved(fresh, actor, reason or _("changed the release"))


def why_needed(release: Release, planned_on: date, freeze_on: date | None, today: date) -> str:
    """Return what is said where a release gets these dates without a reason, "" if it may.

    A first day of the freeze moves nothing that people count on, unless it opens a frozen release.
    """
    was = release.freeze_on
    if planned_on != release.planned_on or (was is not None and freeze_on != was):
        return _("Say why the date moves.")
    if is_opened_by(release, freeze_on, today):
        return _("Say why the release is open again.")
    return ""


def is_opened_by(release: Release, freeze_on: date | None, today: date) -> bool:
    """Whether another day of the freeze, which lies ahead, opens a frozen release again."""
    if release.frozen_at is None or freeze_on is None or freeze_on == release.freeze_on:
        return False
    return freeze_on >= today


def date_faults(
    release: Release, planned_on: date, freeze_on: date | None, today: date
) -> dict[str, str]:
    """Return what is wrong with the dates that a release would have, by field.

    A date that stays as it is may have passed: only another one must lie ahead.
    """
    faults = {}
    is_new = release.pk is None
    if is_new or planned_on != release.planned_on:
        if planned_on < today:
            faults["planned_on"] = _("This day has passed. Choose today or a later one.")
        elif planned_on - today > FURTHEST:
            faults["planned_on"] = _("This day is more than ten years ahead.")
    if freeze_on is not None and freeze_on > planned_on:
        faults["freeze_on"] = _("The code must be complete by the day of the release, %s.") % (
            date_format(planned_on, "j F Y")
        )
    elif freeze_on is not None and freeze_on < today and (is_new or freeze_on != release.freeze_on):
        faults["freeze_on"] = _("This day has passed. Choose today or a later one.")
    return faults


def _set_dates(release: Release, planned_on: date, freeze_on: date | None) -> None:
    for field, sentence in date_faults(
        release, planned_on, freeze_on, timezone.localdate()
    ).items():
        raise StepIncomplete(sentence, [field])
    release.planned_on, release.freeze_on = planned_on, freeze_on


def freeze_release(
    release: Release, *, actor: User, reason: str = "", seen: int | None = None
) -> Release:
    """Say that the code is complete: from now on nothing joins or leaves without a reason."""
    with _taking(release, actor, permissions.can_freeze_release, seen) as fresh:
        fresh.frozen_at = timezone.now()
        return _saved(fresh, actor, _because(_("froze the release"), reason))


def finish_release(
    release: Release, *, actor: User, reason: str = "", seen: int | None = None
) -> Release:
    """Say that the release is out. Deployments are recorded change by change, before or after.

    Raises StepIncomplete without a reason while changes in it are not deployed.
    """
    with _taking(release, actor, permissions.can_finish_release, seen) as fresh:
        if not reason.strip() and undeployed(fresh):
            words = _("Changes in this release are not deployed yet: say why it is out without.")
            raise StepIncomplete(words, ["reason"])
        note_move(fresh, actor=actor, why=reason.strip())
        fresh.released_at = timezone.now()
        return _saved(fresh, actor, _because(_("said that the release is out"), reason))


def undeployed(release: Release) -> bool:
    """Whether a change in the release still has to be built, tested or deployed."""
    return release.changes.filter(state__in=BEFORE_DEPLOYED).exists()


def cancel_release(
    release: Release, *, actor: User, reason: str, seen: int | None = None
) -> Release:
    """Give a release up. Its changes wait for another one, and so do promises that name it.

    Raises StepIncomplete without a reason, StepIllegal once something went out with it.
    """
    with _taking(release, actor, permissions.can_cancel_release, seen) as fresh:
        if not reason.strip():
            raise StepIncomplete(_("Say why the release is cancelled."), ["reason"])
        note_move(fresh, actor=actor, why=reason.strip())
        fresh.cancelled_at = timezone.now()
        return _saved(fresh, actor, _because(_("cancelled the release"), reason))


def assign_release(
    change: Change,
    *,
    actor: User,
    release: Release | None,
    reason: str = "",
    told: str | None = None,
    seen: int | None = None,
    unread: bool = False,
) -> Change:
    """Say with which release a change is meant to go out, or (None) that it is open again.

    Raises StepIncomplete for a release that is out or cancelled, and without a reason where one
    is frozen that the change joins or leaves, or comes after the day promised, of which the
    customer reads what is ``told``, or where that is None what they read before. Effects: the
    release; event, for colleagues, which keeps what is in the way of a deployment on its day;
    messages. Who asked for it is told within the hour, where they read for another day than before.

    ``unread`` says that nobody was shown what is in the way of a deployment on its day: where
    that would stop it, StepIncomplete.
    """
    with take_step("assign_release", change, actor=actor, seen=seen) as step:
        before, after = locked_together(step.change.release, release)
        if after is not None:
            insist_on_open(after)
        if before == after:
            raise StepIncomplete(_("That is how it is already."), ["release"])
        insist_on_reason(before, after, reason)
        forecast_on, known = day_known(step.change), shown(known_now(step.change))
        step.change.release = after
        moved = f"{before or '–'} → {after or '–'}"
        step.reason, step.internal = f"{moved}. {reason}" if reason else moved, True
        step.data = {"release": after.pk if after else None}
        mind_promise(step, before, after, reason, told)
        release = after or before
        if release and step.change.promise and shown(known_now(step.change)) != known:
            note_joined(step.change, forecast_on, release, actor=actor, why=reason)
        _note_conflicts(step, after, unread=unread)
    return step.change


def _note_conflicts(step: Step, release: Release | None, *, unread: bool) -> None:
    """Keep with its event what is in the way of a deployment on the day of a release.

    It stops nothing yet: until the deployment is planned the day, or the freeze, may move. But it
    is to be read first.
    """
    plan = planning.of_deployment(step.change, release) if release else None
    if plan and (found := planning.conflicts_of(step.change, plan, by=step.actor)):
        if unread and found[0].stops:  # what stops it comes first
            words = _("%s: choose the release on the change's own page, which shows it.")
            raise StepIncomplete(words % found[0].words, ["release"])
        step.data = {**step.data, "conflicts": planning.kept(found)}


def insist_on_reason(before: Release | None, after: Release | None, reason: str) -> None:
    """Raise StepIncomplete where a change joins or leaves a frozen release and nobody says why."""
    if before == after or reason.strip():
        return
    for one in (before, after):
        if one is not None and one.state == Release.State.FROZEN:
            words = _("Release %s is frozen: say why it changes now.")
            raise StepIncomplete(words % one, ["reason"])


def insist_on_open(release: Release) -> None:
    """Raise StepIncomplete for a release that is out or cancelled."""
    if release.released_at is not None:
        raise StepIncomplete(_("Release %s is out already.") % release, ["release"])
    if release.cancelled_at is not None:
        raise StepIncomplete(_("Release %s was cancelled.") % release, ["release"])


def locked_together(*releases: Release | None) -> list[Release | None]:
    """Lock the release that a change leaves and the one that it joins, and return both afresh.

    Nobody freezes or ends either meanwhile. Who needs two rows takes them in the same order.
    """
    wanted = sorted({one.pk for one in releases if one is not None})
    fresh = {pk: locked(Release(pk=pk)) for pk in wanted}
    return [fresh[one.pk] if one is not None else None for one in releases]


@contextmanager
def _taking(
    release: Release, actor: User, ask: Callable[[User, Release], Decision], seen: int | None
) -> Iterator[Release]:
    def stale(fresh: Release) -> str:
        return what_happened(fresh) if seen not in (None, fresh.version) else ""

    with opened(
        lambda: locked(release), actor=actor, ask=lambda fresh: ask(actor, fresh), stale=stale
    ) as fresh:
        fresh.version += 1
        yield fresh


def locked(release: Release) -> Release:
    """Return a fresh copy of the release whose row is locked until the transaction ends."""
    return Release.objects.select_for_update(no_key=True).get(pk=release.pk)


def what_happened(release: Release) -> str:
    """Say who changed a release last, to somebody whose page is older than that."""
    latest = release.history.select_related("history_user").first()
    if latest is None or latest.history_user is None:
        return _("The release has changed since you opened this page.")
    return _("In the meantime %s changed this release.") % latest.history_user


def _because(act: str, reason: str) -> str:
    return f"{act}: {reason}" if reason.strip() else act


def _saved(release: Release, actor: User, reason: str) -> Release:
    try:
        with transaction.atomic():
            return save(release, actor=actor, reason=reason)
    except IntegrityError as error:
        if NAME_IN_USE not in str(error):
            raise
        raise StepIncomplete(
            _("Another release is called “%s”.") % release.name, ["name"]
        ) from None
