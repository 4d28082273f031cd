"""Which tests a change may touch, how far away each is, and which of them fit into the time."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Uses = Mapping[str, Iterable[str]]
"""What each part uses itself: modules by their dotted names, other files by their paths."""


@dataclass
class Touched:
    """The test modules that reach a changed part, by the number of steps to the nearest one.

    `through` names for each the part by which it was reached, `of` what was changed. What no
    test reaches is `unknown`: then nobody can say which tests prove it.
    """

    steps: dict[str, int] = field(default_factory=dict)
    through: dict[str, str] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def add(self, other: "Touched") -> None:
        """Take in what another change touches: the shorter way to a test counts."""
        for name, number in other.steps.items():
            if number < self.steps.get(name, number + 1):
                self.steps[name] = number
                self.through[name], self.of[name] = other.through[name], other.of[name]
        self.unknown += other.unknown


@dataclass
class Plan:
    """The tests that are run now, and those left to `make test`."""

    run: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0


def touched(changed: Iterable[str], uses: Uses, tests: set[str]) -> Touched:
    """Follow the uses backwards from every changed part to the tests."""
    users = reverse(uses)
    found = Touched()
    for part in sorted(changed):
        steps, through = distances(part, users)
        reached = {name: number for name, number in steps.items() if name in tests}
        found.add(
            Touched(
                steps=reached,
                through={name: through[name] for name in reached},
                of=dict.fromkeys(reached, part),
                unknown=[] if reached else [part],
            )
        )
    return found


def reverse(uses: Uses) -> dict[str, set[str]]:
    """Who uses each part."""
    users: defaultdict[str, set[str]] = defaultdict(set)
    for user, parts in uses.items():
        for part in parts:
            users[part].add(user)
    return users


def distances(part: str, users: Mapping[str, set[str]]) -> tuple[dict[str, int], dict[str, str]]:
    """The steps from a part to everything that uses it, and the last part on each way."""
    steps, through = {part: 0}, {part: part}
    waiting = deque([part])
    while waiting:
        here = waiting.popleft()
        for user in sorted(users.get(here, ())):
            if user not in steps:
                steps[user], through[user] = steps[here] + 1, here
                waiting.append(user)
    return steps, through


def plan(found: Touched, cost: Mapping[str, float], seconds: float) -> Plan:
    """Take tests as long as they fit; one that was changed itself is always taken.

    Of those that reach the change, first come those named like it, then the nearest, then those
    of its app, then the quick ones.
    """

    def order(name: str) -> tuple[object, ...]:
        subject, app = likeness(name, found.of[name])
        return found.steps[name] > 0, -subject, found.steps[name], -app, cost[name], name

    made = Plan()
    for name in sorted(found.steps, key=order):
        if found.steps[name] == 0 or made.seconds + cost[name] <= seconds:
            made.run.append(name)
            made.seconds += cost[name]
        else:
            made.left.append(name)
    return made


def likeness(test: str, part: str) -> tuple[int, int]:
    """How many words a test's own name shares with a part's, and how many their folders share."""
    one, other = re.split(r"[./]", test), re.split(r"[./]", re.sub(r"(/.*)\.\w+$", r"\1", part))
    return len(words(one[-1]) & words(other[-1])), len(set(one[:-1]) & set(other[:-1]))


def words(name: str) -> set[str]:
    """The words of a name, of one or of many."""
    return {word.removesuffix("s") for word in re.findall("[a-z]+", name)}
