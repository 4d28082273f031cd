"""Entries of history as acts: what one person did at one moment, for one reason, in one place.

A step saves several records, and each of them has a row of history of its own. A reader wants
to see the step once, with all that it changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from .describe import Entry, FieldChange

APART = timedelta(seconds=1)
"""Rows of one act are written in one transaction: no further from each other than this."""


@dataclass(frozen=True)
class Act:
    """One act, the newest row first; ``parts`` are the records that it touched."""

    parts: tuple[Entry, ...]

    @property
    def main(self) -> Entry:
        """The record that names the act: the change where there is one."""
        return self.parts[0]

    @property
    def why(self) -> str:
        """The reason with the person's own words, which not every record of the act has."""
        return max((part.why for part in self.parts), key=len)


def acts_of(entries: Iterable[Entry]) -> list[Act]:
    """Put entries, newest first, together into acts, newest first."""
    found: list[list[Entry]] = []
    for entry in entries:
        if found and _belong_together(found[-1][-1], entry):
            found[-1].append(entry)
        else:
            found.append([entry])
    return [Act(tuple(_parts(rows))) for rows in found]


def _belong_together(later: Entry, entry: Entry) -> bool:
    same = (later.by, later.url or later.what) == (entry.by, entry.url or entry.what)
    return same and abs(later.at - entry.at) <= APART and _is_same_reason(later.why, entry.why)


def _is_same_reason(one: str, other: str) -> bool:
    """Whether both name the same act: “documented the change”, with more words or without."""
    short, long = sorted((one, other), key=len)
    return short == long or bool(short) and long.startswith(f"{short}: ")


def _parts(rows: list[Entry]) -> list[Entry]:
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
