"""Imports that are kept: begun by a command or an upload, carried on by a task."""

import logging
from collections.abc import Callable, Sequence
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.alone import alone
from expansive_cm.workflow.errors import StepError
from expansive_cm.workflow.steps import attribute

from ..models import ImportProblem, ImportRun
from .mapping import BadImport, read_map
from .reading import open_source
from .rows import Problem, find_parties
from .running import Import, Tally, run

logger = logging.getLogger(__name__)

Status = ImportRun.Status
MAX_ATTEMPTS = 3
"""How often an import without any progress is tried again."""


def begin(*, started_by: User | None, **fields: Any) -> ImportRun:
    """Note an import that is to run: its file, map, mode and parties."""
    kept = ImportRun(started_by=started_by, **fields)
    _save(kept, "began the import")
    return kept


def go(kept: ImportRun, file: IO[bytes], show: Callable[[Tally], None] | None = None) -> ImportRun:
    """Run an import to its end and note how it went; ``show`` sees each batch's tally.

    What is wrong with the file as a whole becomes the run's message. What was committed by an
    earlier start that was cut off is kept and passed over, unless every row must be good.
    """
    begun = _begun(kept)
    kept.status = Status.RUNNING
    ImportRun.objects.filter(pk=kept.pk).update(status=kept.status)

    def record(tally: Tally, problems: Sequence[Problem]) -> None:
        _record(kept, tally, problems)
        if show:
            show(tally)

    try:
        tally = run(_job(kept, file), record, begun)
    except (BadImport, StepError) as error:
        kept.status, kept.message = Status.FAILED, str(error)
    else:
        kept.status = Status.FINISHED
        if kept.mode == ImportRun.Mode.STRICT and tally.bad:
            kept.message = _("Nothing was imported, because not every row is good.")
    _finish(kept)
    return kept


def _begun(kept: ImportRun) -> Tally | None:
    if kept.mode == ImportRun.Mode.STRICT:
        kept.problems.all().delete()
        return None
    return Tally(kept.total, kept.done, kept.good, kept.bad, kept.skipped)


def _job(kept: ImportRun, file: IO[bytes]) -> Import:
    import_map = read_map(kept.map_text)
    return Import(
        source=open_source(file, import_map),
        map=import_map,
        parties=find_parties(import_map, **kept.parties),
        mode=kept.mode,
        actor=kept.started_by,
        run=kept.pk,
    )


def _record(kept: ImportRun, tally: Tally, problems: Sequence[Problem]) -> None:
    """Keep the counts and problems of a batch: they commit with its rows, or not at all."""
    ImportProblem.objects.bulk_create(
        ImportProblem(
            run=kept,
            line=problem.line,
            column=problem.column[:200],
            value=problem.value[:200],
            reason=problem.reason[:500],
        )
        for problem in problems
    )
    ImportRun.objects.filter(pk=kept.pk).update(
        total=tally.total,
        done=tally.done,
        good=tally.good,
        bad=tally.bad,
        skipped=tally.skipped,
        attempts=0,
    )


def _finish(kept: ImportRun) -> None:
    counts = ("total", "done", "good", "bad", "skipped", "attempts")
    kept.refresh_from_db(fields=counts)
    kept.finished_at = timezone.now()
    _save(kept, "finished the import")


def _save(kept: ImportRun, reason: str) -> None:
    attribute(kept, actor=kept.started_by, reason=reason)
    kept.save()


# --- In the worker ------------------------------------------------------------------------


def unfinished() -> list[int]:
    """Return the uploaded imports that wait, or whose worker may have died, the oldest first."""
    waiting = ImportRun.objects.filter(status__in=[Status.QUEUED, Status.RUNNING])
    return list(waiting.exclude(file="").order_by("pk").values_list("pk", flat=True))


def carry_on(run_id: int) -> None:
    """Run an uploaded import from where it stands; does nothing while another worker has it.

    An import that fails without getting any further is given up after MAX_ATTEMPTS.
    """
    with alone("import run", run_id) as is_ours:
        kept = ImportRun.objects.get(pk=run_id)
        if not is_ours or kept.is_over:
            return
        if kept.attempts >= MAX_ATTEMPTS:
            kept.status = Status.FAILED
            kept.message = _(
                "A fault stopped the import after %(done)d rows; what was imported until then "
                "stays. The log says more. Importing the file again goes on from there."
            ) % {"done": kept.done}
            _finish(kept)
            return
        ImportRun.objects.filter(pk=run_id).update(attempts=kept.attempts + 1)
        with kept.file.open("rb") as file:
            go(kept, file)
