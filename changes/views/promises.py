"""Every promise of the board: how it stands, what is known of it, and how many there are."""

from datetime import date
from http import HTTPStatus
from typing import Any

from django.db.models import Count, DateField, F, QuerySet
from django.db.models.functions import Coalesce, TruncMonth
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.components import Series
from expansive_cm.errors import page as error_page

from .. import paging, permissions
from ..forms.promise import EVERY, PromiseFilterForm, asked_for
from ..models import Change
from ..promises import Standing, promised_of
from ..templatetags.change_ui import STANDING_LOOKS
from .access import SignedInRequest, insist, signed_in

PAGE_SIZE = 50
DUE = {"key": Coalesce(F("due_on"), date.max), "key_field": DateField()}
SOONEST = paging.Order("soonest", **DUE)
LATEST = paging.Order("latest", **DUE, descending=True)
Counts = dict[tuple[date | None, str], int]
"""How many promises of each month (None: without a date) and standing."""


@signed_in
@require_safe
def promise_list(request: SignedInRequest) -> HttpResponse:
    """List the promises that the address asks for, the open ones by what is due first."""
    insist(permissions.can_read_promises(request.user))
    today = timezone.localdate()
    form = PromiseFilterForm(request.GET, today)
    context: dict[str, Any] = {
        "form": form,
        "active": form.active,
        "clear_url": reverse("changes:promises"),
    }
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
        return render(request, "changes/promises.html", context, status=status)
    found = form.narrowed(request.user, today)
    closed = form.cleaned_data["standing"] in (Standing.KEPT, Standing.BROKEN, EVERY)
    order = LATEST if closed else SOONEST
    token = request.GET.get("page", "")
    try:
        page = paging.page_of(form.select(found), order, token, PAGE_SIZE, _with_forecast)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    counts = counts_of(found)
    context |= {
        "rows": [(change, promised_of(change, today)) for change in page],
        "number": page.number,
        "stats": _stats(form, counts),
        "chart": _chart(form, counts),
        "next_url": _at(form, page.next),
        "previous_url": _at(form, page.previous),
        "some": bool(counts),
    }
    return render(request, "changes/promises.html", context)


def _with_forecast(rows: QuerySet[Change]) -> QuerySet[Change]:
    joined = rows.select_related("organisation", "owner", "release", "promised_release")
    return joined.defer("description", "search").prefetch_related("deployments")


def counts_of(found: QuerySet[Change]) -> Counts:
    """Count promises by month and standing. One query."""
    month = TruncMonth("due_on", output_field=DateField())
    grouped = found.order_by().annotate(month=month).values_list("month", "standing")
    return {(month, standing): n for month, standing, n in grouped.annotate(n=Count("pk"))}


def _stats(form: PromiseFilterForm, counts: Counts) -> list[dict[str, Any]]:
    """Return a card for each standing: how many of the month asked for, or of all of them."""
    due = form.cleaned_data["due"]
    found = []
    for standing in Standing:
        number = sum(
            count
            for (month, name), count in counts.items()
            if name == standing and (not due or (month and f"{month:%Y-%m}" == due))
        )
        tone, icon = STANDING_LOOKS[standing]
        url = _address(form, standing=standing.value)
        found.append(
            {"label": standing.label, "value": number, "icon": icon, "tone": tone, "url": url}
        )
    return found


def _chart(form: PromiseFilterForm, counts: Counts) -> dict[str, Any] | None:
    """Return the months around today as bars, each number with its list; None of nothing."""
    if not any((month, standing) in counts for month in form.months for standing in Standing):
        return None
    return {
        "labels": [date_format(month, "M Y") for month in form.months],
        "label_links": [
            _address(form, standing=EVERY, due=f"{month:%Y-%m}") for month in form.months
        ],
        "series": [
            Series(
                standing.label,
                [counts.get((month, standing), 0) for month in form.months],
                STANDING_LOOKS[standing][0],
                [
                    _address(form, standing=standing.value, due=f"{month:%Y-%m}")
                    for month in form.months
                ],
            )
            for standing in reversed(Standing)
        ],
        "note": _(
            "By the month of the day that was promised. A promise is kept when its change was "
            "closed by that day, and broken when it was not."
        ),
    }


def _address(form: PromiseFilterForm, **changed: str) -> str:
    return f"{reverse('changes:promises')}?{urlencode(asked_for(form, **changed))}"


def _at(form: PromiseFilterForm, token: str) -> str:
    return f"?{urlencode(asked_for(form, page=token))}" if token else ""
