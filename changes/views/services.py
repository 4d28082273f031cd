"""Services and what they need: all of them, and one with those around it, as picture and list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import CharField, Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Upper
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from expansive_cm.errors import page as error_page
from expansive_cm.numbers import whole_number
from expansive_cm.texts import composed
from expansive_cm.ui import paging
from expansive_cm.workflow.errors import StepIncomplete

from .. import lifecycle, permissions
from ..dependencies import DEPTH, Box, Links, columns_of, lines_of, picture
from ..forms.service import DependencyForm
from ..models import Service, ServiceDependency
from ..services import all_links, links_near, names_of
from .access import SignedInRequest, insist, signed_in

FOUND = 10
PAGE_SIZE = 50
DRAWN = 40
"""So many services a picture shows at most: of more, those nearest to the one it is about."""
NAMED = 5
"""So many services that one needs are named in the list below the picture."""
BY_NAME = paging.Order("name", Upper("name"), CharField())


@dataclass(frozen=True)
class Node:
    """A box of the picture with what it says and where it leads."""

    box: Box
    lines: list[tuple[int, str]]
    service: Service
    is_it: bool


@signed_in
@require_safe
def services(request: SignedInRequest) -> HttpResponse:
    """List services by name, with a picture of all that are linked where they are few."""
    insist(permissions.can_read_services(request.user))
    ended, text = request.GET.get("view") == "ended", request.GET.get("find", "")[:100]
    wanted = Service.objects.filter(is_active=not ended)
    if text.strip():
        wanted = _named(wanted, text)
    try:
        page = paging.page_of(wanted, BY_NAME, request.GET.get("page", ""), PAGE_SIZE, _counted)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    links = all_links() if ServiceDependency.objects.count() <= DRAWN * DRAWN else Links()
    keys = {key for pair in links.pairs for key in pair}
    if len(keys) <= DRAWN:
        _name_needs(page.rows, links)
    before = request.GET.copy()
    before.pop("page", None)
    context = {
        "rows": page.rows,
        "ended": ended,
        "find": text,
        "graph": _drawn(links, keys) if len(keys) <= DRAWN else None,
        "may_keep": permissions.can_keep_services(request.user),
        "next_url": _beginning(before, page.next),
        "previous_url": _beginning(before, page.previous),
    }
    return render(request, "changes/services.html", context)


def _beginning(query: Any, token: str) -> str:
    if not token:
        return ""
    query = query.copy()
    query["page"] = token
    return f"?{query.urlencode()}"


def _named(found: "QuerySet[Service]", text: str) -> "QuerySet[Service]":
    there = found.annotate(upper=Upper("name"))
    return there.filter(upper__contains=Upper(Value(composed(text).strip())))


def _counted(rows: "QuerySet[Service]") -> "QuerySet[Service]":
    return rows.annotate(needs=_number("service"), dependants=_number("needs"))


def _name_needs(rows: Sequence[Service], links: Links) -> None:
    """Let rows say by name what each needs (``named``), as the picture does; of many the first."""
    names = names_of({key for one in rows for key in links.needs.get(one.pk, ())})
    for one in rows:
        own = sorted(names[key] for key in links.needs.get(one.pk, ()) if key in names)
        more = len(own[NAMED:])
        said = [*own[:NAMED], *([ngettext("%d more", "%d more", more) % more] if more else [])]
        vars(one)["named"] = ", ".join(said)


def _number(field: str) -> Coalesce:
    pairs = ServiceDependency.objects.filter(**{field: OuterRef("pk")}).order_by()
    return Coalesce(Subquery(pairs.values(field).annotate(n=Count("pk")).values("n")), 0)


@signed_in
@require_safe
def find_service(request: SignedInRequest) -> HttpResponse:
    """Offer services in use whose name has what was typed."""
    insist(permissions.can_keep_services(request.user))
    text = request.GET.get("needs", "")[:100]
    found = _named(Service.objects.filter(is_active=True), text)[:FOUND]
    return render(request, "changes/partials/find_service.html", {"found": found})


@signed_in
@require_safe
def service(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a service with what it needs and what needs it, as picture and list."""
    insist(permissions.can_read_services(request.user))
    return _page(request, get_object_or_404(Service, pk=pk), DependencyForm())


