"""Assessing, reviewing and authorising take two people, where the customer has two approvers.

Whoever assessed a change and reviewed it, on whatever path, does not authorise it as well. Only
where nobody else is an authorised approver of the customer, or named by the approval rule that
applies, may they, and that is recorded.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from accounts.standing import Anybody
from expansive_cm.statements import known_or_read

from ..models import Change, Event
from .parts import approvers

ASSESSING = ("assess", "reclassify")
REVIEWING = ("review",)


def prepared(change: Change) -> set[int | None]:
    """Return who both assessed and reviewed a change."""
    events = known_or_read(change, "events")
    assessed = {event.actor_id for event in events if event.verb in ASSESSING}
    return assessed & {event.actor_id for event in events if event.verb in REVIEWING}


def barred(change: Change) -> set[int | None]:
    """Return who may not authorise a change as they prepared it alone and another approver can."""
    return {key for key in prepared(change) if _another_can(change, key)}


def is_barred(user: User, change: Change) -> bool:
    """Whether ``barred`` names this person; costs a query only for who prepared the change."""
    return user.pk in prepared(change) and _another_can(change, user.pk)


def _another_can(change: Change, key: int | None) -> bool:
    customer, others = change.organisation_id, approvers().exclude(pk=key or 0)
    if others.filter(approves_for=customer).exists():
        return True
    rule = change.approval_rule_id
    return rule is not None and others.filter(_named_by(rule, customer)).exists()


def _named_by(rule: Any, customer: Any) -> Q:
    """Return the condition for whom a rule in use names and who sees the customer's changes.

    One who approves for the customer, and belongs to another, is asked about before.
    """
    sees = Q(organisation=None) | Q(organisation=customer)
    return sees & Q(approves_by__rule=rule, approves_by__rule__ended_at=None)


def barred_from(user: User | Anybody) -> Q:
    """Return the condition for changes of which ``barred`` names this person."""
    acts = Event.objects.filter(change=OuterRef("pk"), actor=user)
    others, customer = approvers().exclude(pk=user.pk), OuterRef("organisation")
    named = others.filter(_named_by(OuterRef("approval_rule"), customer))
    return Q(
        Exists(acts.filter(verb__in=ASSESSING)),
        Exists(acts.filter(verb__in=REVIEWING)),
        Exists(others.filter(approves_for=customer)) | Exists(named),
    )


def barred_people() -> Q:
    """Return the condition for people of whom ``barred`` names one, in a subquery of changes."""
    acts = Event.objects.filter(change=OuterRef(OuterRef("pk")), actor=OuterRef("pk"))
    customer, rule = OuterRef(OuterRef("organisation")), OuterRef(OuterRef("approval_rule"))
    others = approvers().exclude(pk=OuterRef("pk"))
    return Q(
        Exists(acts.filter(verb__in=ASSESSING)),
        Exists(acts.filter(verb__in=REVIEWING)),
        Exists(others.filter(approves_for=customer))
        | Exists(others.filter(_named_by(rule, customer))),
    )
