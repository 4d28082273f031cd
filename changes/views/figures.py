"""How changes fare over time: the figures, the lists behind them, and both as files."""

from http import HTTPStatus
from typing import Any

from django.db.models import DateTimeField, F, QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from expansive_cm.errors import page as error_page
from expansive_cm.ui import paging
from expansive_cm.ui.components import Tab

from .. import permissions
from ..export import csv_lines
from ..figures import counted, shown
from ..figures.kinds import FIGURES, Figure, Says
from ..figures.span import Span, last_days
from ..forms.figures import FigureRowsForm, FiguresForm
from ..many.acts import acts_of
from ..models import Change
from ..states import OPEN, State
from .access import SignedInRequest, insist, signed_in

PAGE_SIZE = 50
PERIODS = (30, 90, 365)


@signed_in
@require_safe
def figures(request: SignedInRequest) -> HttpResponse:
    """Show the figures of some days beside those of as many days before."""
    insist(permissions.can_read_figures(request.user))
    form = FiguresForm(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "active": form.active,
        "clear_url": reverse("changes:figures"),
    }
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
        return render(request, "changes/figures.html", context, status=status)
    span, to = form.span, _lists_of(form)
    found = counted.measured(span, form.customer)
    context |= {
        "span": span,
        "periods": _periods(form),
        "stats": list(shown.stats(found, span, to)),
        "tables": shown.tables(found, span, to),
        "chart": shown.chart(counted.over_time(span, form.customer), span, to),
        "some": bool(found),
        "now": _now(form),
        "customers": _customers(form),
        "export_url": f"{reverse('changes:export_figures')}?{form.address(span)}",
    }
    return render(request, "changes/figures.html", context)


def _lists_of(form: FiguresForm) -> shown.Address:
    def to(name: str, span: Span, **more: Any) -> str:
        return f"{reverse('changes:figure', args=[name])}?{form.address(span, **more)}"

    return to


def _periods(form: FiguresForm) -> list[Tab]:
    return [
        Tab(_("%d days") % days, f"?{form.address(span)}", active=span == form.span)
        for days in PERIODS
        for span in (last_days(days),)
    ]


def _now(form: FiguresForm) -> list[tuple[State, int, shown.Cell, str]]:
    """What is open in each state now, whatever days are asked for; each with its list."""
    found = counted.in_each_stage(timezone.now(), form.customer)
    of = f"&organisation={form.customer}" if form.customer else ""
    rows = []
    for state in State:
        if state in OPEN and state.value in found:
            measure = found[state.value]
            url = f"{reverse('changes:list')}?view=&state={state.value}{of}"
            cell = shown.timed(measure, url)
            rows.append((state, measure.count, cell, url))
    return rows


def _customers(form: FiguresForm) -> list[tuple[str, int, shown.Cell]]:
    """Whose changes took how long, of the customers with most of them."""
    rows = []
    for key, name, measure in counted.by_customer(form.span, form.customer):
        url = f"{reverse('changes:figure', args=['lead-time'])}?"
        url += form.address(form.span, organisation=key)
        rows.append((name, measure.count, shown.timed(measure, url)))
    return rows


@signed_in
@require_safe
def figure(request: SignedInRequest, name: str) -> HttpResponse:
    """List what a figure is counted from, the latest first."""
    insist(permissions.can_read_figures(request.user))
    one = _figure_or_404(name)
    form = FigureRowsForm(request.GET)
    context: dict[str, Any] = {
        "figure": one,
        "form": form,
        "active": form.active,
        "clear_url": reverse("changes:figure", args=[name]),
        "says_time": one.says is Says.TIME,
    }
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
        return render(request, "changes/figure.html", context, status=status)
    over = form.cleaned_data["over"]
    found = counted.listed(one.source, one.kinds, form.span, form.customer, over)
    source = counted.SOURCES[one.source]
    order = paging.Order(name, F(source.moment), DateTimeField(), descending=True)
    token = request.GET.get("page", "")
    try:
        page = paging.page_of(found, order, token, PAGE_SIZE, source.counted)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    context |= {
        "span": form.span,
        "over": shown.lasting(over) if over is not None else "",
        "rows": _with_changes(page.rows),
        "acts": acts_of(request.user),
        "number": page.number,
        "next_url": _at(form, page.next),
        "previous_url": _at(form, page.previous),
        "back_url": _back(form),
    }
    return render(request, "changes/figure.html", context)


def _back(form: FigureRowsForm) -> str:
    """Return the page of the figures of these days, or of the usual ones where there is none."""
    has_page = form.span.since >= FiguresForm.earliest
    return f"{reverse('changes:figures')}?{form.address(form.span) if has_page else ''}"


def _figure_or_404(name: str) -> Figure:
    if name not in FIGURES:
        raise Http404
    return FIGURES[name]


def _with_changes(rows: list[Any]) -> list[tuple[Change, Any, str]]:
    """Return the change of each row, when it counts, and how long it took. One query."""
    wanted = Change.objects.filter(pk__in={row.subject for row in rows})
    known: QuerySet[Change] = wanted.select_related("organisation").defer("description", "search")
    changes = {one.pk: one for one in known}
    return [(changes[row.subject], row.moment, shown.lasting(row.days)) for row in rows]


def _at(form: FigureRowsForm, token: str) -> str:
    over = form.cleaned_data["over"]
    return f"?{form.address(form.span, over=over, page=token)}" if token else ""


@signed_in
@require_safe
def export_figures(request: SignedInRequest) -> HttpResponseBase:
    """Send all figures of the page as a file for spreadsheets."""
    insist(permissions.can_read_figures(request.user))
    form = FiguresForm(request.GET)
    if not form.is_valid():
        return figures(request)
    found = counted.measured(form.span, form.customer)
    lines = csv_lines(shown.HEADINGS, shown.lines(found, form.span))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"figures-{form.span.since}-{form.span.until}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
