"""How the list of changes can be sorted; each order has an index, which ``Change`` declares."""

from datetime import date
from typing import Any

from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce, Upper
from django.utils.translation import gettext_lazy as _

from expansive_cm.ui.paging import Order

FIRST_DUE = Coalesce("due_on", date.max)
"""The due date in the words of the index that has what is due first on top."""
_NO_KEY = Order("reference")
SORTS: dict[str, Order] = {
    "reference": _NO_KEY,
    "-reference": Order("-reference", descending=True),
}


def _sort(name: str, key: Any, field: models.Field, last: Any = None) -> None:
    """Add an order and its reverse; ``last`` is the key that sorts nulls last going down."""
    SORTS[name] = Order(name, key, field)
    SORTS[f"-{name}"] = Order(f"-{name}", last or key, field, descending=True)


_sort("title", Upper("title"), models.CharField())
_sort("risk", Coalesce("risk", 0), models.PositiveSmallIntegerField())
_sort("since", F("state_since"), models.DateTimeField())
_sort("updated", F("updated_at"), models.DateTimeField())
_sort(
    "due",
    FIRST_DUE,
    models.DateField(),
    last=Coalesce("due_on", date.min),
)
LATE = {
    name: Order(name, F("due_on"), models.DateField(), descending=name == "-due")
    for name in ("due", "-due")
}
"""By due date where all have one: the small index of what is late serves it."""
DUE_WITHIN = {
    name: Order(name, FIRST_DUE, models.DateField(), descending=name == "-due")
    for name in ("due", "-due")
}
"""By due date within days: all have one, and the index that finds them has them in order."""
DEFAULT_SORT = "-reference"
"""Newest first. Every order has an index, which its model declares."""
SORTED_BY = {
    "reference": _("Reference"),
    "title": _("Title"),
    "risk": _("Risk"),
    "since": _("In state"),
    "due": _("Due"),
    "updated": _("Last change"),
}
