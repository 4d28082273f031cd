"""Orders of the list by what stands in another table, such as the name of a person.

No index has all changes in the order of their owners' names, and a name that each change kept
would be rewritten in thousands of them whenever somebody is renamed. But an index has the people
by name, and another the changes of each. So the next rows are found by walking through the
people: ``Walked.ahead`` names as many of them as are asked for, whichever of these are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet, Value
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from expansive_cm.ui.paging import Order, in_order

from .models import Change

GROUPS = 20_000
"""Past so many people, with changes or without, the walk ends: what it has found is still next."""
FIRST, LAST = "0", "2"
"""The keys of what has nobody; all others begin with 1."""


@dataclass(frozen=True)
class Walked(Order):
    """An order in which what has nothing in a field of changes comes last both ways.

    ``none`` is the key of that, None where nothing is without.
    """

    field: str = ""
    none: Any = None

    def ahead(self, descending: bool, most: int) -> RawSQL:
        """Return a query of the keys of the next ``most`` rows of all that there are.

        They may be fewer, or twice as many: each row that lies before one of them is among them.
        """
        known = self._known(descending, most)
        is_first = self.descending != descending
        if self.none is None or (is_first and self.start and self.start[0] != self.none):
            return RawSQL(*known)  # noqa: S611 (values are parameters)
        beyond, params = self._beyond(descending)
        none = OF_NONE.format(column=self._column, beyond=beyond, way=_way(descending))
        pair = [(none, [*params, most]), known]
        first, then = pair if is_first else reversed(pair)
        more, values = ("", []) if is_first else self._unless_cut(descending)
        sql = BOTH.format(first=first[0], then=then[0], more=more)
        return RawSQL(sql, [*first[1], *then[1], most, *values])  # noqa: S611 (as above)

    def _known(self, descending: bool, most: int) -> tuple[str, list[Any]]:
        """Return a query of the next that have something in the field, in their order."""
        raise NotImplementedError

    def _unless_cut(self, descending: bool) -> tuple[str, list[Any]]:
        """Return what else must be so that ``_known`` ends where nothing more is known."""
        return "", []

    def _beyond(self, descending: bool) -> tuple[str, list[Any]]:
        """Return the condition by which rows without anything begin at the place."""
        if self.start is None or self.start[0] != self.none:
            return "", []
        return f"AND id {'<' if descending else '>'} %s", [self.start[1]]

    @property
    def _column(self) -> str:
        field: Any = Change._meta.get_field(self.field)
        return f'"{field.column}"'


@dataclass(frozen=True)
class ByGroup(Walked):
    """An order by a key of each group of rows, then by primary key within the group.

    A group is a row of ``model``, which ``sort`` sorts, or one of the ``values``, each with its
    key: the value then, not the field, may be empty.
    """

    model: type[Model] | None = None
    sort: Combinable | None = None
    values: Sequence[tuple[str, str]] = ()

    def _known(self, descending: bool, most: int) -> tuple[str, list[Any]]:
        groups, params = self._groups(descending)
        beyond, args = "", list[Any]()
        if self.start is not None:
            beyond = f"AND (g.key <> %s OR id {'<' if descending else '>'} %s)"
            args = [*self.start]
        sql = OF_GROUPS.format(
            groups=groups, column=self._column, beyond=beyond, way=_way(descending)
        )
        return sql, [*params, GROUPS, *args, most, most]

    def _unless_cut(self, descending: bool) -> tuple[str, list[Any]]:
        groups, params = self._groups(descending)
        return UNLESS_CUT.format(groups=groups), [*params, GROUPS]

    def _groups(self, descending: bool) -> tuple[str, list[Any]]:
        """Return a query of the groups from the place on, in their order."""
        key = self.start[0] if self.start is not None else None
        if self.model is None:
            ahead = [
                one
                for one in sorted(self.values, reverse=descending)
                if key is None or (one[0] <= key if descending else one[0] >= key)
            ]
            rows = ", ".join(["(%s, %s)"] * len(ahead)) or "(NULL, NULL)"
            return f"VALUES {rows}", [text for one in ahead for text in one[::-1]]
        found: QuerySet[Any] = self.model._default_manager.annotate(key=self.sort)
        if key is not None:
            beyond = LessThanOrEqual if descending else GreaterThanOrEqual
            found = found.filter(beyond(self.sort, Value(key)))
        found = found.order_by("-key" if descending else "key").values_list("pk", "key")
        sql, values = found.query.sql_with_params()
        return sql, [*values]


@dataclass(frozen=True)
class ByDay(Walked):
    """An order by a day or a moment that not every change has, of which an index has those."""

    def _known(self, descending: bool, most: int) -> tuple[str, list[Any]]:
        beyond, args = "", list[Any]()
        if self.start is not None:
            beyond = f"AND ({self._column}, id) {'<' if descending else '>'} (%s, %s)"
            args = [*self.start]
        sql = OF_DAYS.format(column=self._column, beyond=beyond, way=_way(descending))
        return sql, [*args, most]


def _way(descending: bool) -> str:
    return "DESC" if descending else "ASC"


OF_DAYS = """
    SELECT id FROM changes_change WHERE {column} IS NOT NULL {beyond}
    ORDER BY {column} {way}, id {way} LIMIT %s
"""
OF_GROUPS = """
    SELECT c.id FROM (SELECT * FROM ({groups}) AS groups LIMIT %s) AS g (id, key)
    CROSS JOIN LATERAL (
        SELECT id FROM changes_change WHERE {column} = g.id {beyond} ORDER BY id {way} LIMIT %s
    ) AS c
    LIMIT %s
"""
"""Without an order of the whole, which PostgreSQL would rather make of all groups than go through
some: a loop through rows that are in order, each with its own, keeps theirs (test_paging)."""
OF_NONE = "SELECT id FROM changes_change WHERE {column} IS NULL {beyond} ORDER BY id {way} LIMIT %s"
UNLESS_CUT = "AND NOT EXISTS (SELECT 1 FROM ({groups}) AS g OFFSET %s)"
BOTH = """
    WITH first AS MATERIALIZED ({first})
    SELECT id FROM first
    UNION ALL (
        SELECT id FROM ({then}) AS others WHERE (SELECT count(*) FROM first) < %s {more}
    )
"""
"""What comes second counts only where what comes first has ended."""


def ahead(rows: "QuerySet[Change]", order: Order, descending: bool, most: int) -> Any:
    """Return rows in order, of which only so many of the next need be looked at."""
    if isinstance(order, Walked):
        return in_order(rows.filter(pk__in=order.ahead(descending, most)), order, descending)
    return in_order(rows, order, descending)
