"""Pages of a list by keyset: each page begins after a row, never after a number of rows.

A page costs the same however deep it lies, and rows that others add meanwhile neither repeat
nor hide a row. The place is a signed token in the address, so that it can be neither guessed
nor bent; a token that belongs to another order is refused as well.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.translation import gettext as _

Row = TypeVar("Row", bound=models.Model)
Load = Callable[["models.QuerySet[Any]"], "models.QuerySet[Any]"]

Choose = Callable[["models.QuerySet[Any]", "Order", bool, int], Any]
"""Of rows, their order, whether it goes down, how many: a query of the keys of the first ones."""

SIGNER = signing.Signer(salt="changes.paging")
"""Named after where it began: a link to a page that was kept or sent goes on leading there."""
MAX_TOKEN = 2_000


class BadToken(ValueError):
    """The place in the list is not one that this list has given; ``str()`` is a sentence."""

    def __init__(self) -> None:
        super().__init__(_("This link to a page of the list is not valid. Start at its first."))


@dataclass(frozen=True)
class Order:
    """How a list is sorted: by a key without nulls, then by primary key in the same direction.

    An index on the key and the primary key serves both directions. Without a key the primary
    key alone decides.
    """

    name: str
    key: Combinable | None = None
    key_field: models.Field = field(default_factory=models.BigIntegerField)
    descending: bool = False
    start: tuple[Any, int] | None = None
    """Key and primary key of the row that a page goes on from."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page, and the tokens of the pages beside it ("" where there is none)."""

    rows: list[Row]
    next: str = ""
    previous: str = ""
    number: int = 1

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class _Place:
    """A row to go on from, forwards or backwards, and the number of the page that it leads to."""

    backwards: bool
    key: Any
    pk: int
    number: int


def page_of(
    rows: "models.QuerySet[Row]",
    order: Order,
    token: str = "",
    size: int = 50,
    load: Load = lambda rows: rows,
    choose: "Choose | None" = None,
) -> Page[Row]:
    """Return the page that the token names, the first one without a token.

    ``load`` adds what a row shows (joins, deferred fields); ``choose`` says which rows come first
    where that is not only a matter of their order. Raises BadToken. Costs one query; going back
    to the beginning of a list that has grown since costs a second, so that the first page is a
    full one.
    """
    read = partial(_slice, rows, order, size=size, load=load, choose=choose or first_in_order)
    if not token:
        return _forwards(read, order, None, size)
    place = _read(token, order)
    if not place.backwards:
        page = _forwards(read, order, place, size)
        return page if page.rows else _forwards(read, order, None, size)
    found = read(place)
    if len(found) <= size:
        return _forwards(read, order, None, size)
    found = found[size - 1 :: -1]
    number = max(place.number, 2)
    return Page(
        found,
        next=token_at(order, found[-1], number + 1),
        previous=token_at(order, found[0], number - 1, backwards=True),
        number=number,
    )


def _forwards(
    read: Callable[[_Place | None], list[Row]], order: Order, place: _Place | None, size: int
) -> Page[Row]:
    found = read(place)
    number = place.number if place else 1
    shown = found[:size]
    return Page(
        shown,
        next=token_at(order, shown[-1], number + 1) if len(found) > size else "",
        previous=token_at(order, shown[0], number - 1, backwards=True) if place and shown else "",
        number=number,
    )


def _slice(
    rows: "models.QuerySet[Row]",
    order: Order,
    place: _Place | None,
    *,
    size: int,
    load: Load,
    choose: Choose,
) -> list[Row]:
    """Read one row more than a page has, which tells whether another page follows."""
    descending = order.descending != bool(place and place.backwards)
    if place is not None:
        rows = rows.filter(_beyond(order, place, descending))
        order = replace(order, start=(place.key, place.pk))
    keys = choose(rows, order, descending, size + 1)
    return list(_with_keys(rows.model, keys, order, load, descending))


def first_in_order(
    rows: "models.QuerySet[Row]", order: Order, descending: bool, count: int
) -> "models.QuerySet[Any]":
    """Return the keys of the first rows of a list: the plain way to choose them."""
    return in_order(rows, order, descending)[:count].values("pk")


def _beyond(order: Order, place: _Place, descending: bool) -> Any:
    """Compare key and primary key as one row value, which an index on both can seek."""
    comparison = LessThan if descending else GreaterThan
    if order.key is None:
        return comparison(F("pk"), place.pk)
    kind = models.BooleanField()
    left = Func(order.key, F("pk"), function="ROW", output_field=kind)
    key = Value(place.key, output_field=order.key_field)
    right = Func(key, Value(place.pk), function="ROW", output_field=kind)
    return comparison(left, right)


def token_at(order: Order, row: models.Model, number: int, *, backwards: bool = False) -> str:
    """Return the token of the page that goes on from a row, which carries its ``sort_key``."""
    key = getattr(row, "sort_key", None) if order.key is not None else None
    text = None if key is None else order.key_field.get_prep_value(key)
    place = [order.name, int(backwards), text if isinstance(text, int | None) else str(text)]
    return SIGNER.sign_object([*place, row.pk, number])


def _read(token: str, order: Order) -> _Place:
    if len(token) > MAX_TOKEN:
        raise BadToken
    try:
        name, backwards, key, pk, number = SIGNER.unsign_object(token)
        if name != order.name:
            raise BadToken
        return _Place(bool(backwards), order.key_field.to_python(key), int(pk), int(number))
    except (signing.BadSignature, ValidationError, ValueError, TypeError) as error:
        raise BadToken from error


def in_order(
    rows: "models.QuerySet[Row]", order: Order, descending: bool | None = None
) -> "models.QuerySet[Row]":
    """Return all rows in the order that the pages have, or in the opposite one."""
    sign = "-" if (order.descending if descending is None else descending) else ""
    if order.key is None:
        return rows.order_by(f"{sign}pk")
    keyed: Any = rows.annotate(sort_key=order.key)  # of the same rows
    ordered: models.QuerySet[Row] = keyed.order_by(f"{sign}sort_key", f"{sign}pk")
    return ordered


def loaded(
    chosen: "models.QuerySet[Row]",
    order: Order,
    load: Load,
    descending: bool | None = None,
) -> "models.QuerySet[Row]":
    """Return the rows of a sliced queryset with all that ``load`` joins to them.

    PostgreSQL is made to choose the few rows before it joins anything: left to itself it joins
    every candidate first whenever it takes them for few.
    """
    return _with_keys(chosen.model, chosen.values("pk"), order, load, descending)


def _with_keys(
    model: Any, keys: Any, order: Order, load: Load, descending: bool | None
) -> "models.QuerySet[Any]":
    return in_order(load(model._default_manager.filter(pk__in=keys)), order, descending)
