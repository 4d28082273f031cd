"""Models whose rows are saved again and again, as each step does."""

from typing import Any

from django.db import connections, models
from django.db.models.sql import UpdateQuery


class Saved(models.Model):
    """Updates its row without a queryset, whose making costs more than what it writes."""

    class Meta:
        abstract = True

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *further: Any) -> Any:
        """Update the row, as Django does; whether it is there."""
        model = base_qs.model
        if values and not self._meta.select_on_save and not base_qs.query.where:
            connection: Any = connections[using]
            compiler = UpdateQuery(model).get_compiler(connection=connection)
            written = compiler.as_row(values, pk_val)
            if written is not None:
                with connection.cursor() as cursor:
                    cursor.execute(*written)
                    return bool(cursor.rowcount > 0)
        return super()._do_update(base_qs, using, pk_val, values, *further)
