"""Home: what waits for the person first, then what they follow; for customers in plain words."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.components import Series
from accounts.models import User
from accounts.roles import Role

from .. import queries
from ..models import Change
from ..states import OPEN, ChangeType, State
from ..worklist import COUNTED, for_list, how_many, worklist

ROWS = 8
RECENT_DAYS = 30


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show a person's own page."""
    user = request.user
    context: dict[str, Any] = {
        "groups": worklist(user),
        "drafts": rows(Change.objects.filter(state=State.DRAFT, raised_by=user)),
        "today": timezone.localdate(),
    }
    context["waiting"] = sum(group.count for group in context["groups"])
    if user.is_internal:
        context |= staff(user)
        return render(request, "changes/home.html", context)
    return render(request, "changes/home_customer.html", context | customer(user))


def rows(changes: QuerySet[Change]) -> list[Change]:
    """Return what a card on this page shows: the latest to have changed."""
    return list(for_list(changes).order_by("-updated_at", "-pk")[: ROWS + 1])


def staff(user: User) -> dict[str, Any]:
    """What Expansive's own people follow; auditors and administrators get figures too."""
    visible = queries.visible_to(user).filter(state__in=OPEN)
    watched = Change.watchers.through.objects.filter(user=user).values("change")
    context: dict[str, Any] = {
        "mine": rows(visible.filter(Q(owner=user) | Q(raised_by=user) | Q(requester=user))),
        "watched": rows(visible.filter(pk__in=watched)),
        "rows": ROWS,
    }
    if user.has_role(Role.AUDITOR, Role.ADMINISTRATOR):
        context |= figures(visible)
    return context


def figures(visible: QuerySet[Change]) -> dict[str, Any]:
    """How many changes are open in each state, which promises are late, what waits longest."""
    counted = visible.order_by().values_list("state", "type").annotate(Count("pk"))
    counts = {(state, kind): number for state, kind, number in counted}
    states = [state for state in State if state in OPEN]
    series = [
        Series(label, [counts.get((state, kind), 0) for state in states], tone)
        for kind, label, tone in (
            (ChangeType.CONFIGURATION, ChangeType.CONFIGURATION.label, "teal"),
            (ChangeType.CODE, ChangeType.CODE.label, "purple"),
            ("", State.SUBMITTED.label, "blue"),
        )
    ]
    late = queries.overdue(visible).order_by("due_on", "pk")
    number_late = len(late.values_list("pk")[:COUNTED])
    return {
        "figures": True,
        "open_count": sum(counts.values()),
        "state_labels": [state.label for state in states],
        "state_series": series,
        "late_count": how_many(number_late),
        "late": list(for_list(late)[:ROWS]) if number_late else [],
        "oldest": list(for_list(visible).order_by("state_since", "pk")[:ROWS]),
    }


def customer(user: User) -> dict[str, Any]:
    """Their organisation's requests that are under way, and what ended lately."""
    visible = queries.visible_to(user)
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    ended = visible.exclude(state__in=OPEN).exclude(state=State.DRAFT)
    return {
        "open_changes": rows(visible.filter(state__in=OPEN)),
        "ended": rows(ended.filter(state_since__gte=since)),
        "rows": ROWS,
        "recent_days": RECENT_DAYS,
    }
