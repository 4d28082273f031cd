"""Statements that are asked for on most pages: written once, and run with other values.

Django writes the SQL of a queryset anew each time, and PostgreSQL plans it anew, which costs more
than running it where it finds a row or two by an index.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Generic, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.expressions import Expression
from django.db.models.fields.related import ManyToOneRel
from django.db.models.query import QuerySet, get_related_populators
from django.db.transaction import TransactionManagementError
from django.utils.functional import cached_property

from expansive_cm.prepared import Prepared
from expansive_cm.sure import sure

M = TypeVar("M", bound=models.Model)


class Given(Expression):
    """Stands in a queryset for a value that is given when its statement is run."""

    def __init__(self, name: str, output_field: models.Field | None = None) -> None:
        super().__init__(output_field=output_field or models.BigIntegerField())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Leave the place of the value open."""
        return "%s", [self]


def given_keys(name: str) -> Given:
    """Return what stands for a list of keys that is given when a statement is run."""
    return Given(name, ArrayField(models.BigIntegerField()))


def is_one_of(field: str, keys: Given | Iterable[int]) -> models.Q:
    """Return the condition that a field is one of some keys: known ones, or a list to be given."""
    if not isinstance(keys, Given):
        return models.Q(**{f"{field}__in": sorted(keys)})
    is_among = models.Func(
        models.F(field),
        keys,
        template="(%(expressions)s))",
        arg_joiner=" = ANY(",
        output_field=models.BooleanField(),
    )
    return models.Q(is_among)


class Statement:
    """A queryset of plain columns (`values_list`) whose SQL is written when it is first run.

    ``planned_once`` is for what the product asks whoever is there: each connection keeps its plan.
    ``fits_all`` says of that plan what it says of `Prepared`.
    """

    def __init__(
        self,
        make: Callable[[], "models.QuerySet[Any, Any]"],
        *,
        planned_once: bool = False,
        fits_all: bool = False,
    ) -> None:
        self._make = make
        self._planned_once = planned_once
        self._fits_all = fits_all

    @cached_property
    def written(self) -> tuple[str, tuple[Any, ...]] | None:
        """The SQL and its parameters; None where nothing can be found, whatever is there."""
        try:
            return self._make().query.sql_with_params()
        except EmptyResultSet:
            return None

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """Run it with a value for each `Given`, in one query. Raises KeyError for one missing."""
        if self.written is None:
            return []
        if self._planned_once:
            return self.prepared.rows(given)
        with connection.cursor() as cursor:
            cursor.execute(*self.part(given))
            return cursor.fetchall()

    def part(self, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Return its SQL and parameters with these values. Raises KeyError for one missing."""
        assert self.written is not None
        sql, parameters = self.written
        return sql, [given[one.name] if isinstance(one, Given) else one for one in parameters]

    @cached_property
    def prepared(self) -> Prepared:
        """The question as each connection plans it once, where something can be found at all."""
        assert self.written is not None
        return _prepared(*self.written, fits_all=self._fits_all)


def rows_of_all(parts: Iterable[tuple[Statement, Mapping[str, Any]]]) -> list[tuple[Any, ...]]:
    """Return the rows of several statements with columns alike, one after the other, in one query.

    None of the statements may be one with which nothing can be found.
    """
    written = [statement.part(given) for statement, given in parts]
    if not written:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"({sql})" for sql, _values in written),
            [value for _sql, values in written for value in values],
        )
        return cursor.fetchall()


class ObjectStatement(Generic[M]):
    """A queryset of objects whose SQL is written when it is first run, and planned once.

    It may select related objects, annotate and lock, but not prefetch. What it depends on besides
    each `Given` must hold as long as the process: no time, zone or language.
    """

    def __init__(self, make: Callable[[], "models.QuerySet[M]"]) -> None:
        self._make = make

    @cached_property
    def _written(self) -> "_Written | None":
        compiler = self._make().query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return None
        return _Written(compiler, sql, parameters)

    def objects(self, **given: Any) -> list[M]:
        """Run it with a value for each `Given`, in one query. Raises KeyError for one missing.

        Raises TransactionManagementError for one that locks, outside of a transaction.
        """
        return [] if self._written is None else self._written.objects(given)

    def get(self, **given: Any) -> M:
        """Return the one object it finds. Raises its model's DoesNotExist where there is none."""
        found = self.objects(**given)
        if not found:
            model: Any = self._make().model
            raise model.DoesNotExist(f"Nothing matches {given}.")
        return found[0]


class _Written:
    """The SQL of a queryset of objects, and how each of its rows becomes one."""

    def __init__(self, compiler: Any, sql: str, parameters: tuple[Any, ...]) -> None:
        self._prepared = _prepared(sql, parameters)
        self._locks = compiler.query.select_for_update
        info, columns = compiler.klass_info, compiler.select
        self._model, own = info["model"], info["select_fields"]
        self._own = slice(own[0], own[-1] + 1)
        self._names = [column.target.attname for column, *_ in columns[self._own]]
        populators: Any = get_related_populators  # one argument more in later versions of Django
        self._related = populators(info, columns, DEFAULT_DB_ALIAS)
        self._annotations = compiler.annotation_col_map.items()
        self._converters = compiler.get_converters([column for column, *_ in columns])
        compiler.connection = connection  # that of the thread which asks, not of the first one
        self._convert = compiler.apply_converters

    def objects(self, given: dict[str, Any]) -> list[Any]:
        """Run it, and make the objects with all that was selected beside them."""
        if self._locks and connection.get_autocommit():
            raise TransactionManagementError("A row is locked within a transaction only.")
        rows = self._prepared.rows(given)
        found = []
        for row in self._convert(rows, self._converters) if self._converters else rows:
            one = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._own])
            for related in self._related:
                related.populate(row, one)
            for name, place in self._annotations:
                setattr(one, name, row[place])
            found.append(one)
        return found


def read_related(record: models.Model, relation: str) -> "QuerySet[Any]":
    """Return ``record.<relation>.all()``, which has been read, as after a prefetch. One query."""
    rows = getattr(record, relation).all()
    statement, field = _all_of(type(record), relation)
    rows._result_cache = statement.objects(record=record.pk)
    if field:
        for row in rows._result_cache:
            setattr(row, field, record)
    return rows


def known_or_read(record: models.Model, relation: str) -> "QuerySet[Any]":
    """Return ``record.<relation>.all()``, as it was prefetched or in one query."""
    known = record.__dict__.get("_prefetched_objects_cache", {})
    if relation in known or hasattr(known, "__missing__"):  # the latter reads it when asked
        return getattr(record, relation).all()
    return read_related(record, relation)


@cache
def _all_of(model: type[models.Model], relation: str) -> tuple[ObjectStatement[Any], str]:
    """Return what finds them, and the field by which each has the record; "" where many have it."""
    descriptor = getattr(model, relation)
    rel = descriptor.rel
    if isinstance(rel, ManyToOneRel):
        rows, name = rel.related_model._default_manager, rel.field.name
        return ObjectStatement(lambda: rows.filter(**{name: Given("record")})), name
    other, back = rel.model, rel.field.related_query_name()
    if descriptor.reverse:
        other, back = rel.related_model, rel.field.name
    many = other._default_manager
    return ObjectStatement(lambda: many.filter(**{back: Given("record")})), ""


def _prepared(sql: str, parameters: tuple[Any, ...], *, fits_all: bool = False) -> Prepared:
    given = {
        place: (one.name, sure(one.output_field.db_type(connection)))
        for place, one in enumerate(parameters)
        if isinstance(one, Given)
    }
    return Prepared(sql, parameters, given, fits_all=fits_all)
