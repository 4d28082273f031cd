"""History of models with many-to-many fields, written in one statement for each field."""

from functools import cache
from typing import Any

from django.db import connections, models
from simple_history.models import HistoricalRecords


class Records(HistoricalRecords):
    """As simple-history's own, which reads the object and every row of the field again.

    A change is saved by every step, and has services and watchers: copying their rows inside
    the database spares each step several queries. Its signals about these rows are not sent.
    """

    def create_historical_record_m2ms(self, history_instance: Any, instance: models.Model) -> None:
        """Copy what the many-to-many fields hold beside the row of history."""
        for field in history_instance._history_m2m_fields:
            statement = _copying(self.m2m_models[field], field.remote_field.through, field)
            with connections[history_instance._state.db].cursor() as cursor:
                cursor.execute(statement, [history_instance.pk, instance.pk])


@cache
def _copying(kept: type[models.Model], through: type[models.Model], field: Any) -> str:
    names = ", ".join(f'"{one.column}"' for one in through._meta.concrete_fields)
    # Names of tables and columns only, from the models themselves.
    return (
        f'INSERT INTO "{kept._meta.db_table}" ("history_id", {names}) '  # noqa: S608
        f'SELECT %s, {names} FROM "{through._meta.db_table}" '
        f'WHERE "{field.m2m_column_name()}" = %s'
    )
