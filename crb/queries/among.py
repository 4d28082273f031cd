"""A condition that PostgreSQL takes for what it is: a few keys, asked for once."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, QuerySet


def among(field: str, keys: QuerySet[Any]) -> Func:
    """Whether a field is one of a few keys that another query finds.

    Asked once and compared with an array. As a plain subquery it is taken for so common, or is
    so far down the list of joins, that PostgreSQL reads and joins everything before it looks.
    """
    return Func(
        F(field),
        ArraySubquery(keys.order_by()),
        template="(%(expressions)s))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
