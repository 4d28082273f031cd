"""Runs of one act on many changes: begun by a page, carried on by a task, change by change.

Each change has a transaction of its own, in which the act and what is noted of it commit together:
however often a worker dies, nothing is done twice. What refuses or fails stops nothing else.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from celery.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.middleware import zone_of
from accounts.models import User
from expansive_cm.alone import alone
from expansive_cm.workflow.errors import SentBefore, StepError

from ..models import Change, ManyRow, ManyRun
from .acts import ACT, Act
from .arguments import Arguments, kept

logger = logging.getLogger(__name__)

MOST = 50
"""How many changes one run takes: a page of the list."""
MAX_ATTEMPTS = 3
"""How often a change is begun on which the worker dies."""
NOT_ITS_FAULT = (SoftTimeLimitExceeded, OperationalError, InterfaceError)
"""What says nothing of the change: the worker's time is over, or the database was away."""
Outcome = ManyRow.Outcome


@dataclass(frozen=True)
class Wanted:
    """A change that somebody chose: at which version, or why it was refused there and then."""

    change: Change
    seen: int | None
    refused: str = ""


def begin(
    act: Act, *, person: User, key: str, arguments: Arguments, rows: Iterable[Wanted], back: str
) -> ManyRun:
    """Note an act on many changes, in their order; one form makes one run.

    Nothing is done yet: ``carry_on`` does it, and asks every permission then. Raises SentBefore,
    with the run, when the form has made one.
    """
    try:
        with transaction.atomic():
            run = ManyRun.objects.create(
                person=person, key=key, act=act.name, arguments=kept(arguments), back=back
            )
            ManyRow.objects.bulk_create(_row(run, act, one) for one in rows)
    except IntegrityError:
        raise SentBefore(ManyRun.objects.get(person=person, key=key)) from None
    return run


def _row(run: ManyRun, act: Act, wanted: Wanted) -> ManyRow:
    return ManyRow(
        run=run,
        change=wanted.change,
        seen=wanted.seen if act.has_version else None,
        outcome=Outcome.REFUSED if wanted.refused else Outcome.WAITING,
        reason=wanted.refused,
    )


def is_same(run: ManyRun, act: Act, arguments: Arguments, rows: Iterable[Wanted]) -> bool:
    """Whether a run is the same act, in the same words and on the same changes."""
    wanted = {one.change.pk for one in rows if not one.refused}
    asked = set(run.rows.values_list("change", flat=True))
    return (run.act, run.arguments) == (act.name, kept(arguments)) and wanted <= asked


def unfinished() -> list[int]:
    """Return the runs that wait, or whose worker may have died, the oldest first."""
    waiting = ManyRun.objects.filter(finished_at=None).order_by("pk")
    return list(waiting.values_list("pk", flat=True))


def carry_on(run_id: int) -> None:
    """Do what is left of a run; does nothing while another worker has it.

    A change on which the worker died MAX_ATTEMPTS times is passed over. Raises what is no fault
    of the change; it waits then, as all that follow.
    """
    with alone("many run", run_id) as is_ours:
        run = ManyRun.objects.select_related("person").get(pk=run_id)
        if not is_ours or run.is_over:
            return
        waiting = list(run.rows.filter(outcome=Outcome.WAITING).select_related("change"))
        if run.attempts >= MAX_ATTEMPTS and waiting:
            _note(waiting.pop(0), Outcome.FAILED, _not_done())
            run.attempts = 0
        ManyRun.objects.filter(pk=run_id).update(attempts=run.attempts + 1)
        with timezone.override(zone_of(run.person)):
            for row in waiting:
                _take(run, row)
        ManyRun.objects.filter(pk=run_id).update(finished_at=timezone.now())


def _take(run: ManyRun, row: ManyRow) -> None:
    """Take the act on one change, and note what became of it, unless another worker has."""
    try:
        with transaction.atomic():
            if not _is_waiting(row):
                return
            ACT[run.act].take(run.person, row.change, row.seen, run.arguments)
            _note(row, Outcome.DONE)
    except StepError as error:
        _note(row, Outcome.REFUSED, str(error))
    except NOT_ITS_FAULT:
        raise  # It waits, and is begun again like one on which the worker died.
    except Exception:
        logger.exception("Could not %s %s in run %s", run.act, row.change.reference, run.pk)
        _note(row, Outcome.FAILED, _not_done())


def _is_waiting(row: ManyRow) -> bool:
    """Hold a row; return whether nothing has become of it.

    The lock of the run goes with the connection: it is lost where the database was restarted.
    """
    waiting = ManyRow.objects.select_for_update(no_key=True).filter(outcome=Outcome.WAITING)
    return waiting.filter(pk=row.pk).first() is not None


def _note(row: ManyRow, outcome: Outcome, reason: str = "") -> None:
    """Note what became of a change; for the next one this start of the run is the first."""
    waiting = ManyRow.objects.filter(pk=row.pk, outcome=Outcome.WAITING)
    waiting.update(outcome=outcome, reason=reason)
    ManyRun.objects.filter(pk=row.run_id).update(attempts=1)


def _not_done() -> str:
    return _("It could not be done. Please try again; if it fails again, tell whoever runs this.")
