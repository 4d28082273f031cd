"""Windows that concern a change: of its services and of its customer, or of everything."""

from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from psycopg2.extras import DateTimeTZRange

from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement, Statement, given_keys, is_one_of

from .. import permissions
from ..conflicts import Planned
from ..models import Change, Window, WindowSpan
from .plans import MOST, day_span, during, services_of

AHEAD = timedelta(days=30)
"""Of so many days ahead an approver reads which freezes there are."""
MOST_TIMES = 10_000
"""So many times of windows are read at most where a plan looks for a free one."""


def spans_at(change: Change, plan: Planned) -> list[WindowSpan]:
    """Return the times of such windows that a plan has something of, each with its window."""
    return SPANS.objects(**_given(change, plan), when=during(plan))


SPANS = ObjectStatement(
    lambda: WindowSpan.objects.filter(
        _concerns("window__"), span__overlap=Given("when", DateTimeRangeField())
    ).select_related("window__service", "window__organisation")
)


Time = tuple[int, DateTimeTZRange]
"""A time of a window, by its key."""


def times_ahead(change: Change, plan: Planned) -> tuple[list[Time], dict[int, Window]]:
    """Return the first times of such windows, in order, and the windows, in two queries.

    Of many weeks only these are read: making an object of each takes a second of 10,000.
    """
    rows = TIMES.rows(**_given(change, plan), when=during(plan))
    windows = Window.objects.filter(pk__in={window for window, _time in rows})
    return rows, windows.select_related("service", "organisation").in_bulk()


TIMES = Statement(
    lambda: (
        WindowSpan.objects.filter(
            _concerns("window__"), span__overlap=Given("when", DateTimeRangeField())
        )
        .order_by("span", "pk")
        .values_list("window_id", "span")[: MOST_TIMES + 1]
    )
)


def freezes_ahead(user: User, change: Change) -> list[Window]:
    """Return the freezes of the next weeks that concern a change which has no plan yet."""
    if not permissions.can_see_internal(user):
        return []
    now = timezone.now()
    wanted = Planned(change.pk, now, now + AHEAD, services_of(change))
    return FREEZES.objects(**_given(change, wanted), when=during(wanted))


def _freezes() -> QuerySet[Window]:
    when = Given("when", DateTimeRangeField())
    found = Window.objects.filter(
        _concerns(),
        Exists(WindowSpan.objects.filter(window=OuterRef("pk"), span__overlap=when)),
        kind=Window.Kind.FREEZE,
        cancelled_at=None,
    )
    return found.select_related("service", "organisation").order_by("starts_at", "pk")[:MOST]


FREEZES = ObjectStatement(_freezes)


def freezes_on(day: date) -> list[Window]:
    """Return the freezes that hold at some time of the day of a release, the first of them."""
    then = WindowSpan.objects.filter(window=OuterRef("pk"), span__overlap=day_span(day))
    found = Window.objects.filter(Exists(then), kind=Window.Kind.FREEZE, cancelled_at=None)
    return list(found.select_related("service", "organisation").order_by("starts_at", "pk")[:MOST])


def maintenance_of(change: Change, plan: Planned) -> list[Window]:
    """Return of each service's maintenance windows one of each effect and role: it has some."""
    return MAINTENANCE.objects(**_given(change, plan), now=timezone.now())


MAINTENANCE = ObjectStatement(
    lambda: (
        Window.objects.filter(
            _concerns(),
            kind=Window.Kind.MAINTENANCE,
            cancelled_at=None,
            ends_at__gt=Given("now", DateTimeField()),
        )
        .select_related("service", "organisation")
        .order_by("service_id", "effect", "override_role", "pk")
        .distinct("service_id", "effect", "override_role")
    )
)


def _concerns(prefix: str = "") -> Q:
    """The condition for windows that are of a change's services and customer: see ``_given``."""
    service = Q(**{f"{prefix}service": None}) | is_one_of(
        f"{prefix}service", given_keys("services")
    )
    customer = Q(**{f"{prefix}organisation": None})
    return service & (customer | Q(**{f"{prefix}organisation": Given("customer")}))


def _given(change: Change, plan: Planned) -> dict[str, Any]:
    """What is given to a statement that asks what concerns this change."""
    return {"services": sorted(plan.services), "customer": change.organisation_id}
