"""What saves a record is written once for each model and its fields, and run with other values.

Django writes the SQL of every INSERT and UPDATE anew, column by column, and asks each field how
its value is to be sent, though most are sent as they are. Where a value is an expression, Django's
own way is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import NoneType
from typing import Any, TypeAlias

from django.apps import apps
from django.core.exceptions import FullResultSet
from django.db import models
from django.db.backends.postgresql import compiler as django
from django.db.models import Field, Model

from expansive_cm.sure import sure

SQLCompiler = django.SQLCompiler
SQLDeleteCompiler = django.SQLDeleteCompiler
SQLAggregateCompiler = django.SQLAggregateCompiler

AnyField: TypeAlias = "Field[Any, Any]"

SENT_AS_THEY_ARE: "dict[type[AnyField], type]" = {
    models.CharField: str,
    models.TextField: str,
    models.BooleanField: bool,
    models.IntegerField: int,
    models.BigAutoField: int,
    models.AutoField: int,
    models.DateField: date,
    models.DateTimeField: datetime,
}
LISTS = " SELECT * FROM UNNEST("
"""Stands in an INSERT that is sent a list of values for each column."""
PREPARE = ("get_db_prep_save", "get_db_prep_value", "get_prep_value", "to_python")


class NotPlainError(Exception):
    """A value is an expression: what is sent depends on more than its field."""


@dataclass(frozen=True)
class Column:
    """How the values of one field are sent."""

    field: AnyField
    name: str
    makes_value: bool
    """Whether it makes its value as it is saved, such as the time."""
    has_own_placeholder: bool
    as_they_are: frozenset[type]
    """The types of which it sends a value unchanged; a datetime's zone must be UTC."""


@dataclass(frozen=True)
class Columns:
    """Those that a statement saves, with what was written of it."""

    columns: tuple[Column, ...]
    sql: dict[Any, str] = field(default_factory=dict)
    """By placeholders, and by what else it says."""


_known: dict[tuple[Any, ...], Columns] = {}


class SQLInsertCompiler(django.SQLInsertCompiler):
    """Writes an INSERT of plain values once, for one row and for any number of them."""

    writes_null = False

    def as_sql(self) -> list[tuple[str, Any]]:  # type: ignore[override]  # as Django's own does
        """Return the statement and its values, as Django does."""
        query: Any = self.query
        objs = query.objs
        if not objs or not query.fields or query.on_conflict or not lasts(query.model):
            return super().as_sql()
        known = _columns(query.model, query.fields)
        try:
            return self._one(known, objs[0]) if len(objs) == 1 else self._many(known, objs)
        except NotPlainError:
            return super().as_sql()

    def _one(self, known: Columns, row: Model) -> list[tuple[str, tuple[Any, ...]]]:
        """Return what inserts one record. Raises NotPlainError."""
        sent, placeholders = _sent(known, self._found(known, row), self)
        values: Sequence[Any] = sent
        key = (*map(id, self.returning_fields or ()), *placeholders)
        sql = known.sql.get(key)
        if sql is None:
            # Django lets each field make its value again: those are now in the record.
            [(sql, values)] = super().as_sql()
            known.sql[key] = sql
        return [(sql, tuple(values))]

    def _many(self, known: Columns, rows: Sequence[Model]) -> list[tuple[str, tuple[Any, ...]]]:
        """Return what inserts some records. Raises NotPlainError.

        Django sends a list for each column, so that the statement is one for any number of them;
        where values are in no list, it writes a place for each, and that is not kept.
        """
        key = ("MANY", *map(id, self.returning_fields or ()))
        sql = known.sql.get(key)
        if sql is None:
            [(sql, values)] = super().as_sql()
            if LISTS in sql:
                known.sql[key] = sql
            return [(sql, values)]
        sent = (_sent(known, self._found(known, row), self)[0] for row in rows)
        return [(sql, tuple(map(list, zip(*sent, strict=True))))]

    def _found(self, known: Columns, row: Model) -> list[Any]:
        """Return what a record has in the fields that are saved."""
        raw = self.query.raw
        return [
            getattr(row, one.name) if raw or not one.makes_value else one.field.pre_save(row, True)
            for one in known.columns
        ]


