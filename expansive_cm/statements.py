"""Statements that are asked for on most pages: written once, and run with other values.

Django writes the SQL of a queryset anew each time, which costs more than running it where it
finds a row or two by an index.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.expressions import Expression
from django.utils.functional import cached_property


class Given(Expression):
    """Stands in a queryset for a value that is given when its statement is run."""

    def __init__(self, name: str, output_field: models.Field | None = None) -> None:
        super().__init__(output_field=output_field or models.BigIntegerField())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Leave the place of the value open."""
        return "%s", [self]


class Statement:
    """A queryset of plain columns (`values_list`) whose SQL is written when it is first run."""

    def __init__(self, make: Callable[[], "models.QuerySet[Any, Any]"]) -> None:
        self._make = make

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
        sql, parameters = self.written
        values = [given[one.name] if isinstance(one, Given) else one for one in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
