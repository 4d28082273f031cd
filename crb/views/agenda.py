"""Agendas: published, added to late, reordered, planned; deferred items and the consent batch."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from expansive_cm import errors
from expansive_cm.numbers import whole_number
from expansive_cm.sure import sure
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import ChangeStale, StepError, StepIncomplete

from .. import lifecycle, permissions, queries, versions
from ..forms import AddLateForm
from ..lifecycle.consent import ConsentRecord
from ..lifecycle.core import require
from ..models import AgendaItem, Meeting
from . import page
from .access import SignedInRequest, for_own_people, item_or_404, meeting_or_404
from .page import MeetingPage


@require_POST
@for_own_people
def publish_agenda(request: SignedInRequest, pk: int) -> HttpResponse:
    """Publish the agenda before its cut-off."""
    found = meeting_or_404(pk)
    try:
        lifecycle.publish_agenda(found, actor=request.user)
    except StepError as error:
        return _refused(request, found, error)
    messages.success(request, _("The agenda is published. Every member has it by mail."))
    return redirect(found)


@require_POST
@for_own_people
def reorder_agenda(request: SignedInRequest, pk: int) -> HttpResponse:
    """Move items: the whole order as it was dragged, or one item a place up or down."""
    found = meeting_or_404(pk)
    seen, wanted = _number(request, "seen"), _chosen(request)
    try:
        order = _order(request, found)
        moved = lifecycle.reorder_agenda(found, actor=request.user, order=order, seen=seen)
    except StepError as error:
        return _refused(request, found, error)
    messages.success(request, _moved_words(request, order) if moved else _("Nothing has moved."))
    if getattr(request, "htmx", False):
        return MeetingPage(request, meeting_or_404(pk), wanted).show()
    return redirect(f"{found.get_absolute_url()}{f'?item={wanted}' if wanted else ''}")


def _order(request: SignedInRequest, meeting: Meeting) -> list[int]:
    """Read the order; one step up or down is reckoned from the agenda as it is now."""
    if "order" in request.POST:
        try:
            return [int(part) for part in request.POST["order"].split(",") if part]
        except ValueError:
            raise BadRequest("order") from None
    step = -1 if "up" in request.POST else 1
    moving = _number(request, "up" if step < 0 else "down")
    items = meeting.items.filter(state="open", is_consent=False).order_by("position", "pk")
    order = list(items.values_list("pk", flat=True))
    if moving in order:
        place = order.index(moving)
        other = min(max(place + step, 0), len(order) - 1)
        order[place], order[other] = order[other], order[place]
    return order


def _moved_words(request: SignedInRequest, order: list[int]) -> str:
    """Say where the item that was moved stands now, for those who cannot see it."""
    moved = request.POST.get("moved") or request.POST.get("up") or request.POST.get("down") or ""
    keys = [str(pk) for pk in order]
    if moved in keys:
        places = {"place": keys.index(moved) + 1, "total": len(order)}
        return _("Moved to place %(place)d of %(total)d open items.") % places
    return _("The agenda has a new order.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def add_late(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add a change to a published agenda; shows what waits and is not on it."""
    found = meeting_or_404(pk)
    form = None
    try:
        require(permissions.can_add_late(request.user, found))
        form = AddLateForm(request.POST or None, candidates=queries.late_candidates(found))
        if request.method == "POST" and form.is_valid():
            given = form.arguments()
            item = lifecycle.add_late(
                given["change"], found, actor=request.user, reason=given["reason"]
            )
            messages.success(request, _("Added to the agenda. The members are told by mail."))
            return redirect(page.address_of(item))
    except StepIncomplete as error:
        sure(form).take_error(error)
    except StepError as error:
        return _refused(request, found, error)
    status = HTTPStatus.BAD_REQUEST if request.method == "POST" else HTTPStatus.OK
    context = {"meeting": found, "board": found.board, "form": form}
    return render(request, "crb/add_late.html", context, status=status)


