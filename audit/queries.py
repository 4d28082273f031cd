"""The rows of history that a reader asks for, newest first, in a handful of queries.

History lies in some thirty tables. One statement asks each of them for its newest rows and
merges the answers; a second brings the chosen rows with what each object looked like before.

What happened to one change is read in the order in which it was written, which no clock turns
round; rows from before there was such an order come first, by their dates. All of history is
searched by days and read by dates; there that order settles what happened at one moment.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.core import signing
from django.db.models import (
    BigIntegerField,
    Case,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from accounts.history_rows import NUMBERED_FROM, act_of
from expansive_cm.statements import Given, Statement, given_keys, is_one_of, rows_of_all
from expansive_cm.sure import sure
from expansive_cm.ui.paging import MAX_TOKEN, BadToken

from .sources import Source, sources

SIGNER = signing.Signer(salt="audit.history")
WRITTEN = Case(When(history_id__gte=NUMBERED_FROM, then=F("history_id")), default=Value(0))
"""The place of a row in the order of writing, as `written` says it of a key."""


@dataclass(frozen=True)
class Wanted:
    """What to look for. ``people`` of None means everybody, and None among them the system."""

    sources: Sequence[Source] = ()
    change: int | Given | None = None
    object_pk: int | None = None
    people: Sequence[int | None] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def order(self) -> tuple[str, str]:
        """By what rows of several tables are sorted, before the table and the row in it."""
        in_order = self.change is not None or self.object_pk is not None
        return ("written", "history_date") if in_order else ("history_date", "written")

    def rows_of(self, source: Source) -> QuerySet[Any]:
        """Return the rows of one table that fit."""
        rows = source.history._default_manager.order_by().alias(written=WRITTEN)
        if self.change is not None:
            rows = rows.filter(source.of_change(self.change))
        if self.object_pk is not None:
            rows = rows.filter(**{source.pk_name: self.object_pk})
        if self.people is not None:
            by = Q(history_user__in=[pk for pk in self.people if pk is not None])
            rows = rows.filter(by | Q(history_user=None) if None in self.people else by)
        if self.since is not None:
            rows = rows.filter(history_date__gte=self.since)
        if self.until is not None:
            rows = rows.filter(history_date__lt=self.until)
        return rows


@dataclass(frozen=True)
class Place:
    """A row to go on from: the moment, the table and the row in it."""

    at: datetime
    source: int
    pk: int
    backwards: bool = False
    page: int = 1

    @property
    def key(self) -> "Key":
        """The key of the row."""
        return self.source, self.pk, self.at


@dataclass
class Version:
    """One row of history: an object as it was after an act, and as it was before.

    ``within`` is the number of that act, None for what was written without one.
    """

    source: Source
    pk: int
    at: datetime
    act: str
    by: int | None
    why: str
    within: int | None
    object_pk: int
    change_pk: int | None
    values: dict[str, Any]
    before: dict[str, Any] | None
    before_pk: int | None
    many: dict[str, set[int]] = field(default_factory=dict)
    many_before: dict[str, set[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class HistoryPage:
    """One page of history with the tokens of the pages beside it."""

    versions: list[Version]
    next: str = ""
    previous: str = ""
    number: int = 1


def history_page(wanted: Wanted, token: str = "", size: int = 30) -> HistoryPage:
    """Return a page of history, newest first. Costs three queries. Raises BadToken."""
    place = read_token(token) if token else None
    found = _keys(wanted, place, size + 1)
    backwards = place is not None and place.backwards
    if place is not None and (not found or (backwards and len(found) <= size)):
        return history_page(wanted, size=size)
    more = len(found) > size
    shown = found[:size]
    if backwards:
        shown.reverse()
    number = place.page if place else 1
    older = more or backwards
    newer = place is not None and (more or not backwards)
    return HistoryPage(
        versions=_load(shown),
        next=_token(shown[-1], number + 1) if older and shown else "",
        previous=_token(shown[0], max(number - 1, 1), backwards=True) if newer and shown else "",
        number=number,
    )


Key = tuple[int, int, datetime]
"""Number of the source, primary key in its table, moment."""


def written(pk: int) -> int:
    """Return the place of a row in the order of writing; 0 if it is older than that order."""
    return pk if pk >= NUMBERED_FROM else 0


def _sorted_by(order: tuple[str, str], key: Key) -> list[Any]:
    """Return a key's values for an order."""
    _number, pk, at = key
    values = {"written": written(pk), "history_date": at}
    return [values[name] for name in order]


def _token(key: Key, page: int, *, backwards: bool = False) -> str:
    number, pk, at = key
    return SIGNER.sign_object([at.isoformat(), number, pk, int(backwards), page])


def read_token(token: str) -> Place:
    """Return the place that a token of this list names. Raises BadToken."""
    if len(token) > MAX_TOKEN:
        raise BadToken
    try:
        at, number, pk, backwards, page = SIGNER.unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadToken from error
    return Place(sure(parse_datetime(at)), number, pk, bool(backwards), page)


def _keys(wanted: Wanted, place: Place | None, limit: int) -> list[Key]:
    """Return the keys of the rows of a page; each table gives at most a page of them."""
    numbers = tuple(source.number for source in wanted.sources)
    its_newest = place is None and wanted == Wanted(wanted.sources, change=wanted.change)
    if its_newest and numbers and wanted.change is not None:
        found: list[Key] = _newest_of_change(numbers, limit).rows(change=wanted.change)
    else:
        found = list(_merged(_parts(wanted, place, limit)))
    sign = bool(place is None or not place.backwards)
    found.sort(key=lambda key: (*_sorted_by(wanted.order, key), *key[:2]), reverse=sign)
    return found[:limit]


