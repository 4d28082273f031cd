"""The checklist of a change: on its page, beside the forms of its steps, and in its file."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from expansive_cm.numbers import whole_number

from .. import checklists, lifecycle, permissions
from ..models import Change, ChecklistItem
from ..permissions.rules import can_see_internal
from ..states import State
from .access import SignedInRequest, insist, signed_in, visible_or_404
from .records import Detail, Record
from .sections import Section

BESIDE = frozenset(
    {"start_execution", "record_execution", "document", "start_deployment", "record_deployment"}
)
"""The steps beside whose forms it stands."""


@dataclass(frozen=True)
class Checklist:
    """What the page shows of a checklist to one of Expansive's own people."""

    items: list[ChecklistItem]
    may_tick: bool
    still_open: list[ChecklistItem]
    needed: list[ChecklistItem]
    """Each of these must be ticked before it is recorded that all was done."""

    @property
    def ticked(self) -> int:
        return len(self.items) - len(self.still_open)


def checklist_for(user: User, change: Change) -> Checklist | None:
    """Return the checklist of a change; None where there is none, and for customers always."""
    items = checklists.items_of(change) if can_see_internal(user) else []
    if not items:
        return None
    still_open = [one for one in items if not one.is_ticked]
    is_recorded = change.state == State.DOCUMENTATION
    needed = [] if is_recorded else checklists.needed(items)
    may_tick = bool(permissions.can_tick_checklist(user, change))
    return Checklist(items, may_tick, still_open, needed)


def checklist_section(user: User, change: Change) -> list[Section]:
    """Return the checklist as a stage of the change's file; nothing where it has none."""
    found = checklist_for(user, change)
    if found is None or change.submitted_at is None:
        return []
    details = [_detail(one) for one in found.items]
    title = _("Checklist")
    record = Record(title, change.submitted_at, None, details)
    return [Section("checklist", title, "checklist", [record])]


def _detail(one: ChecklistItem) -> Detail:
    text = str(checklists.Entry(one.text, one.is_required))
    if not one.is_ticked:
        return Detail(_("Open"), text)
    return Detail(_("Ticked"), f"{text}, {one.ticked_by},", when=one.ticked_at)


@signed_in
@require_POST
def tick_item(request: SignedInRequest, pk: int) -> HttpResponse:
    """Tick an entry or take the tick back; in the background, show the checklist anew."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_tick_checklist(request.user, change))
    item = whole_number(request.POST.get("item", ""))
    done = request.POST.get("done", "")
    page = request.POST.get("page", "")
    if item is None or done not in ("yes", "no") or page not in {"", *BESIDE}:
        raise BadRequest("item")
    change = lifecycle.tick_item(change, actor=request.user, item=item, done=done == "yes")
    if not request.htmx:
        there = reverse(f"changes:{page or 'detail'}", args=[change.pk])
        return redirect(f"{there}#check-{item}")
    context: dict[str, Any] = {"change": change, "checklist": checklist_for(request.user, change)}
    return render(request, "changes/partials/checklist.html", {**context, "page": page})
