"""Keeping change templates."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIncomplete
from expansive_cm.workflow.steps import attribute, explain, require

from .. import checklists, permissions, proposing
from ..models import Change, ChangeTemplate, Service
from .standard import end_what_was_approved

NAME_IN_USE = "changes_template_name"


def save_template(
    template: ChangeTemplate | None,
    *,
    actor: User,
    seen: int | None = None,
    services: Iterable[Service] = (),
    made_from: Change | None = None,
    reason: str = "",
    **fields: Any,
) -> ChangeTemplate:
    """Write a template, or change one; withdrawing it is setting ``is_active`` to False.

    ``fields`` are those of ChangeTemplate; ``made_from`` is the change whose records filled in a
    new one. ``seen`` is the version on the page. Raises StepForbidden for who may not keep it, or
    none of the customer that it is for or made from, ChangeStale when somebody changed it
    meanwhile, StepIncomplete for a name that another template in use has and a checklist
    that is too long. Effects: the template
    with its history; where its content changed, what was approved of it as a standard change is
    void. Changes that began with it keep what was written into them.
    """
    with acting():
        if template is None:
            person = actor.read_afresh()
            require(permissions.can_maintain_templates(person))
            if made_from is not None:
                require(permissions.may_save_as_template(person, made_from))
            fresh = ChangeTemplate(created_by=actor)
        else:
            fresh = _locked(template)
            require(permissions.may_keep_template(actor.read_afresh(), fresh))
            if seen is not None and seen != fresh.version:
                raise ChangeStale(_what_happened(fresh))
            fresh.version += 1
        before = fresh.organisation_id
        for name, value in fields.items():
            setattr(fresh, name, value)
        if fresh.organisation_id != before:
            _may_be_for(actor, fresh.organisation)
        if words := checklists.fault(fresh.checklist):
            raise StepIncomplete(words, ["checklist"])
        fresh.updated_by = actor
        attribute(fresh, actor=actor, reason=_why(fresh, made_from, reason))
        _save(fresh)
        _set_services(fresh, services, reason)
        end_what_was_approved(fresh, actor=actor)
    return fresh


def _locked(template: ChangeTemplate) -> ChangeTemplate:
    rows = ChangeTemplate.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("organisation", "updated_by").get(pk=template.pk)


def _what_happened(template: ChangeTemplate) -> str:
    return _("In the meantime %s changed this template.") % template.updated_by


def _may_be_for(actor: User, organisation: Organisation | None) -> None:
    if organisation is None:
        return
    if not proposing.kept_by(actor).filter(pk=organisation.pk).exists():
        raise StepForbidden(_("You cannot keep templates of %s.") % organisation)


def _why(template: ChangeTemplate, made_from: Change | None, reason: str) -> str:
    if template.pk is None:
        begun = _("wrote the template")
        if made_from is not None:
            begun = _("wrote the template from %s") % made_from.reference
    else:
        begun = _("changed the template") if template.is_active else _("withdrew the template")
    return f"{begun}: {reason}" if reason else begun


def _save(template: ChangeTemplate) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        if NAME_IN_USE not in str(error):
            raise
        words = _("Another template in use is called “%s”.") % template.name
        raise StepIncomplete(words, ["name"]) from None


def _set_services(template: ChangeTemplate, services: Iterable[Service], reason: str) -> None:
    wanted = {service.pk for service in services}
    known = set(template.services.values_list("pk", flat=True))
    why = _("set the services of the template")
    explain(template, f"{why}: {reason}" if reason else why)
    if known - wanted:
        template.services.remove(*known - wanted)
    if wanted - known:
        template.services.add(*wanted - known)
