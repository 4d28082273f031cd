"""What is still to happen, the earliest first; acting on one entry may add others."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(order=True)
class Entry:
    """One thing that happens at one moment; entries of the same moment keep their order."""

    moment: datetime
    number: int
    title: str = field(compare=False)
    act: Callable[[], object] = field(compare=False)


class Diary:
    """Entries up to now; what would happen later is left to the future."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.entries: list[Entry] = []
        self.added = 0

    def add(self, moment: datetime, title: str, act: Callable[[], object]) -> None:
        """Enter something, unless it lies in the future."""
        if moment <= self.now:
            heapq.heappush(self.entries, Entry(moment, self.added, title, act))
            self.added += 1

    def __iter__(self) -> Iterator[Entry]:
        """Take the entries out one after another."""
        while self.entries:
            yield heapq.heappop(self.entries)
