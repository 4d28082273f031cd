"""How the list of changes can be sorted; each order has an index, which ``Change`` declares.

What names lie in another table sort by is walked through, by an index of these names.
"""

from datetime import UTC, date, datetime
from typing import Any

from django.db import models
from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Upper
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.names import customer_key, key_by, person_key
from expansive_cm.ui.paging import Order

from .models import Release
from .states import ChangeType, State
from .walking import FIRST, LAST, ByDay, ByGroup

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


def _walk(name: str, field: str, key: Any, **groups: Any) -> None:
    """Add an order by groups and its reverse; what is in no group comes last both ways."""
    for sign, none in (("", LAST), ("-", FIRST)):
        nobody = When(**{field: None}, then=Value(none))
        whole = Case(nobody, default=key, output_field=TextField())
        SORTS[f"{sign}{name}"] = ByGroup(
            f"{sign}{name}", whole, TextField(), bool(sign), field=field, none=none, **groups
        )


def _walk_kinds(name: str, field: str, values: list[str]) -> None:
    """Add an order by the kinds of a field, as they stand in its list, and its reverse."""
    keys = {value: f"1{place:02}" for place, value in enumerate(values)}
    for sign, none in (("", LAST), ("-", FIRST)):
        cases = [When(**{field: value}, then=Value(key)) for value, key in keys.items()]
        SORTS[f"{sign}{name}"] = ByGroup(
            f"{sign}{name}",
            Case(*cases, default=Value(none), output_field=TextField()),
            TextField(),
            bool(sign),
            field=field,
            values=[*((key, value) for value, key in keys.items()), (none, "")],
        )


def _walk_days(name: str, column: str, kind: type[models.Field], last: Any, first: Any) -> None:
    """Add an order by a day or a moment and its reverse; what has none comes last both ways."""
    for sign, none in (("", last), ("-", first)):
        key = Coalesce(F(column), Value(none, kind()))
        name_here = f"{sign}{name}"
        SORTS[name_here] = ByDay(name_here, key, kind(), bool(sign), field=column, none=none)


def _by_day(of: str = "") -> Any:
    return key_by(Cast(F(f"{of}planned_on"), TextField()), of)


_walk("requester", "requester", person_key("requester__"), model=User, sort=person_key())
_walk("owner", "owner", person_key("owner__"), model=User, sort=person_key())
_walk("raised_by", "raised_by", person_key("raised_by__"), model=User, sort=person_key())
_walk(
    "organisation",
    "organisation",
    customer_key("organisation__"),
    model=Organisation,
    sort=customer_key(),
)
_walk("release", "release", _by_day("release__"), model=Release, sort=_by_day())
_walk_kinds("state", "state", State.values)
_walk_kinds("type", "type", ChangeType.values)
_DAWN, _DUSK = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_walk_days("submitted", "submitted_at", models.DateTimeField, _DUSK, _DAWN)
_walk_days("closed", "closed_at", models.DateTimeField, _DUSK, _DAWN)
_walk_days("desired", "desired_on", models.DateField, date.max, date.min)
_sort("urgency", Coalesce("urgency", 0), models.PositiveSmallIntegerField())
_sort("channel", F("channel"), models.CharField())
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
"""Newest first."""
SORTED_BY = {
    "reference": _("Reference"),
    "title": _("Title"),
    "risk": _("Risk"),
    "since": _("In state"),
    "due": _("Due"),
    "updated": _("Last change"),
    "requester": _("Asked by"),
    "owner": _("Owner"),
    "raised_by": _("Raised by"),
    "organisation": _("Organisation"),
    "release": _("Release"),
    "state": _("State"),
    "type": _("Type"),
    "submitted": _("Submitted"),
    "closed": _("Closed"),
    "desired": _("Desired date"),
    "urgency": _("Urgency"),
    "channel": _("Channel"),
}
