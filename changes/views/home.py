"""Home: what waits for the person first, then what they follow; for customers in plain words."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import setting_up
from accounts.models import User
from accounts.roles import Role
from expansive_cm.ui.components import Series
from expansive_cm.ui.paging import Order, in_order, loaded

from .. import plain, promises, proposing, queries, standard_notices
from ..many.acts import acts_of, by_step
from ..models import Change
from ..notices import ahead_of, notices_for
from ..states import OPEN, State
from ..worklist import (
    COUNTED,
    FOLLOWED_SHOWN,
    Group,
    for_list,
    home_lists,
    how_many,
    total,
)
from .access import SignedInRequest

RECENT_DAYS = 30


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Show a person's own page."""
    user = request.user
    groups, followed = home_lists(user)
    context: dict[str, Any] = {"groups": groups, **followed}
    context["notices"] = notices_for(user) if user.is_internal else standard_notices.notices(user)
    context["waiting"] = total(groups)
    context["acts"] = acts_of(user)
    _offer_many(request, groups)
    if user.is_internal:
        context |= staff(user)
        return render(request, "changes/home.html", context)
    return render(request, "changes/home_customer.html", context | customer(user))


def _offer_many(request: SignedInRequest, groups: list[Group]) -> None:
    """Say of each step that waits on several changes where it is taken on all of them at once.

    Not where none of them has what that needs, as a template: asked in one query more.
    """
    acts, address = by_step(request.user), reverse("changes:act_on_many")
    for group in groups:
        act = acts.get(group.turn.verb)
        if act is None or group.count <= 1:
            continue
        if not act.needs or Change.objects.filter(act.needs, pk__in=group.keys).exists():
            chosen = urlencode({"act": act.name, "waiting": group.turn.verb, "back": request.path})
            group.many_url = f"{address}?{chosen}"


LATEST = Order("updated", F("updated_at"), descending=True)
OLDEST = Order("since", F("state_since"))
MOST_OVERDUE = Order("due", F("due_on"))


def rows(changes: QuerySet[Change], order: Order = LATEST) -> list[Change]:
    """Return what a card on this page shows, and one more if there is more."""
    return list(loaded(in_order(changes, order)[: FOLLOWED_SHOWN + 1], order, for_list))


def staff(user: User) -> dict[str, Any]:
    """What Expansive's own people follow; auditors and administrators get figures too."""
    context: dict[str, Any] = {
        "rows": FOLLOWED_SHOWN,
        "setting_up": setting_up.missing(user),
        "ahead": ahead_of(user),
    }
    if user.has_role(Role.SUPPORT):
        context["templates"] = proposing.shown_first(user)[0]
    if user.has_role(Role.AUDITOR, Role.ADMINISTRATOR):
        context |= figures()
    return context


def figures() -> dict[str, Any]:
    """How many changes are open in each state, which promises are late, what waits longest.

    For people who see every change: the counts are read from an index alone.
    """
    opened = Change.objects.filter(state__in=OPEN).order_by()
    counts = dict(opened.values_list("state").annotate(number=Count("*")))
    states = [state for state in State if state in OPEN]
    late = queries.overdue(Change.objects.all())
    number_late = len(late.values_list("pk")[:COUNTED])
    at_risk = promises.at_risk(Change.objects.order_by(), timezone.now())
    return {
        "figures": True,
        "open_count": sum(counts.values()),
        "state_labels": [state.label for state in states],
        "state_series": [Series(_("Open changes"), [counts.get(state, 0) for state in states])],
        "late_count": how_many(number_late),
        "risk_count": how_many(len(at_risk.values_list("pk")[:COUNTED])),
        "late": rows(late, MOST_OVERDUE) if number_late else [],
        "oldest": rows(opened, OLDEST),
    }


def customer(user: User) -> dict[str, Any]:
    """Their organisation's requests that are under way, their own first, and what ended lately."""
    visible = queries.visible_to(user)
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    ended = visible.exclude(state__in=OPEN).exclude(queries.UNSENT)
    is_own = Q(requester=user) | Q(raised_by=user)
    opened = visible.filter(state__in=OPEN)
    under_way = [*rows(opened.filter(is_own)), *rows(opened.exclude(is_own))][: FOLLOWED_SHOWN + 1]
    over = rows(ended.filter(state_since__gte=since))
    statuses = plain.statuses([*under_way, *over], user)
    return {
        "open_changes": [(change, statuses[change.pk]) for change in under_way],
        "ended": [(change, statuses[change.pk]) for change in over],
        "rows": FOLLOWED_SHOWN,
        "recent_days": RECENT_DAYS,
    }
