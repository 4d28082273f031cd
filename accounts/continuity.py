"""Whether somebody has been, without a break, what and whom they are now."""

from typing import Any

from django.db.models import (
    BigIntegerField,
    Exists,
    Manager,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Greatest

from .history_rows import NUMBERED_FROM
from .models import User
from .roles import Role

NEVER = 2**31 - 1
"""A number that no row of history follows."""


def has_lost(role: Role, *, person: str, since: str, after: str) -> Exists:
    """Whether one of Expansive's people left, or lost a role, after a moment; from history.

    The arguments name fields of the queryset that is filtered; ``after`` is the last row of the
    person's history then, if it is known, which says what came later whatever the clock said.
    What was given to a person for their role does not come back when, later, the role does.
    """
    past = User.history.model
    roles_then = past._meta.get_field("historicaluser_groups").related_model
    held = roles_then.objects.filter(history=OuterRef("pk"), group__name=role)
    rows = _rows_after(OuterRef(after), since).filter(id=OuterRef(person))
    return Exists(rows.filter(Q(is_active=False) | Q(organisation__isnull=False) | ~Exists(held)))


def was_away(*, person: str, address: str, since: str, made: Manager) -> Exists:
    """Whether somebody left, or had another address, for a while after a moment; from history.

    The arguments name fields of the queryset that is filtered; ``made`` is the history of its
    model, which says what came after whatever the clock said then. Whatever was mailed to them
    before may have been read by others meanwhile, so it does not come to life again with them.
    """
    rows_of_it = made.filter(id=OuterRef(OuterRef("pk"))).order_by("history_id")
    begun = Subquery(rows_of_it.values("history_id")[:1])
    rows = _rows_after(begun, since).filter(id=OuterRef(person))
    return Exists(rows.filter(Q(is_active=False) | ~Q(email__iexact=OuterRef(address))))


def _rows_after(number: OuterRef | Subquery, since: str) -> QuerySet[Any]:
    """Rows of people's history after one of a number: their own order says which, no clock.

    Where there is no number, or one from before the order of all rows, dates say it of older ones.
    """
    begun = Coalesce(number, Value(NEVER), output_field=BigIntegerField())
    rows = User.history.model.objects.alias(begun=begun)
    by_date = Q(begun__lt=NUMBERED_FROM) | Q(begun=NEVER)
    return rows.filter(
        by_date & Q(history_date__gt=OuterRef(since))
        | Q(history_id__gt=Greatest("begun", Value(NUMBERED_FROM - 1)))
    )
