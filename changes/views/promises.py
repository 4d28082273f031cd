"""Promises of the board: all of them for colleagues, and for a customer's people their own."""

from collections import Counter
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from django.db.models import DateField, F, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from expansive_cm.errors import page as error_page
from expansive_cm.ui import paging
from expansive_cm.ui.components import Series

from .. import permissions, plain, promises, queries
from ..forms.promise import EVERY, OwnPromiseFilterForm, PromiseFilterForm, asked_for
from ..many.acts import acts_of
from ..models import Change
from ..promises import Standing, promised_of
from ..templatetags.change_ui import STANDING_LOOKS
from .access import SignedInRequest, insist, signed_in

PAGE_SIZE = 50
DUE = partial(paging.Order, key=Coalesce(F("due_on"), date.max), key_field=DateField())
SOONEST = DUE("soonest")
LATEST = DUE("latest", descending=True)

Counts = Counter[tuple[date | None, Standing]]
"""How many promises of each month (by its first day; None: without a date) and standing."""


@signed_in
@require_safe
def promise_list(request: SignedInRequest) -> HttpResponse:
    """List the promises that the address asks for, the open ones by what is due first."""
    insist(permissions.can_read_promises(request.user))
    now = timezone.now()
    form = PromiseFilterForm(request.GET, timezone.localdate(now))
    context = _asked(form, "changes:promises")
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
        return render(request, "changes/promises.html", context, status=status)
    found = form.narrowed()
    try:
        page = _page(request, form, found, now, _with_forecast)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    moves, shifts = promises.latest_moves(page), promises.what_moved_forecasts(page)
    counts = _by_month(promises.counts_of(found, now))
    context |= {
        "rows": [
            (change, promised_of(change, now), moves.get(change.pk), shifts.get(change.pk, ""))
            for change in page
        ],
        "stats": _stats(form, counts),
        "chart": _chart(form, counts),
        **_beside(form, page),
        "some": bool(counts),
        "acts": acts_of(request.user),
    }
    return render(request, "changes/promises.html", context)


@signed_in
@require_safe
def own_promise_list(request: SignedInRequest) -> HttpResponse:
    """List for a customer's people what they were promised, in their words."""
    user, now = request.user, timezone.now()
    insist(permissions.can_read_own_promises(user))
    form = OwnPromiseFilterForm(request.GET, timezone.localdate(now), user)
    context = _asked(form, "changes:own_promises")
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
        return render(request, "changes/own_promises.html", context, status=status)
    found = form.narrowed()
    try:
        page = _page(request, form, found, now, _with_people)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    statuses = plain.statuses(page.rows, user)
    context |= {
        "rows": plain.own_promises(page, statuses, now),
        "several": "organisation" in form.fields,
        **_beside(form, page),
        "some": not page.rows and found.exists(),
    }
    return render(request, "changes/own_promises.html", context)


def _asked(form: PromiseFilterForm, name: str) -> dict[str, Any]:
    """Return what the bar of filters shows on a page, by its name."""
    return {"form": form, "active": form.active, "clear_url": reverse(name)}


def _page(
    request: SignedInRequest,
    form: PromiseFilterForm,
    found: QuerySet[Change],
    now: datetime,
    load: paging.Load,
) -> paging.Page[Change]:
    """Return the page of a list that the address names. Raises ``paging.BadToken``."""
    closed = form.cleaned_data["standing"] in (Standing.KEPT, Standing.BROKEN, EVERY)
    order, token = LATEST if closed else SOONEST, request.GET.get("page", "")
    return paging.page_of(form.select(found, now), order, token, PAGE_SIZE, load)


def _beside(form: PromiseFilterForm, page: paging.Page[Change]) -> dict[str, Any]:
    """Return the number of a page, and where those beside it are."""
    return {
        "number": page.number,
        "next_url": _at(form, page.next),
        "previous_url": _at(form, page.previous),
    }


def _with_forecast(rows: QuerySet[Change]) -> QuerySet[Change]:
    joined = rows.select_related("organisation", "owner", "release", "promised_release")
    return joined.defer("description", "search").prefetch_related("deployments")


def _with_people(rows: QuerySet[Change]) -> QuerySet[Change]:
    return queries.with_people(rows).defer("description", "search")


def _by_month(days: promises.Counts) -> Counts:
    months: Counts = Counter()
    for (day, standing), number in days.items():
        months[day and day.replace(day=1), standing] += number
    return months


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
    if not any(counts[month, standing] for month in form.months for standing in Standing):
        return None
    every = [_address(form, standing=EVERY, due=f"{month:%Y-%m}") for month in form.months]
    series = [_bars(form, counts, standing) for standing in reversed(Standing)]
    shares = [_share_kept(counts, month) for month in form.months]
    return {
        "labels": [date_format(month, "M Y") for month in form.months],
        "label_links": every,
        "series": [*series, Series(_("Kept, per cent"), shares, "grey", every, is_drawn=False)],
        "note": _(
            "By the month of the day that was promised. A promise is kept when its change was "
            "closed by that day, and broken when it was not."
        ),
    }


def _bars(form: PromiseFilterForm, counts: Counts, standing: Standing) -> Series:
    numbers = [counts[month, standing] for month in form.months]
    links = [_address(form, standing=standing.value, due=f"{month:%Y-%m}") for month in form.months]
    return Series(standing.label, numbers, STANDING_LOOKS[standing][0], links)


def _share_kept(counts: Counts, month: date) -> int | None:
    """Return how many of a hundred that are kept or broken were kept, None of none."""
    kept, broken = (counts[month, one] for one in (Standing.KEPT, Standing.BROKEN))
    return round(100 * kept / (kept + broken)) if kept or broken else None


def _address(form: PromiseFilterForm, **changed: str) -> str:
    return f"{reverse('changes:promises')}?{urlencode(asked_for(form, **changed))}"


def _at(form: PromiseFilterForm, token: str) -> str:
    return f"?{urlencode(asked_for(form, page=token))}" if token else ""
