"""Which service needs which: pure functions over pairs of a service and one that it needs.

``services`` reads the pairs, and ``lifecycle.services`` keeps them free of circles.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Pair = tuple[int, int]
"""A service, and one that it needs."""

DEPTH = 3
"""So many steps away a dependant or prerequisite counts as one of a plan."""


@dataclass(frozen=True)
class Links:
    """Services and what they need, to be asked in both directions."""

    needs: Mapping[int, Sequence[int]] = field(default_factory=dict)
    needed_by: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "Links":
        """Return the links that these pairs say, each once."""
        needs: dict[int, list[int]] = defaultdict(list)
        needed_by: dict[int, list[int]] = defaultdict(list)
        for service, needed in sorted({*pairs}):
            needs[service].append(needed)
            needed_by[needed].append(service)
        return cls(dict(needs), dict(needed_by))

    @property
    def pairs(self) -> list[Pair]:
        """Every pair, in order."""
        return [(one, other) for one, others in sorted(self.needs.items()) for other in others]

    def prerequisites(self, of: Collection[int], depth: int = DEPTH) -> dict[int, int]:
        """Return what these services need, themselves or through others, and how far away it is."""
        return _reached(self.needs, of, depth)

    def dependants(self, of: Collection[int], depth: int = DEPTH) -> dict[int, int]:
        """Return what needs these services, itself or through others, and how far away it is."""
        return _reached(self.needed_by, of, depth)

    def way(self, service: int, needed: int) -> list[int]:
        """Return the shortest way from a service to one that it needs, both included; [] if none.

        A service needs itself by no way but a circle, so that one of itself is itself alone.
        """
        before: dict[int, int | None] = {service: None}
        at = [service]
        while at and needed not in before:
            following = []
            for one in at:
                for other in self.needs.get(one, ()):
                    if other not in before:
                        before[other] = one
                        following.append(other)
            at = following
        if needed not in before:
            return []
        found: list[int] = []
        step: int | None = needed
        while step is not None:
            found.append(step)
            step = before[step]
        return found[::-1]


def _reached(links: Mapping[int, Sequence[int]], of: Collection[int], depth: int) -> dict[int, int]:
    """Return the distance of each service that is reached, without those one begins with."""
    distance = dict.fromkeys(of, 0)
    at: Collection[int] = of
    for far in range(1, depth + 1):
        following = dict.fromkeys(two for one in at for two in links.get(one, ()))
        at = [one for one in following if one not in distance]
        distance.update(dict.fromkeys(at, far))
    return {one: far for one, far in distance.items() if far}


# The picture ----------------------------------------------------------------------------------

WIDTH, HEIGHT, GAP_X, GAP_Y = 168, 44, 48, 12
"""The size of a box in the picture, and what lies between boxes."""
LINE = 21
"""So many small letters fit in a line of a box, of which it has two."""
LANE = 10
"""The height of a line that passes below the boxes of a column."""


@dataclass(frozen=True)
class Box:
    """Where a service stands in the picture."""

    key: int
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """Boxes in columns, each left of what it needs, and the lines between them."""

    boxes: list[Box]
    lines: list[str]
    width: int
    height: int


def picture(columns: Mapping[int, int], pairs: Iterable[Pair], names: Mapping[int, str]) -> Picture:
    """Place services in their columns, by name, and draw a line from each to what it needs.

    A line that passes columns does so below their boxes, with all others to the same service.
    """
    pairs = [pair for pair in pairs if columns.keys() >= {*pair}]
    rows: dict[int, list[int]] = defaultdict(list)
    for key in sorted(columns, key=lambda one: (names[one].casefold(), one)):
        rows[columns[key]].append(key)
    lanes: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs:
        for column in range(columns[one] + 1, columns[other]):
            if other not in lanes[column]:
                lanes[column].append(other)
    heights = {
        column: len(keys) * (HEIGHT + GAP_Y) - GAP_Y + len(lanes[column]) * LANE
        for column, keys in rows.items()
    }
    height = max(heights.values(), default=0)
    places: dict[int, Box] = {}
    passing: dict[Pair, int] = {}
    for column, keys in rows.items():
        top = (height - heights[column]) // 2
        for number, key in enumerate(keys):
            y = top + number * (HEIGHT + GAP_Y)
            places[key] = Box(key, column * (WIDTH + GAP_X), y)
        below = top + len(keys) * (HEIGHT + GAP_Y) - GAP_Y
        for number, key in enumerate(lanes[column], 1):
            passing[column, key] = below + number * LANE
    lines = [
        _line(
            places[one],
            places[other],
            [passing[column, other] for column in range(columns[one] + 1, columns[other])],
        )
        for one, other in pairs
    ]
    width = (max(rows, default=-1) + 1) * (WIDTH + GAP_X) - GAP_X
    return Picture([*places.values()], lines, max(width, 0), height)


def lines_of(name: str) -> list[str]:
    """Return a name in the one or two lines that fit into a box; what does not is cut off."""
    words, lines = name.split(), [""]
    while words and len(lines) < 3:
        word = words.pop(0)
        longer = f"{lines[-1]} {word}".strip()
        if _wide(longer) <= LINE or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    shown = [_cut(line) for line in lines[:2]]
    if len(lines) > 2 and not shown[1].endswith("…"):
        shown[1] = _cut(shown[1], more=True)
    return shown


def _cut(line: str, *, more: bool = False) -> str:
    """Return as much of a line as fits; accents stay with their letters."""
    if _wide(line) <= LINE - more:
        return f"{line}…" if more else line
    fits, wide = 0, 1.0
    while (wide := wide + _wide(line[fits])) <= LINE:
        fits += 1
    return f"{line[:fits]}…"


def _wide(text: str) -> float:
    """Return how wide a text is about, in small letters."""
    return sum(map(_width, text))


def _width(sign: str) -> float:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(sign) in "WF":
        return 2
    if sign in "mwMW@%":
        return 1.6
    return 1.3 if sign.isupper() else 1


def _line(one: Box, other: Box, passing: Sequence[int]) -> str:
    """Return the path from the right of a box to the left of another, past columns between."""
    x, y = one.x + WIDTH, one.y + HEIGHT // 2
    path = f"M{x} {y}"
    for to_y in (*passing, other.y + HEIGHT // 2):
        middle, to_x = x + GAP_X // 2, x + GAP_X
        path += f"C{middle} {y} {middle} {to_y} {to_x} {to_y}"
        x, y = to_x + WIDTH, to_y
        path += f"H{x}"
    return path.removesuffix(f"H{x}")


def columns_of(pairs: Iterable[Pair]) -> dict[int, int]:
    """Return a column for each service so that it stands left of all that it needs."""
    links = Links.of(pairs)
    column: dict[int, int] = {}
    waits = {key: len(found) for key, found in links.needed_by.items()}
    at = [key for key in links.needs if not waits.get(key)]
    column.update(dict.fromkeys(at, 0))
    while at:
        one = at.pop()
        for other in links.needs.get(one, ()):
            column[other] = max(column.get(other, 0), column[one] + 1)
            waits[other] -= 1
            if not waits[other]:
                at.append(other)
    return column
