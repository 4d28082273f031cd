"""Which module answers an address of the product, or an address's name."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from expansive_cm.services.check.source import ANYTHING

ADMIN = re.compile(r"/?admin[/:]([a-z]*)")

WITH_ADMIN = ("accounts", "changes", "crb")


class Address(NamedTuple):
    """One row of the address tables: "/changes/*/" is ("changes", ANYTHING)."""

    segments: tuple[str, ...]
    name: str
    module: str


def table() -> list[Address]:
    """Every address of the product. Django's settings are read for it."""
    import django
    from django.urls import get_resolver

    django.setup()
    return list(rows(get_resolver().url_patterns, "", ""))


def rows(patterns: Iterable[Any], before: str, space: str) -> Iterator[Address]:
    """The addresses of a table and of those it includes."""
    for entry in patterns:
        route = before + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            yield from rows(entry.url_patterns, route, entry.namespace or space)
        else:
            view = getattr(entry.callback, "view_class", entry.callback)
            name = f"{space}:{entry.name}" if space else str(entry.name)
            yield Address(segments(re.sub(r"<[^>]*>", ANYTHING, route)), name, view.__module__)


def segments(address: str) -> tuple[str, ...]:
    """The parts of an address between its strokes; one that holds anything may be anything."""
    path = re.split(r"[?#]", address)[0].strip("/")
    return tuple(ANYTHING if ANYTHING in part else part for part in path.split("/"))


def answering(text: str, known: Iterable[Address]) -> set[str]:
    """The modules whose views a text of a test may mean; of the admin, an app's module for it."""
    if admin := ADMIN.match(text):
        return {f"{app}.admin" for app in ([admin[1]] if admin[1] else WITH_ADMIN)}
    if re.fullmatch(rf"[a-z]+:[\w{ANYTHING}]+", text):
        pattern = re.escape(text).replace(re.escape(ANYTHING), r"\w+")
        return {row.module for row in known if re.fullmatch(pattern, row.name)}
    if not text.startswith("/") or "\n" in text:
        return set()
    asked = segments(text)
    return {row.module for row in known if fits(asked, row.segments)}


def fits(asked: tuple[str, ...], row: tuple[str, ...]) -> bool:
    """Whether an address may be answered by this row."""
    return len(asked) == len(row) and all(
        ANYTHING in pair or pair[0] == pair[1] for pair in zip(asked, row, strict=True)
    )