@cache
def _newest_of_change(numbers: tuple[int, ...], limit: int) -> Statement:
    """The statement of the first page of a change's history, from the sources of these numbers."""
    wanted = Wanted([sources()[number] for number in numbers], change=Given("change"))

    def newest() -> QuerySet[Any]:
        found: Any = _merged(_parts(wanted, None, limit))  # of one source at least
        rows: QuerySet[Any] = found
        return rows

    return Statement(newest, planned_once=True)


def _parts(wanted: Wanted, place: Place | None, limit: int) -> list[QuerySet[Any]]:
    """Return what to ask of each table."""
    parts = []
    sign = "" if place and place.backwards else "-"
    for source in wanted.sources:
        rows = wanted.rows_of(source)
        if place is not None:
            rows = rows.filter(_beyond(place, source, wanted.order))
        rows = rows.order_by(*(f"{sign}{name}" for name in (*wanted.order, "history_id")))
        parts.append(
            rows.values_list(
                Value(source.number, IntegerField()),
                F("history_id"),
                F("history_date"),
            )[:limit]
        )
    return parts


def _beyond(place: Place, source: Source, order: tuple[str, str]) -> Q:
    """Compare with a place, as `_keys` sorts; within one table its number is a constant."""
    side = "gt" if place.backwards else "lt"
    first, second = zip(order, _sorted_by(order, place.key), strict=True)
    past = Q((f"{first[0]}__{side}", first[1]))
    same = Q(first, (f"{second[0]}__{side}", second[1]))
    if source.number == place.source:
        same |= Q(first, second, **{f"history_id__{side}": place.pk})
    elif (source.number > place.source) == place.backwards:
        same |= Q(first, second)
    # The condition on its own lets an index on the first column be read from there on.
    return Q((f"{first[0]}__{side}e", first[1])) & (past | same)


def _merged(parts: list[QuerySet[Any]]) -> QuerySet[Any] | list[Any]:
    """Ask several tables in one statement."""
    if not parts:
        return []
    return parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]


def _load(keys: list[Key]) -> list[Version]:
    """Return the rows with what was there before, in the order of the keys."""
    by_source: dict[int, list[int]] = {}
    for number, pk, _at in keys:
        by_source.setdefault(number, []).append(pk)
    everything = sources()
    parts = [(_rows(number), {"rows": pks}) for number, pks in by_source.items()]
    versions = {}
    for number, pk, at, act, by, why, within, *about, now, earlier in rows_of_all(parts):
        source = everything[number]
        values, before = json.loads(now), json.loads(earlier) if earlier else None
        before_pk = before.pop("history_id") if before else None
        within = act_of(pk, within)
        of, change = about
        versions[number, pk] = Version(
            source, pk, at, act, by, why or "", within, of, change, values, before, before_pk
        )
    found = [versions[number, pk] for number, pk, _at in keys]
    _load_many(found)
    return found


def _as_json(source: Source) -> JSONObject:
    return JSONObject(
        history_id=F("history_id"), **{one.attname: F(one.attname) for one in source.fields}
    )


@cache
def _rows(number: int) -> Statement:
    """The statement of the rows of the source of this number, by their keys."""
    source = sources()[number]
    return Statement(lambda: _versions(source))


def _versions(source: Source) -> QuerySet[Any]:
    rows = source.history._default_manager.filter(
        is_one_of("history_id", given_keys("rows"))
    ).order_by()
    earlier = source.history._default_manager.filter(
        **{source.pk_name: OuterRef(source.pk_name)}, history_id__lt=OuterRef("history_id")
    )
    before = earlier.order_by("-history_id").values_list(_as_json(source))[:1]
    return rows.values_list(
        Value(source.number, IntegerField()),
        F("history_id"),
        F("history_date"),
        F("history_type"),
        F("history_user_id"),
        F("history_change_reason"),
        F("history_act"),
        F(source.pk_name),
        F(source.changes[0]) if source.changes else Value(None, BigIntegerField()),
        _as_json(source),
        Subquery(before),
    )


def _load_many(versions: list[Version]) -> None:
    """Fill in what many-to-many fields held, before and after."""
    parts = []
    for source in {version.source.number: version.source for version in versions}.values():
        pks = [v.pk for v in versions if v.source is source]
        pks += [v.before_pk for v in versions if v.source is source and v.before_pk]
        for place in range(len(source.many)):
            parts.append((_many(source.number, place), {"rows": pks}))
    held: dict[tuple[int, int, int], set[int]] = {}
    for number, place, history_pk, target in rows_of_all(parts):
        held.setdefault((number, place, history_pk), set()).add(target)
    for version in versions:
        for place, name in enumerate(version.source.many):
            number = version.source.number
            version.many[name] = held.get((number, place, version.pk), set())
            if version.before_pk:
                version.many_before[name] = held.get((number, place, version.before_pk), set())


@cache
def _many(number: int, place: int) -> Statement:
    """The statement of what a source's many-to-many field held, by its place among them."""
    table, column = list(sources()[number].many.values())[place]
    return Statement(
        lambda: (
            table._default_manager.filter(is_one_of("history", given_keys("rows")))
            .order_by()
            .values_list(
                Value(number, IntegerField()),
                Value(place, IntegerField()),
                F("history_id"),
                F(column),
            )
        )
    )