class SQLUpdateCompiler(django.SQLUpdateCompiler):
    """Writes what an UPDATE of plain values sets once; in which rows is Django's to write."""

    writes_null = True
    """Nothing is NULL for every field, whatever stands for its values."""

    def as_sql(self) -> tuple[str, Any]:  # type: ignore[override]  # as Django's own does
        """Return the statement and its values, as Django does."""
        query: Any = self.query
        wanted = query.values
        if not wanted or query.related_updates or not lasts(query.model):
            return super().as_sql()
        try:
            sql, values = self._set(wanted)
        except NotPlainError:
            return super().as_sql()
        self.pre_sql_setup()
        try:
            where, parameters = self.compile(query.where)
        except FullResultSet:
            return sql, tuple(values)
        return f"{sql} WHERE {where}", (*values, *parameters)

    def as_row(
        self, wanted: Sequence[tuple[AnyField, Any, Any]], key: Any
    ) -> tuple[str, tuple[Any, ...]] | None:
        """Return what updates the one row with this key; None for Django to write."""
        model: Any = self.query.model
        if not lasts(model):
            return None
        try:
            sql, values = self._set(wanted)
        except NotPlainError:
            return None
        pk = model._meta.pk
        quoted = self.connection.ops.quote_name
        where = f"{quoted(model._meta.db_table)}.{quoted(pk.column)} = %s"
        return f"{sql} WHERE {where}", (*values, pk.get_db_prep_value(key, self.connection))

    def _set(self, wanted: Sequence[tuple[AnyField, Any, Any]]) -> tuple[str, list[Any]]:
        """Return what sets the fields, and the values. Raises NotPlainError for expressions."""
        known = _columns(sure(self.query.model), [one for one, *_ in wanted])
        values, placeholders = _sent(known, [_key(*one) for one in wanted], self)
        key = ("SET", *placeholders)
        sql = known.sql.get(key)
        if sql is None:
            sql = known.sql[key] = self._setting(known.columns, placeholders)
        return sql, values

    def _setting(self, columns: Sequence[Column], placeholders: Sequence[str]) -> str:
        quoted, own = self.connection.ops.quote_name, iter(placeholders)
        pairs = ", ".join(
            f"{quoted(sure(one.field.column))} = {next(own) if one.has_own_placeholder else '%s'}"
            for one in columns
        )
        table = quoted(self.query.get_meta().db_table)
        return f"UPDATE {table} SET {pairs}"  # noqa: S608  # the models' own names


def lasts(model: type[Model]) -> bool:
    """Whether a model is none that passes, such as migrations make."""
    return model._meta.apps is apps


def _columns(model: type[Model], fields: Sequence[AnyField]) -> Columns:
    """Return what is known of some fields: by their ids, as each hash costs much more.

    They live as long as the process, and so do their ids: what is known holds them.
    """
    key = (model, *map(id, fields))
    known = _known.get(key)
    if known is None:
        known = _known[key] = Columns(tuple(map(column_of, fields)))
    return known


def column_of(one: AnyField) -> Column:
    """Return how the values of a field are sent."""
    makes_value = type(one).pre_save is not Field.pre_save
    has_placeholder = hasattr(one, "get_placeholder")
    unchanged: frozenset[type] = frozenset() if has_placeholder else _as_they_are(one)
    return Column(one, one.attname, makes_value, has_placeholder, unchanged)


def _as_they_are(one: AnyField) -> frozenset[type]:
    """Nothing is, of a field that has its own way of preparing a value."""
    if isinstance(one, models.ForeignKey):
        is_own = type(one).get_db_prep_save is not models.ForeignKey.get_db_prep_save
        return frozenset() if is_own else _as_they_are(one.target_field)
    for kind, python in SENT_AS_THEY_ARE.items():
        if isinstance(one, kind) and all(
            getattr(type(one), name) is getattr(kind, name) for name in PREPARE
        ):
            return frozenset((python, NoneType))
    return frozenset()


def _sent(known: Columns, found: Sequence[Any], compiler: Any) -> tuple[list[Any], list[str]]:
    """Return how values are sent, and the placeholders of the fields that have their own."""
    values, placeholders = [], []
    for one, value in zip(known.columns, found, strict=True):
        kind = type(value)
        if kind not in one.as_they_are or (kind is datetime and value.tzinfo is not UTC):
            value = prepared(one.field, value, compiler)
            if one.has_own_placeholder:
                is_null = value is None and compiler.writes_null
                get: Any = one.field.get_placeholder  # type: ignore[attr-defined]
                placeholders.append("%s" if is_null else get(value, compiler, compiler.connection))
        values.append(value)
    return values, placeholders


def _key(one: AnyField, _: Any, value: Any) -> Any:
    """Return the key of a record that a reference is to be set to; what is none stays."""
    if not one.is_relation or not hasattr(value, "prepare_database_save"):
        return value
    return value.prepare_database_save(one)


def prepared(one: AnyField, value: Any, compiler: Any) -> Any:
    """Let the field say how a value is sent. Raises NotPlainError for an expression."""
    if isinstance(value, Model) or hasattr(value, "resolve_expression"):
        raise NotPlainError  # Where a record cannot be set to, Django says so.
    value = one.get_db_prep_save(value, compiler.connection)
    if hasattr(value, "as_sql"):
        raise NotPlainError
    return value
