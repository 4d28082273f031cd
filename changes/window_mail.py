"""Who is told of a new freeze or maintenance window: those whose plans it is against, once each."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from . import outbox
from .models import Event, Window
from .planned_in import (
    deployments_in,
    deployments_outside,
    executions_in,
    executions_outside,
)

THREAD = "window-"
LISTED = 20
"""So many of a reader's plans one mail names; the page of a freeze has all of them."""
WHY = gettext_lazy("a plan of yours lies in a new change freeze")
WHY_OUTSIDE = gettext_lazy("a plan of yours lies outside of new maintenance windows")


def is_for_colleagues(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return is_of_thread(email, THREAD)


def still_holds(email: Email) -> bool:
    """Whether a plan of its reader still is in the way of what one of them tells of.

    Not where that was cancelled, or all these plans were moved, before it goes out.
    """
    key = str(email.headers["References"]).removeprefix(f"<{THREAD}").split("@")[0]
    window = Window.objects.filter(pk=key, cancelled_at=None).first()
    reader = User.objects.with_address(email.to[0])
    if window is None or reader is None:
        return False
    return any(
        _with_planner(plans, verb)
        .filter(Q(planner=reader.pk) | Q(change__owner=reader) | Q(**{person: reader.pk}))
        .exists()
        for plans, verb, person, _order in _against(window)
    )


def tell_planners(window: Window, *, besides: User) -> None:
    """Queue one mail for each who planned last, or is to execute, what a new window is against.

    What lies in a freeze, or outside of the first maintenance windows of a service. Where neither
    is there any more, the owner is told. However many plans there are, of each only its keys are
    read, and of a person's the first are named.
    """
    rows = [row for plans in _against(window) for row in planned_by(*plans)]
    plans = of_readers(rows, besides={besides.pk})
    outbox.put([_mail(window, person, changes) for person, changes in plans])


def _against(window: Window) -> list[tuple[QuerySet[Any], str, str, str]]:
    """Return the plans that a window is against, as ``planned_by`` is asked about them."""
    if window.is_freeze:
        executions, deployments = executions_in(window), deployments_in(window)
    else:
        executions, deployments = executions_outside(window), deployments_outside(window)
    return [
        (executions, "plan_execution", "executor", "window_start"),
        (deployments, "plan_deployment", "planner", "release__planned_on"),
    ]


def of_readers(
    rows: Iterable[tuple[Any, ...]], *, besides: Collection[int]
) -> list[tuple[User, list[int]]]:
    """Return who is told of plans (``planned_by``), each with the changes that are theirs.

    Nobody who is not with us any more, and none of ``besides``, who know of what is told.
    """
    rows = [*rows]
    known = {person for row in rows for person in row[1:]}
    readers = User.objects.filter(
        pk__in=known, is_active=True, organisation=None, groups__isnull=False
    ).distinct()
    there = {one.pk: one for one in readers.order_by("pk")}
    plans: dict[int, list[int]] = defaultdict(list)
    for change, owner, *people in rows:
        for person in {*people} & there.keys() or {owner}:
            plans[person].append(change)
    return [
        (one, plans[one.pk]) for one in there.values() if one.pk in plans and one.pk not in besides
    ]


def planned_by(plans: QuerySet[Any], verb: str, person: str, order: str) -> list[tuple[Any, ...]]:
    """Return of each plan the change, its owner, who planned it last, and one person more."""
    rows = _with_planner(plans, verb).order_by(order, "pk")
    return list(rows.values_list("change", "change__owner", "planner", person))


def _with_planner(plans: QuerySet[Any], verb: str) -> QuerySet[Any]:
    last = Event.objects.filter(change=OuterRef("change"), verb=verb).order_by("-pk")
    planner = Coalesce(
        Subquery(last.values("actor")[:1]), "recorded_by", output_field=BigIntegerField()
    )
    return plans.annotate(planner=planner)


def _mail(window: Window, person: User, changes: list[int]) -> Email:
    context = {
        "window": window,
        "references": [f"CR-{pk:06d}" for pk in changes[:LISTED]],
        "count": len(changes),
        "more": len(changes[LISTED:]),
        "url": absolute(window.get_absolute_url()),
        "why": WHY if window.is_freeze else WHY_OUTSIDE,
    }
    headers = thread_headers(f"{THREAD}{window.pk}")
    message = "freeze" if window.is_freeze else "maintenance"
    return outbox.compose(person, message, context, tag=_("Calendar"), headers=headers)
