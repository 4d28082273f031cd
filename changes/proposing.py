"""What fills in a form before somebody writes: templates, and what was used last.

All of it is a proposal. It is read from the database each time, in a fixed number of queries.
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, User
from accounts.roles import Role
from expansive_cm.texts import composed, quoted

from .asked import SHOWN, unanswered
from .finding import organisations_for
from .models import Change, ChangeTemplate

SHOWN_FIRST = 4
"""So many templates stand on the page of a new request; the others are found by typing."""
OFFERED = 8
NOT_USABLE = gettext_lazy("This template cannot be used any more.")
NOT_THEIRS = gettext_lazy("The template “%(template)s” is for %(organisation)s only.")
LOOKED_BACK = 20
"""So many of a person's latest records are read for what they used last."""
BLANK = "…"
"""What each request of a template fills in."""


def usable_by(user: User) -> "QuerySet[ChangeTemplate]":
    """Templates with which this person may begin a request, those of their customers included.

    A customer's person gets those alone that are offered to customers.
    """
    customers = organisations_for(user)
    fitting = Q(organisation=None) | Q(organisation__in=customers)
    templates = ChangeTemplate.objects.filter(fitting, is_active=True)
    return templates if user.is_internal else templates.filter(is_offered=True)


def kept_by(user: User) -> "QuerySet[Organisation]":
    """Customers for which this person may keep templates (``permissions.may_keep_template``)."""
    active = Organisation.objects.filter(is_active=True)
    if user.has_role(Role.ADMINISTRATOR):
        return active
    if user.has_role(Role.CUSTOMER_SUCCESS):
        return active.filter(success_team__in=user.team_ids)
    return active.none()


def with_words(templates: "QuerySet[ChangeTemplate]", text: str) -> "QuerySet[ChangeTemplate]":
    """Return those whose name or purpose has every word of a text."""
    for word in composed(text).split()[:5]:
        templates = templates.filter(Q(name__icontains=word) | Q(purpose__icontains=word))
    return templates


def shown_first(user: User) -> tuple[list[ChangeTemplate], bool]:
    """Return the templates to offer at once, and whether there are others, in three queries.

    Those come first with which the person began their latest requests, the latest first.
    """
    begun = Change.objects.filter(raised_by=user, template__isnull=False).order_by("-pk")
    latest = list(dict.fromkeys(begun.values_list("template", flat=True)[:LOOKED_BACK]))
    own = usable_by(user).filter(pk__in=latest[:SHOWN_FIRST])
    others = usable_by(user).exclude(pk__in=latest[:SHOWN_FIRST]).order_by("name", "pk")
    brief = ("pk", "name", "purpose", "organisation__name")
    used = own.select_related("organisation").only(*brief).order_by("pk")[:SHOWN_FIRST]
    further = others.select_related("organisation").only(*brief)[: SHOWN_FIRST + 1]
    found = [*sorted(used, key=lambda one: latest.index(one.pk)), *further]
    return found[:SHOWN_FIRST], len(found) > SHOWN_FIRST


def template_of(change: Change) -> ChangeTemplate | None:
    """Return the template that still proposes something for a change; None for most changes.

    Not one that was withdrawn, nor one of another customer, as after the customer was corrected.
    """
    if change.template_id is None:
        return None
    template = change.template
    return template if fits(template, change.organisation_id) else None


def fits(template: ChangeTemplate | None, organisation_pk: int | None) -> bool:
    """Whether a template is in use and meant for this customer, if one is known."""
    if template is None or not template.is_active:
        return False
    return organisation_pk is None or template.organisation_id in (None, organisation_pk)


def assessment_of(template: ChangeTemplate) -> dict[str, Any]:
    """Return what a template proposes of an assessment, by its fields."""
    return {name: getattr(template, name) for name in ChangeTemplate.ASSESSMENT}


def why_not_assessed(change: Change) -> str:
    """Say why a change is not assessed as a template proposes it; "" where it can be."""
    template = template_of(change)
    if template is None:
        return _("It did not begin with a template that is in use: assess it by itself.")
    values = assessment_of(template).values()
    if any(value in (None, "") for value in values):
        return _("The template “%s” does not say all of the assessment.") % template
    if any(BLANK in value for value in values if isinstance(value, str)):
        return _("The template “%s” has blanks (…) in the assessment.") % template
    if BLANK in change.title or BLANK in change.description:
        return _("The request has blanks (…): read it, and assess it by itself.")
    return ""


def used_last(model: Any, field: str, user: User, organisation_pk: int | None) -> Any:
    """Return what this person wrote into a field of their latest records, None without any.

    What they used for the same customer comes first. Costs one query of some twenty rows.
    """
    own = model.objects.filter(recorded_by=user).order_by("-pk")
    rows = list(own.values_list(field, "change__organisation")[:LOOKED_BACK])
    same = [value for value, customer in rows if customer == organisation_pk]
    return next(iter(same or [value for value, _customer in rows]), None)


def following(old: Change) -> str:
    """Return what was asked for, below the number of what it follows, as far as there is room.

    Between them what its customer asked and nobody answered before it ended.
    """
    longest = Change._meta.get_field("description").max_length
    parts = [_("This follows %s.") % old.reference]
    if old.left_unanswered:
        parts.append(_("Asked there, and not answered when it ended:"))
        parts += [quoted(one.body) for one in unanswered(old)[-SHOWN:]]
    return "\n\n".join([*parts, old.description])[:longest]
