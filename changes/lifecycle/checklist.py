"""The checklist of a change: its copy of the template's, and the ticks on it."""

from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history

from accounts.models import User
from expansive_cm.workflow.errors import StepIncomplete
from expansive_cm.workflow.steps import attribute, opened, save

from .. import checklists, permissions
from ..models import Change, ChecklistItem
from .core import Step, lock


def copy_checklist(step: Step) -> None:
    """Give a change that is being sent the checklist of its template as its own.

    Effects: an entry a line, with its history; nothing where there is no template.
    """
    template = step.change.template
    found = checklists.entries(template.checklist) if template else []
    items = [
        ChecklistItem(
            change=step.change,
            text=one.text[: checklists.LONGEST],
            is_required=one.is_required,
        )
        for one in found[: checklists.MOST]
    ]
    if items:
        bulk_create_with_history(
            items, ChecklistItem, default_user=step.actor, default_change_reason=step.why
        )


def drop_checklist(step: Step) -> None:
    """Take the checklist off a change whose template turned out to be another customer's.

    Effects: its entries are gone; history keeps them. Before the assessment none is ticked.
    """
    for one in step.change.checklist_items.all():
        attribute(one, actor=step.actor, reason=step.why)
        one.delete()


def tick_item(change: Change, *, actor: User, item: int, done: bool) -> Change:
    """Tick an entry of the checklist as checked, or take the tick back.

    Raises StepIncomplete for an entry that is not of this change. Effects: the entry, with who and
    when, and its history; where it stands so already, nothing. No page becomes stale by it, and
    nobody is told. Returns the change as it is now.
    """
    ask = partial(permissions.can_tick_checklist, actor)
    with opened(lambda: lock(change), actor=actor, ask=ask) as fresh:
        found = next((one for one in checklists.items_of(fresh) if one.pk == item), None)
        if found is None:
            raise StepIncomplete(_("The checklist has no such entry."))
        if found.is_ticked != done:
            found.ticked_by = actor if done else None
            found.ticked_at = timezone.now() if done else None
            found.ticked_path = fresh.path if done else None
            found.ticked_round = fresh.round if done else None
            words = _("ticked “%s” on the checklist") if done else _("took back the tick of “%s”")
            save(found, actor=actor, reason=words % found.text)
    return fresh


def insist_on_checklist(change: Change, field: str) -> None:
    """Refuse to record that all was done while something required is not ticked.

    Raises StepIncomplete, beside ``field`` of the form. A query, where a template was used.
    """
    if words := checklists.missing(change):
        raise StepIncomplete(words, [field])
