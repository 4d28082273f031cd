"""Every pattern that reads what came from outside takes time in proportion to its length.

The patterns are found in the source and fed with what suits them worst: as much of each thing they
can repeat, and of each beginning that comes to nothing. All of it is tasted in a small helping;
what could need too long for ten times as much is fed that, and the worst of it four times as much
again where it could need too long for that. What takes time with the square of its length shows
there what it would need for half a megabyte. What a quarter of its food shows to grow with its
length alone is not fed more. The limits are in seconds of this process alone, so a busy machine
changes nothing.
"""

import ast
import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

TASTE, SECONDS_TASTE = 5_000, 0.005
"""What grows with the cube and needs five seconds for ten times as much needs a thousandth here."""
SLOWEST = 5
"""So many are fed more however quick they were."""
FIRST, SECONDS_FIRST = 50_000, 5.0
WHOLE, SECONDS = 200_000, 6.4
"""What needs these and grows with the square needs forty seconds for half a megabyte."""
SECONDS_BENT = 3.2
"""Of what is tasted, this could be needed for ``FIRST`` by all that squares beyond ``SECONDS``."""
CUBE = (WHOLE // FIRST) ** 3
"""What needs less than this part of the limit for a quarter keeps it even if it grows cubically."""
OURS = ("bench", "demo", "management", "migrations", "services")
OWN_FILES = {"expansive_cm/environment.py", "expansive_cm/ui/icons.py"}
"""They read settings and files of the installation."""
WRITES_PATTERNS = re.compile(r"\bre\.|[Rr]egex")
"""Whatever else a file says is not read: each worker looks for patterns before its first test."""
CALLS = {"compile", "search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"}
CUT = {"expansive_cm/mailreader/quoting.py": 1_000}
"""Where only the beginning of a line is looked at: more than any caller passes on."""


def patterns() -> Iterator[tuple[str, str | bytes]]:
    """Yield each pattern written in the product, and the file it stands in."""
    root = Path(settings.BASE_DIR)
    for app in ("accounts", "audit", "changes", "crb", "expansive_cm"):
        for path in sorted((root / app).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name in OWN_FILES or set(OURS).intersection(name.split("/")):
                continue
            if not WRITES_PATTERNS.search(text := path.read_text()):
                continue
            for node in ast.walk(ast.parse(text)):
                if (found := _pattern(node)) is not None:
                    yield name, found


def _pattern(node: ast.AST) -> str | bytes | None:
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "regex":
        return _text(node.value)
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    for keyword in node.keywords:
        if keyword.arg == "regex":
            return _text(keyword.value)
    is_pattern = (
        function.attr in CALLS and getattr(function.value, "id", "") == "re"
        if isinstance(function, ast.Attribute)
        else getattr(function, "id", "") == "RegexValidator"
    )
    return _text(node.args[0]) if is_pattern and node.args else None


def _text(node: ast.expr) -> str | bytes | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
        return "".join(parts)
    return None


FOUND = sorted(set(patterns()), key=str)


def worst_food(pattern: str | bytes) -> set[str]:
    """Return what each repetition and each beginning of the pattern wants more of."""
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    tree = re._parser.parse(text)  # type: ignore[attr-defined]
    food: set[str] = set()

    def sample(items: object) -> str:
        return "".join(_sample(op, value) for op, value in items)

    def walk(items: object, before: str) -> None:
        for op, value in items:
            name = str(op)
            if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                unit = sample(value[2]) or "a"
                food.update({f"{before}\0{unit}\0", f"\0{before}{unit}\0"})
                walk(value[2], before)
            elif name == "SUBPATTERN":
                walk(value[3], before)
            elif name == "ATOMIC_GROUP":
                walk(value, before)
            elif name in ("ASSERT", "ASSERT_NOT"):
                walk(value[1], before)
            elif name == "BRANCH":
                for branch in value[1]:
                    walk(branch, before)
            before += _sample(op, value)
            food.add(f"\0{before}\0")

    def _sample(op: object, value: object) -> str:
        name = str(op)
        if name in ("LITERAL", "NOT_LITERAL"):
            code = value if name == "LITERAL" else (97 if value != 97 else 98)
            return chr(code)
        if name == "ANY":
            return "a"
        if name == "IN":
            return _of_set(value)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return sample(value[2]) * max(value[0], 1 if value[1] > 1 else 0)
        if name == "SUBPATTERN":
            return sample(value[3])
        if name == "ATOMIC_GROUP":
            return sample(value)
        if name == "BRANCH":
            return sample(value[1][0])
        return ""

    walk(tree, "")
    return food


def _of_set(items: object) -> str:
    for letter in "aA1 -_.:/>\n\t*#;,)@\0\x7f\x80\u200b\u2028\ue000\ufffe" + "".join(
        chr(value if str(op) == "LITERAL" else value[0])
        for op, value in items
        if str(op) in ("LITERAL", "RANGE")
    ):
        if _holds(items, letter):
            return letter
    return "a"


def _holds(items: object, letter: str) -> bool:
    kinds = {
        "CATEGORY_DIGIT": str.isdigit,
        "CATEGORY_SPACE": str.isspace,
        "CATEGORY_WORD": lambda one: one.isalnum() or one == "_",
    }
    held, negated = False, False
    for op, value in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            held |= value == ord(letter)
        elif name == "RANGE":
            held |= value[0] <= ord(letter) <= value[1]
        elif name == "CATEGORY":
            category = str(value)
            told = kinds[category.replace("NOT_", "")](letter)
            held |= told != ("NOT_" in category)
    return held != negated


def fed(pattern: str | bytes, food: str, size: int) -> float:
    """Return the seconds of this process that a pattern needs for that much of its food."""
    compiled = re.compile(pattern)
    before, unit, after = (food.split("\0") + ["", ""])[:3]
    text = before + unit * (size // len(unit) if unit else 0) + after + "\n\x01"
    data = text.encode("latin-1", "replace") if isinstance(pattern, bytes) else text
    begun = time.process_time()
    deque(compiled.finditer(data), maxlen=0)  # finds all, and keeps none
    compiled.fullmatch(data)
    return time.process_time() - begun


def at_most(times: float, needed: float, quarter: float) -> float:
    """Return what so many times as much food needs, were all that bends to grow with the cube.

    ``needed`` are the seconds for some food and ``quarter`` those for a quarter of it.
    """
    bent = max(0.0, needed - 4 * quarter) * 16 / 15
    return times * needed + times**3 * bent


def may_need(
    pattern: str | bytes, food: str, *, needed: float, size: int, more: int, limit: float
) -> bool:
    """Whether a pattern that ``needed`` so long for ``size`` could exceed a limit for ``more``."""
    # The quicker of two: a hiccup must not hide what bends.
    quarter = min(fed(pattern, food, size // 4) for _ in range(2))
    return at_most(more / size, needed, quarter) >= limit


@pytest.mark.parametrize(("file", "pattern"), FOUND, ids=[f"{f}-{p!r:.60}" for f, p in FOUND])
def test_no_pattern_needs_more_than_the_length_of_its_text(file: str, pattern: str | bytes) -> None:
    most = CUT.get(file, WHOLE)
    taste, first, whole = min(TASTE, most), min(FIRST, most), most
    tasted = {food: fed(pattern, food, taste) for food in sorted(worst_food(pattern))}
    slowest = sorted(tasted, key=tasted.__getitem__, reverse=True)

    def is_fed_more(food: str) -> bool:
        known = {"needed": tasted[food], "size": taste, "more": first}
        return tasted[food] >= SECONDS_TASTE and may_need(
            pattern, food, **known, limit=SECONDS_BENT
        )

    more = [*slowest[:SLOWEST], *filter(is_fed_more, slowest[SLOWEST:])]
    needed = {food: fed(pattern, food, first) for food in more}
    worst = max(needed, key=needed.__getitem__, default="")
    most_needed = needed.get(worst, 0)
    assert most_needed < SECONDS_FIRST, worst
    if most_needed * CUBE >= SECONDS and may_need(
        pattern, worst, needed=most_needed, size=first, more=whole, limit=SECONDS
    ):
        assert fed(pattern, worst, whole) < SECONDS, worst


def test_the_search_for_patterns_finds_them_all() -> None:
    """Wherever `re` is used in another way, the walk above must learn of it."""
    assert len(FOUND) > 80
    root = Path(settings.BASE_DIR)
    for app in ("accounts", "audit", "changes", "crb"):
        for path in (root / app).rglob("*.py"):
            assert not re.search(r"^from re import|__i?regex=", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "pattern",
    [r"(x/\S*?/)[\w-]{32,}", r"a+b", r"y\s*\s*:", r"(x_)*b", r"[^ ]+@[^ ]+\n", r"(?=\s*y)"],
)
def test_the_food_is_bad_enough(pattern: str) -> None:
    """A quadratic pattern needs 16 times as long for four times as much, and is fed more."""
    food = max(worst_food(pattern), key=lambda one: fed(pattern, one, 2_000))
    quarter, needed = fed(pattern, food, 2_500), fed(pattern, food, 10_000)
    assert needed > 8 * quarter
    assert at_most(20, needed, quarter) > 20**2 * needed


def test_what_grows_with_the_square_and_needs_too_long_is_fed_more() -> None:
    tasted = SECONDS * (TASTE / WHOLE) ** 2
    assert at_most(FIRST / TASTE, tasted, tasted / 16) > SECONDS_BENT
