"""What changed from one version of an agenda to the next: pure, on the entries as stored."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Entry = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One entry of an agenda and how it came to stand there."""

    number: int
    entry: Entry
    is_added: bool = False
    moved_from: int | None = None


def compare(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[list[Line], list[Line]]:
    """Return the lines of the later version, and those of the earlier one that are gone.

    Only what was taken out of its row counts as moved, not what had to make room: of the items
    on both agendas the longest row that kept its order has stayed.
    """
    places = {entry["item"]: number for number, entry in enumerate(before, 1)}
    kept = [entry["item"] for entry in after if entry["item"] in places]
    stayed = _longest_rise([places[item] for item in kept])
    lines = []
    for number, entry in enumerate(after, 1):
        place = places.get(entry["item"])
        moved = place if place is not None and place not in stayed else None
        lines.append(Line(number, entry, is_added=place is None, moved_from=moved))
    left = {entry["item"] for entry in after}
    gone = [
        Line(number, entry) for number, entry in enumerate(before, 1) if entry["item"] not in left
    ]
    return lines, gone


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the members of a longest rising subsequence of different numbers."""
    ends: list[int] = []
    previous: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(ends, number)
        previous[number] = ends[place - 1] if place else None
        ends[place : place + 1] = [number]
    rise: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        rise.add(last)
        last = previous[last]
    return rise