def _page(
    request: SignedInRequest, shown: Service, form: DependencyForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    order = paging.Order("dependants", Upper("name"), CharField())
    needing = Service.objects.filter(needing__needs=shown)
    try:
        page = paging.page_of(needing, order, request.GET.get("page", ""), PAGE_SIZE)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    links = links_near([shown.pk])
    around = {**links.prerequisites([shown.pk]), **links.dependants([shown.pk])}
    nearest = sorted(around, key=lambda key: (around[key], key))[: DRAWN - 1]
    context = {
        "service": shown,
        "needs": Service.objects.filter(needed_by__service=shown),
        "needs_indirectly": _further(links.prerequisites([shown.pk])),
        "dependants": page,
        "dependants_indirectly": _further(links.dependants([shown.pk])),
        "depth": DEPTH,
        "graph": _drawn(links, {shown.pk, *nearest}, shown.pk) if around else None,
        "left_out": len(around) - len(nearest),
        "may_keep": permissions.can_keep_services(request.user),
        "form": form,
        "next_url": f"?page={page.next}" if page.next else "",
        "previous_url": f"?page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/service.html", context, status=status)


def _further(distance: dict[int, int]) -> tuple[list[Service], int]:
    """Return the first by name of those that are reached through others, and how many more."""
    keys = [key for key, far in distance.items() if far > 1]
    if not keys:
        return [], 0
    found = list(Service.objects.filter(pk__in=keys)[:PAGE_SIZE])
    return found, len(keys) - len(found)


def _drawn(links: Links, keys: Collection[int], it: int = 0) -> dict[str, Any] | None:
    """Return what the picture of these services is drawn from, None of fewer than two."""
    pairs = [(one, other) for one, other in links.pairs if one in keys and other in keys]
    columns = columns_of(pairs)
    if not columns:
        return None
    there = Service.objects.in_bulk(columns)
    drawn = picture(columns, pairs, {key: one.name for key, one in there.items()})
    nodes = [
        Node(box, _lines(box, there[box.key].name), there[box.key], box.key == it)
        for box in drawn.boxes
    ]
    return {"nodes": nodes, "lines": drawn.lines, "width": drawn.width, "height": drawn.height}


def _lines(box: Box, name: str) -> list[tuple[int, str]]:
    """Return the lines of a name in a box, each with its place."""
    lines = lines_of(name)
    first = box.y + (26 if len(lines) == 1 else 18)
    return [(first + 16 * number, line) for number, line in enumerate(lines)]


@signed_in
@require_POST
def add_dependency(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that a service needs another one."""
    insist(permissions.can_keep_services(request.user))
    shown = get_object_or_404(Service, pk=pk)
    form = DependencyForm(request.POST)
    if form.is_valid():
        needs = form.cleaned_data["needs"]
        try:
            lifecycle.add_dependency(shown, actor=request.user, needs=needs)
        except StepIncomplete as error:
            form.take_error(error)
        else:
            values = {"one": shown, "other": needs}
            messages.success(request, _("%(one)s needs %(other)s from now on.") % values)
            return redirect(shown)
    return _page(request, shown, form, HTTPStatus.BAD_REQUEST)


@signed_in
@require_POST
def remove_dependency(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that a service does not need another one any more."""
    insist(permissions.can_keep_services(request.user))
    shown = get_object_or_404(Service, pk=pk)
    needs = get_object_or_404(Service, pk=whole_number(request.POST.get("needs", "")) or 0)
    lifecycle.remove_dependency(shown, actor=request.user, needs=needs.pk)
    values = {"one": shown, "other": needs}
    messages.success(request, _("%(one)s does not need %(other)s any more.") % values)
    return redirect(shown)
