"""Goes through a file, batch by batch, each in a transaction of its own.

Memory does not grow with the file, but for one small number per row by which a row that occurs
twice is found.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User

from .. import lifecycle
from ..lifecycle import ImportedChange, Origin
from ..models import Change, ImportRun
from .mapping import ImportMap
from .reading import Line, Source
from .rows import Parties, Problem, RowReader

BATCH = 250
Mode = ImportRun.Mode


@dataclass
class Tally:
    """How many rows there are, and what became of those done so far."""

    total: int = 0
    done: int = 0
    good: int = 0
    bad: int = 0
    skipped: int = 0


Record = Callable[[Tally, Sequence[Problem]], None]
"""Called at the end of each batch, in its transaction, with the tally and the new problems."""


@dataclass(frozen=True)
class Import:
    """One file to import, checked as a whole, with everything needed for it."""

    source: Source
    map: ImportMap
    parties: Parties
    mode: str
    actor: User | None
    run: int | None = None

    @property
    def origin(self) -> Origin:
        """What the lifecycle wants to know about where the rows are from."""
        return Origin(self.map.source, self.parties.organisation, self.parties.raised_by, self.run)


def run(job: Import, record: Record, begun: Tally | None = None) -> Tally:
    """Import, or only check, the file as its mode says; return what became of it.

    ``begun`` is the tally of an earlier start that was cut off: its rows are passed over.
    Raises BadImport, before anything is imported, when the file breaks off somewhere.
    """
    tally = replace(begun) if begun else Tally()
    tally.total = job.source.survey()
    record(tally, [])
    if job.mode != Mode.STRICT:
        _Pass(job, tally, record, writes=job.mode != Mode.CHECK).go()
        return tally
    _Pass(job, tally, record, writes=False).go()
    if tally.bad == 0:
        final = Tally(total=tally.total)
        with transaction.atomic():
            _Pass(job, final, lambda _tally, _problems: None, writes=True).go()
            record(final, [])
        return final
    return tally


class _Pass:
    """One time through the file."""

    def __init__(self, job: Import, tally: Tally, record: Record, *, writes: bool) -> None:
        self.job = job
        self.tally = tally
        self.record = record
        self.writes = writes
        self.reader = RowReader(job.map, job.source.header, job.parties)
        self.lines_by_identity: dict[int, int] = {}

    def go(self) -> None:
        lines = self.job.source.lines()
        for line in islice(lines, self.tally.done):
            self._first_line_with(self.reader.identity(line), line)
        while batch := list(islice(lines, BATCH)):
            with transaction.atomic():
                problems = self._import(batch)
                self.record(self.tally, problems)

    def _import(self, batch: Sequence[Line]) -> list[Problem]:
        arrivals: list[ImportedChange] = []
        problems: list[Problem] = []
        for arrival, found in map(self._read, batch):
            problems += found
            arrivals += [arrival] if arrival else []
        new = self._new_ones(arrivals)
        self.tally.done += len(batch)
        self.tally.good += new
        self.tally.skipped += len(arrivals) - new
        self.tally.bad += len(batch) - len(arrivals)
        return problems

    def _new_ones(self, arrivals: Sequence[ImportedChange]) -> int:
        """Import what was not imported before, or count it; return how many those are."""
        job = self.job
        if self.writes:
            return len(lifecycle.import_changes(arrivals, job.origin, actor=job.actor))
        numbers = [arrival.external_id for arrival in arrivals]
        known = Change.objects.filter(external_source=job.map.source, external_id__in=numbers)
        return len(arrivals) - known.count()

    def _read(self, line: Line) -> tuple[ImportedChange | None, list[Problem]]:
        arrival, problems = self.reader.read(line)
        identity = self.reader.identity(line)
        first = self._first_line_with(identity, line)
        if identity and first != line.number:
            reason = _("Line %d has the same number.") % first
            problems = [
                *problems,
                Problem(line.number, ", ".join(self.job.map.identity), identity, reason),
            ]
        return (None if problems else arrival), problems

    def _first_line_with(self, identity: str, line: Line) -> int:
        key = int.from_bytes(blake2b(identity.encode(), digest_size=8).digest())
        return self.lines_by_identity.setdefault(key, line.number)
