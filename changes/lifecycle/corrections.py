"""Putting right what is on record of a finished execution or deployment."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.texts import composed
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete
from expansive_cm.workflow.steps import require

from ..corrections import Carried, corrections_of, kind_of, state_of
from ..models import Deployment, Execution
from ..permissions import may_correct_record
from ..spans import FURTHEST
from .core import take_step

CORRECTED = ("started_at", "finished_at", "notes")
"""What can be corrected. The outcome cannot: it has moved the change, and others acted on it."""


def correct_execution(
    record: Execution,
    *,
    actor: User,
    started_at: datetime,
    finished_at: datetime,
    notes: str,
    reason: str,
    seen: str | None = None,
) -> Execution:
    """Correct when a finished execution began and ended, and what happened; see ``_correct``."""
    _correct(record, actor, (started_at, finished_at, composed(notes)), reason, seen)
    return record


def correct_deployment(
    record: Deployment,
    *,
    actor: User,
    started_at: datetime,
    finished_at: datetime,
    notes: str,
    reason: str,
    seen: str | None = None,
) -> Deployment:
    """Correct when a finished deployment began and ended, and what happened; see ``_correct``."""
    _correct(record, actor, (started_at, finished_at, composed(notes)), reason, seen)
    return record


def _correct(
    record: Carried,
    actor: User,
    given: tuple[datetime, datetime, str],
    reason: str,
    seen: str | None,
) -> None:
    """Correct a record, whatever has become of its change; its history keeps what it said.

    ``seen`` is the ``corrections.state_of`` that the page showed. Raises StepForbidden and
    StepIllegal as ``may_correct_record`` says, ChangeStale where it was corrected meanwhile,
    StepIncomplete where something is missing, cannot be, or nothing is different. Effects: the
    record; event, of which a customer learns no reason. No page becomes stale by it, and nobody
    is told: what was asked of the requester stays as they read it.
    """
    verb = f"correct_{kind_of(record)}"
    with take_step(verb, record.change, actor=actor) as step:
        record.refresh_from_db()
        record.change = step.change
        require(may_correct_record(actor, step.change, record))
        if seen is not None and seen != state_of(record):
            raise ChangeStale(_corrected_meanwhile(record))
        _insist_on_times(given[0], given[1])
        if not given[2].strip():
            raise StepIncomplete(_("Say what happened."), ["notes"])
        if not reason.strip():
            raise StepIncomplete(_("Say why it is corrected."), ["reason"])
        started_at, finished_at, notes = given
        told = {"started_at": started_at, "finished_at": finished_at, "notes": notes}
        different = [name for name in CORRECTED if getattr(record, name) != told[name]]
        if not different:
            raise StepIncomplete(_("Nothing in it is different."))
        for name in different:
            setattr(record, name, told[name])
        step.reason = reason
        step.data = {"record": record.pk, "corrected": different}
        step.save(record)


def _corrected_meanwhile(record: Carried) -> str:
    last = corrections_of(record)[-1:]
    words = _("%s has corrected this record meanwhile.")
    return words % (last[0].actor_name if last else _("Somebody"))


def _insist_on_times(started_at: datetime, finished_at: datetime) -> None:
    """Refuse times that cannot be: neither lies ahead or ten years back, and one follows."""
    now = timezone.now()
    for moment, field in ((started_at, "started_at"), (finished_at, "finished_at")):
        if moment > now:
            raise StepIncomplete(_("This moment is still to come."), [field])
        if now - moment > FURTHEST:
            raise StepIncomplete(_("This is more than ten years ago."), [field])
    if finished_at < started_at:
        raise StepIncomplete(_("It cannot be finished before it was started."), ["finished_at"])
