"""Labels: putting them on changes and taking them off; renaming, merging and ending them."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import attribute, require, save

from .. import permissions
from ..models import Change, ChangeLabel, Colour, Label
from .core import take_step
from .naming import as_name

NAME_IN_USE = "changes_label_name"
MOST = 500
"""So many labels that were not merged there are at most: a menu holds them, and more of them
are not found again."""
ON_ONE = 20
"""So many labels are on one change at most."""


def label(change: Change, *, actor: User, name: str, colour: str = "") -> Label:
    """Put a label on a change, by its name; one that is not there yet is made, of the colour.

    A label that was merged stands for the one that it was merged into. Raises StepIncomplete for
    a name that is none, for one that has ended, for one that is on the change already, for one
    that is merged at the same moment, and where there are too many. Effects: the label with its
    history, event, for colleagues alone.
    """
    with take_step("label", change, actor=actor) as step:
        found = _as_it_is(_named(name, actor, colour))
        if not found.is_active:
            words = _("The label “%s” has ended. Choose another one.")
            raise StepIncomplete(words % found, ["name"])
        labelled = ChangeLabel.objects.filter(change=step.change)
        if labelled.filter(_of(found)).exists():
            raise StepIncomplete(_("The change has this label already."), ["name"])
        if labelled.count() >= ON_ONE:
            words = _("A change has %d labels at most. Take one off first.")
            raise StepIncomplete(words % ON_ONE, ["name"])
        step.internal, step.reason, step.data = True, found.name, {"label": found.pk}
        step.save(ChangeLabel(change=step.change, label=found, put_by=actor))
    return found


def unlabel(change: Change, *, actor: User, label: Label) -> None:
    """Take a label off a change, and those that were merged into it; history keeps them.

    Raises StepIllegal when somebody else has taken it off.
    """
    with take_step("unlabel", change, actor=actor) as step:
        rows = list(ChangeLabel.objects.filter(_of(label), change=step.change))
        if not rows:
            raise StepIllegal(_("The label has been taken off already."))
        step.internal, step.reason, step.data = True, label.name, {"label": label.pk}
        for record in rows:
            attribute(record, actor=actor, reason=step.why)
            record.delete()


def keep_label(
    label: Label, *, actor: User, name: str, colour: str, is_active: bool, seen: int | None = None
) -> Label:
    """Rename a label, colour it, end it or have it used again.

    ``seen`` is the version on the page. Raises StepForbidden, ChangeStale when it was changed
    meanwhile, StepIllegal for one that was merged, StepIncomplete for a name that is none or that
    another label has. Effects: the label with its history, on every change that has it.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_labels(person))
        fresh = _locked(label, seen)
        fresh.name, fresh.colour, fresh.is_active = _as_name(name), Colour(colour), is_active
        fresh.version += 1
        return _save(fresh, actor=person, reason=_("changed the label"))


def merge_label(label: Label, *, actor: User, into: Label, seen: int | None = None) -> Label:
    """Let one label stand for another as well, which ends.

    However many changes have it, none of them is written to: what it stands for is looked up.
    Raises StepForbidden, ChangeStale, StepIllegal for one that was merged already, StepIncomplete
    for one that is no other label in use. Effects: the label, and those that were merged into it
    before, with their history.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_labels(person))
        # All of them, by key: what stands for what is decided by one person after the other.
        list(Label.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        fresh = _locked(label, seen)
        target = Label.objects.get(pk=into.pk)
        if target.pk == fresh.pk or not target.is_active:
            raise StepIncomplete(_("Choose another label that is in use."), ["into"])
        reason = _("merged the label into “%s”") % target
        for one in [*fresh.merged.order_by("pk"), fresh]:
            one.merged_into, one.is_active = target, False
            one.version += 1
            save(one, actor=person, reason=reason)
    return target


def _of(label: Label) -> Q:
    """Name the rows of a label on changes, and of those that were merged into it."""
    return Q(label=label) | Q(label__merged_into=label)


def _as_it_is(label: Label) -> Label:
    """Return a label as it stays until it is on the change; nobody ends or merges it meanwhile."""
    fresh = Label.objects.select_for_update(no_key=True).get(pk=label.pk)
    if fresh.merged_into_id is None:
        return fresh
    # No other label is locked after this one: whoever merges waits for it, and has the others.
    words = _("The label “%s” was merged in the meantime. Choose another one.")
    raise StepIncomplete(words % fresh, ["name"])


def _locked(label: Label, seen: int | None) -> Label:
    fresh = Label.objects.select_for_update(no_key=True).get(pk=label.pk)
    if fresh.merged_into_id is not None:
        raise StepIllegal(_("This label was merged into another one."))
    if seen is not None and seen != fresh.version:
        raise ChangeStale(_("In the meantime somebody changed this label."))
    return fresh


def _as_name(text: str) -> str:
    longest = Label._meta.get_field("name").max_length or 0
    if name := as_name(text, longest):
        return name
    words = _("A label has a name of at most %d letters, each of which can be seen.")
    raise StepIncomplete(words % longest, ["name"])


def _named(text: str, actor: User, colour: str) -> Label:
    """Return the label of this name, made now where there is none."""
    name = _as_name(text)
    if found := _find(name):
        return found.now
    _has_room()
    made = Label(name=name, colour=colour or Colour.GREY, created_by=actor)
    try:
        with transaction.atomic():
            return save(made, actor=actor, reason=_("made the label"))
    except IntegrityError as error:
        if NAME_IN_USE not in str(error):
            raise
    # Somebody made it at the same moment.
    return Label.objects.select_related("merged_into").get(_is_called(name)).now


def _find(name: str) -> Label | None:
    return Label.objects.select_related("merged_into").filter(_is_called(name)).first()


def _is_called(name: str) -> Q:
    matching = Label.objects.annotate(upper=Upper("name")).filter(upper=Upper(Value(name)))
    return Q(pk__in=matching.values("pk"))


def _has_room() -> None:
    if Label.objects.filter(merged_into=None).count() >= MOST:
        words = _(
            "There are %d labels, and no room for more. Use one of those, or have some merged."
        )
        raise StepIncomplete(words % MOST, ["name"])


def _save(label: Label, **why: Any) -> Label:
    name = label.name
    try:
        with transaction.atomic():
            return save(label, **why)
    except IntegrityError as error:
        if NAME_IN_USE not in str(error):
            raise
    raise StepIncomplete(_("Another label is called “%s”. Merge them instead.") % name, ["name"])