@require_POST
@for_own_people
def plan_item(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say who presents an item and how long it may take."""
    item = item_or_404(pk)
    decision = permissions.can_plan_item(request.user, item)

    def act(arguments: dict[str, Any]) -> str:
        seen = request.POST.get("seen")
        lifecycle.plan_item(item, actor=request.user, seen=seen, **arguments)
        return _("The item is planned.")

    return _take(request, item, decision, "plan_form", act)


@require_POST
@for_own_people
def defer_item(request: SignedInRequest, pk: int) -> HttpResponse:
    """Defer an item to the next meeting."""
    item = item_or_404(pk)
    decision = permissions.can_defer_item(request.user, item)

    def act(arguments: dict[str, Any]) -> str:
        carried = lifecycle.defer_item(item, actor=request.user, **arguments)
        if carried is None:
            return _("Deferred. It waits until the next meeting is planned.")
        return _("Deferred: it is on the agenda of %s.") % carried.meeting

    return _take(request, item, decision, "defer_form", act)


@require_POST
@for_own_people
def pull_from_consent(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take an item out of the consent items."""
    item = item_or_404(pk)
    decision = permissions.can_pull_from_consent(request.user, item)

    def act(arguments: dict[str, Any]) -> str:
        lifecycle.pull_from_consent(item, actor=request.user, **arguments)
        return _("Taken out: the item is discussed like the others.")

    return _take(request, item, decision, "pull_form", act)


def _take(
    request: SignedInRequest,
    item: AgendaItem,
    decision: Decision,
    name: str,
    act: Callable[[dict[str, Any]], str],
) -> HttpResponse:
    """Take a step with the item's form of this name, or answer with the page and what is wrong."""
    form = getattr(page.page_of_item(request, item).item, name)(request.POST)
    try:
        require(decision)
        if not form.is_valid():
            return page.missing(request, item, name, form, None)
        sentence = act(form.arguments())
    except StepIncomplete as error:
        return page.missing(request, item, name, form, error)
    except StepError as error:
        return page.refused(request, item, name, form, error)
    messages.success(request, sentence)
    return redirect(page.address_of(item))


@require_POST
@for_own_people
def record_consent(request: SignedInRequest, pk: int) -> HttpResponse:
    """Record the outcomes of all consent items at once."""
    found = meeting_or_404(pk)
    given = [one.partition(":") for one in request.POST.getlist("shown")]
    numbered = [(whole_number(key), side) for key, _colon, side in given]
    shown = {key: side for key, side in numbered if key is not None}
    try:
        answer = lifecycle.record_consent(found, actor=request.user, shown=shown)
    except ChangeStale as error:
        now = MeetingPage(request, meeting_or_404(pk), None, batch=True)
        return now.show(error.status, refusal=str(error))
    except StepError as error:
        return _refused(request, found, error)
    _tell(request, answer)
    return redirect(f"{found.get_absolute_url()}?show=consent")


def _tell(request: SignedInRequest, answer: ConsentRecord) -> None:
    number = len(answer.recorded)
    if number:
        words = ngettext(
            "%d outcome is recorded by consent.", "%d outcomes are recorded by consent.", number
        )
        messages.success(request, words % number)
    for item, why in answer.left_out:
        words = _("Left out: %(reference)s %(title)s. %(why)s")
        values = {"reference": item.change.reference, "title": item.change.title, "why": why}
        messages.warning(request, words % values)


@require_safe
@for_own_people
def agenda_version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """Show an agenda as it was published, and what changed against the version before."""
    found = meeting_or_404(pk)
    kept = list(found.agenda_versions.select_related("published_by"))
    version = next((one for one in kept if one.number == number), None)
    if version is None:
        raise Http404
    before = next((one for one in kept if one.number == number - 1), None)
    lines, gone = versions.compare(before.entries if before else version.entries, version.entries)
    context = {
        "meeting": found,
        "board": found.board,
        "version": version,
        "versions": kept,
        "before": before,
        "lines": lines,
        "gone": gone,
        "minutes": sum(line.entry["time_box"] or 0 for line in lines),
        "kinds": dict(AgendaItem.Kind.choices),
    }
    return render(request, "crb/agenda_version.html", context)


def _refused(request: SignedInRequest, meeting: Meeting, error: StepError) -> HttpResponse:
    address = reverse("crb:meeting", args=[meeting.pk])
    return errors.page(request, HTTPStatus(error.status), str(error), current_url=address)


def _number(request: SignedInRequest, name: str) -> int:
    try:
        return int(request.POST[name])
    except (KeyError, ValueError):
        raise BadRequest(name) from None


def _chosen(request: SignedInRequest) -> int | None:
    return whole_number(request.POST.get("item", ""))
