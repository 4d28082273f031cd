"""History as simple-history writes it, with less work for each row."""

from functools import cache
from typing import Any

from django.db import connections, models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from expansive_cm.workflow import acts

NUMBERED_FROM = 1_000_000_000
"""Rows of history with this number or a higher one are numbered in the order of writing, whatever
table they are in and whatever the clock said. Before, each table counted for itself."""

NEW = "+"
BEGINS = 0
"""In the place of an act's number: the row is the first of its act, which is numbered after it."""


class Row(models.Model):
    """A row of history, which knows the act that it belongs to.

    Rows from before there were acts, and what is written outside of one, know none.
    """

    history_act = models.IntegerField(null=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Write the row as part of the act that is under way."""
        act = acts.current()
        if act is not None:
            self.history_act = BEGINS if act.number is None else act.number
        super().save(*args, **options)
        if act is not None and act.number is None:
            act.number = self.pk


def act_of(row: int, act: int | None) -> int | None:
    """Return the number of the act that a row of history belongs to; None if it knows none."""
    return row if act == BEGINS else act


class RowsManager(HistoryManager):
    """A manager whose class is made once for each kind of queryset.

    simple-history makes it anew whenever ``history`` is asked for, which is at every save.
    """

    def bulk_history_create(self, objs: Any, **options: Any) -> Any:
        """Write rows for many objects at once, as part of the act that is under way.

        Where they are its first they have no number to begin with: one is taken that no row has.
        """
        act = acts.current()
        if act is not None:
            act.number = act.number or _next_number(self.db)
            given = options.pop("custom_historical_attrs", None)
            options["custom_historical_attrs"] = {**(given or {}), "history_act": act.number}
        return super().bulk_history_create(objs, **options)

    @classmethod
    def from_queryset(cls, queryset_class: Any, class_name: str | None = None) -> Any:
        """Return the class that has the methods of this queryset."""
        made: Any = _made  # a class is a key like any other
        return made(cls, queryset_class, class_name)


def _next_number(database: str) -> int:
    with connections[database].cursor() as cursor:
        cursor.execute("SELECT nextval('history_order')")
        number: int = cursor.fetchone()[0]
    return number


@cache
def _made(manager: type[RowsManager], queryset: Any, name: str | None) -> Any:
    above: Any = super(RowsManager, manager)
    return above.from_queryset(queryset, name)


class Records(HistoricalRecords):
    """History of one model; the rows of its many-to-many fields are copied by the database.

    A change is saved by every step, and has services and watchers: simple-history's own reads
    the object and every row of these fields again. Its signals about these rows are not sent.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, history_manager=RowsManager, bases=(Row,), **options)

    def create_historical_record_m2ms(self, history_instance: Any, instance: models.Model) -> None:
        """Copy what the many-to-many fields hold beside the row of history, in one statement.

        They hold nothing yet of what is new: what is put into them makes a row of its own.
        """
        fields = history_instance._history_m2m_fields
        if not fields or history_instance.history_type == NEW:
            return
        kept = tuple(
            (self.m2m_models[field], field.remote_field.through, field) for field in fields
        )
        keys = [history_instance.pk, instance.pk] * len(kept)
        with connections[history_instance._state.db].cursor() as cursor:
            cursor.execute(_copying(kept), keys)


@cache
def _copying(kept: tuple[tuple[type[models.Model], type[models.Model], Any], ...]) -> str:
    *others, last = (_copy(*one) for one in kept)
    if not others:
        return last
    before = ", ".join(f"copied_{number} AS ({one})" for number, one in enumerate(others))
    return f"WITH {before} {last}"


def _copy(kept: type[models.Model], through: type[models.Model], field: Any) -> str:
    names = ", ".join(f'"{one.column}"' for one in through._meta.concrete_fields)
    # Names of tables and columns only, from the models themselves.
    return (
        f'INSERT INTO "{kept._meta.db_table}" ("history_id", {names}) '  # noqa: S608
        f'SELECT %s, {names} FROM "{through._meta.db_table}" '
        f'WHERE "{field.m2m_column_name()}" = %s'
    )
