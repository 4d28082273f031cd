"""Entries of history as acts: what one person did at once, in one place.

A step saves several records, and each of them has a row of history of its own. A reader wants
to see the step once, with all that it changed. Rows know the act in which they were written
(``expansive_cm.workflow.acts``). Of rows that know none, as they are older than that or were
written outside of an act, those are put together that follow each other within a second, by the
same person, for the same reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from .describe import Entry, FieldChange

APART = timedelta(seconds=1)
"""Rows that know no act belong together if they are no further from each other than this."""


@dataclass(frozen=True)
class Act:
    """One act; ``parts`` are the records that it touched, ``whys`` its reasons, the main first."""

    parts: tuple[Entry, ...]
    whys: tuple[str, ...] = ()

    @property
    def main(self) -> Entry:
        """The record that names the act: the change where there is one."""
        return self.parts[0]

    @property
    def why(self) -> str:
        """The reason with the person's own words, which not every record of the act has."""
        return self.whys[0] if self.whys else ""


def acts_of(entries: Iterable[Entry]) -> list[Act]:
    """Put entries, newest first, together into acts, newest first."""
    found: list[list[Entry]] = []
    numbered: dict[object, list[Entry]] = {}
    for entry in entries:
        act = (entry.within, *_who_and_where(entry))
        if act in numbered:
            numbered[act].append(entry)
        elif entry.within is None and found and _belong_together(found[-1][-1], entry):
            found[-1].append(entry)
        else:
            found.append([entry])
            if entry.within is not None:
                numbered[act] = found[-1]
    return [_act(rows) for rows in found]


def _act(rows: Sequence[Entry]) -> Act:
    parts = _parts(rows)
    return Act(tuple(parts), tuple(_reasons([parts[0].why, *(row.why for row in rows[::-1])])))


def _who_and_where(entry: Entry) -> tuple[str, str]:
    return entry.by, entry.url or entry.what


def _belong_together(later: Entry, entry: Entry) -> bool:
    same = later.within is None and _who_and_where(later) == _who_and_where(entry)
    return same and abs(later.at - entry.at) <= APART and _is_same_reason(later.why, entry.why)


def _is_same_reason(one: str, other: str) -> bool:
    """Whether both name the same act: “documented the change”, with more words or without."""
    short, long = sorted((one, other), key=len)
    return short == long or bool(short) and long.startswith(f"{short}: ")


def _reasons(whys: Iterable[str]) -> list[str]:
    """Return each reason once, with as many words as were given for it."""
    found: list[str] = []
    for why in filter(None, whys):
        place = next((n for n, one in enumerate(found) if _is_same_reason(one, why)), None)
        if place is None:
            found.append(why)
        else:
            found[place] = max(found[place], why, key=len)
    return found


def _parts(rows: Sequence[Entry]) -> list[Entry]:
    """Return one entry per record, the change first, the others in the order of writing."""
    parts: list[Entry] = []
    for row in reversed(rows):
        place = next((n for n, one in enumerate(parts) if _is_continued(one, row)), None)
        if place is None:
            parts.append(row)
        else:
            parts[place] = _joined(parts[place], row)
    parts.sort(key=lambda part: not part.is_change)
    return [part for part in parts if part.fields] or parts[:1]


def _is_continued(earlier: Entry, later: Entry) -> bool:
    return later.both and earlier.record == later.record


def _joined(earlier: Entry, later: Entry) -> Entry:
    """Return what two rows of one record changed together."""
    fields = {str(one.label): one for one in earlier.fields}
    for one in later.fields:
        before = fields.get(str(one.label), one).before
        fields[str(one.label)] = FieldChange(one.label, before, one.after)
    changed = [one for one in fields.values() if one.before != one.after]
    return replace(earlier, at=later.at, what=later.what, fields=changed)
