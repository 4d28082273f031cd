"""The rows of history that a reader asks for, newest first, in a handful of queries.

History lies in some thirty tables. One statement asks each of them for its newest rows and
merges the answers; a second brings the chosen rows with what each object looked like before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import (
    BigIntegerField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from changes.paging import MAX_TOKEN, BadToken

from .sources import Source, sources

SIGNER = signing.Signer(salt="audit.history")


@dataclass(frozen=True)
class Wanted:
    """What to look for. ``people`` of None means everybody, and None among them the system."""

    sources: Sequence[Source] = ()
    change: int | None = None
    object_pk: int | None = None
    people: Sequence[int | None] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def rows_of(self, source: Source) -> QuerySet[Any]:
        """Return the rows of one table that fit."""
        rows = source.history._default_manager.order_by()
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


@dataclass
class Version:
    """One row of history: an object as it was after an act, and as it was before."""

    source: Source
    pk: int
    at: datetime
    act: str
    by: int | None
    why: str
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
    return Place(parse_datetime(at), number, pk, bool(backwards), page)


def _keys(wanted: Wanted, place: Place | None, limit: int) -> list[Key]:
    """Return the keys of the rows of a page; each table gives at most a page of them."""
    parts = []
    sign = "" if place and place.backwards else "-"
    for source in wanted.sources:
        rows = wanted.rows_of(source)
        if place is not None:
            rows = rows.filter(_beyond(place, source))
        rows = rows.order_by(f"{sign}history_date", f"{sign}history_id")
        parts.append(
            rows.values_list(
                Value(source.number, IntegerField()),
                F("history_id"),
                F("history_date"),
            )[:limit]
        )
    found = list(_merged(parts))
    found.sort(key=lambda key: (key[2], key[0], key[1]), reverse=bool(sign))
    return found[:limit]


def _beyond(place: Place, source: Source) -> Q:
    """Compare (moment, table, row) with a place; within one table its number is a constant."""
    side = "gt" if place.backwards else "lt"
    past = Q(**{f"history_date__{side}": place.at})
    if source.number == place.source:
        within = Q(history_date=place.at, **{f"history_id__{side}": place.pk})
        return Q(**{f"history_date__{side}e": place.at}) & (past | within)
    comes_after = (source.number > place.source) == place.backwards
    return Q(**{f"history_date__{side}e": place.at}) if comes_after else past


def _merged(parts: list[QuerySet[Any]]) -> Iterable[Any]:
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
    parts = [_rows(everything[number], pks) for number, pks in by_source.items()]
    versions = {}
    for number, pk, at, act, by, why, object_pk, change_pk, values, before in _merged(parts):
        source = everything[number]
        before_pk = before.pop("history_id") if before else None
        versions[number, pk] = Version(
            source, pk, at, act, by, why or "", object_pk, change_pk, values, before, before_pk
        )
    found = [versions[number, pk] for number, pk, _at in keys]
    _load_many(found)
    return found


def _as_json(source: Source) -> JSONObject:
    return JSONObject(
        history_id=F("history_id"), **{one.attname: F(one.attname) for one in source.fields}
    )


def _rows(source: Source, pks: list[int]) -> QuerySet[Any]:
    rows = source.history._default_manager.filter(history_id__in=pks).order_by()
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
        for place, (table, column) in enumerate(source.many.values()):
            parts.append(
                table._default_manager.filter(history__in=pks)
                .order_by()
                .values_list(
                    Value(source.number, IntegerField()),
                    Value(place, IntegerField()),
                    F("history_id"),
                    F(column),
                )
            )
    held: dict[tuple[int, int, int], set[int]] = {}
    for number, place, history_pk, target in _merged(parts):
        held.setdefault((number, place, history_pk), set()).add(target)
    for version in versions:
        for place, name in enumerate(version.source.many):
            number = version.source.number
            version.many[name] = held.get((number, place, version.pk), set())
            if version.before_pk:
                version.many_before[name] = held.get((number, place, version.before_pk), set())
