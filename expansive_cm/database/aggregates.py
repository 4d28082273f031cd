"""Aggregates of PostgreSQL that Django does not have."""

from typing import Any

from django.db import models


class Percentile(models.Aggregate):
    """A share of the values lies at or below this; PostgreSQL interpolates between two."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    allow_distinct = False

    def __init__(self, expression: Any, fraction: float, **extra: Any) -> None:
        super().__init__(
            expression, fraction=float(fraction), output_field=models.FloatField(), **extra
        )
