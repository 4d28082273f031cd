"""Approval rules: keeping them, and asking for approvals by the one that applies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organisation, User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import attribute, require, save

from .. import approving, permissions
from ..models import ApprovalRule, ChangeTemplate, RuleApprover, Service
from ..turns import by_rule
from ..turns.parts import approvers
from .core import Step

MOST_NAMED = 8
"""So many people one rule names at most."""
MOST_RULES = 200
"""So many rules are in use at most: each is looked at when an approval is asked for."""


@dataclass(frozen=True)
class RuleWords:
    """All that is said of a rule; what is None or "" holds for any change."""

    name: str
    position: int = 1
    organisation: Organisation | None = None
    service: Service | None = None
    template: ChangeTemplate | None = None
    risk: int | None = None
    people: Sequence[User] = ()
    """In their order."""
    customers_own: bool = False
    needed: int = 1
    in_order: bool = False


def ask_approval(step: Step) -> None:
    """Note by which rule a change whose authorisation is asked for is approved, and why.

    Effects: rule and reason on the change, saved with the step; both in its event.
    """
    rule = approving.rule_for(step.change)
    step.change.approval_rule = rule
    step.change.approval_why = approving.why(rule)[:700] if rule else ""
    if rule is not None:
        step.data["approval_rule"] = {"rule": rule.pk, "why": step.change.approval_why}


def has_enough(step: Step) -> bool:
    """Whether the approvals that count suffice, with the one just given.

    Effects: of one by a rule the event says how many there are, how many are needed, and whether
    it comes to somebody else now, as in an order. Before the last one it is between colleagues:
    the customer hears what was decided, once it is. No page becomes stale by it, as nothing that
    the others decide on has changed.
    """
    rule = by_rule.rule_of(step.change)
    if rule is None:
        return True
    there = len({one.recorded_by_id for one in by_rule.given(step.change)})
    step.data["approval"] = {"rule": rule.pk, "given": there, "needed": rule.needed}
    enough = there >= rule.needed
    if not enough:
        step.internal = step.keeps_version = True
        if rule.in_order:
            step.data["next_in_order"] = True
    return enough


def make_rule(*, actor: User, words: RuleWords) -> ApprovalRule:
    """Make an approval rule. Raises StepForbidden, and StepIncomplete beside what cannot be.

    Effects: the rule and whom it names, with history. It applies where authorisation is asked for
    from then on.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_approval_rules(person))
        if ApprovalRule.objects.filter(ended_at=None).count() >= MOST_RULES:
            raise StepIncomplete(_("There are %d rules. End one first.") % MOST_RULES)
        rule = ApprovalRule(created_by=person)
        return _kept(rule, person, words, _("made the approval rule"))


def change_rule(
    rule: ApprovalRule, *, actor: User, words: RuleWords, seen: int | None = None
) -> ApprovalRule:
    """Change an approval rule. ``seen`` is the version on the page.

    Raises StepForbidden, ChangeStale, StepIllegal for one that has ended, StepIncomplete. Effects:
    the rule with its history. Who approves, and how many, counts for what waits by it as well, and
    approvals that were given stay; what a change must be counts from the next one that asks.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_approval_rules(person))
        fresh = _locked(rule, seen)
        fresh.version += 1
        return _kept(fresh, person, words, _("changed the approval rule"))


def end_rule(rule: ApprovalRule, *, actor: User, seen: int | None = None) -> ApprovalRule:
    """End an approval rule, for good.

    Raises as ``change_rule`` does. Effects: the rule with its history; what waits by it waits for
    one of the customer's authorised approvers from then on.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_approval_rules(person))
        fresh = _locked(rule, seen)
        fresh.version += 1
        fresh.ended_at = timezone.now()
        return save(fresh, actor=person, reason=_("ended the approval rule"))


def _locked(rule: ApprovalRule, seen: int | None) -> ApprovalRule:
    fresh = ApprovalRule.objects.select_for_update(no_key=True).get(pk=rule.pk)
    if fresh.ended_at is not None:
        raise StepIllegal(_("This rule has ended already."))
    if seen is not None and seen != fresh.version:
        raise ChangeStale(_("In the meantime somebody changed this rule."))
    return fresh


def _kept(rule: ApprovalRule, actor: User, words: RuleWords, reason: str) -> ApprovalRule:
    _check(words)
    for name in ("name", "position", "organisation", "service", "template", "risk"):
        setattr(rule, name, getattr(words, name))
    rule.customers_own, rule.in_order = words.customers_own, words.in_order
    rule.needed = words.needed
    save(rule, actor=actor, reason=reason)
    _name(rule, actor, words.people, reason)
    return rule


def _check(words: RuleWords) -> None:
    """Raise StepIncomplete for a rule that nobody can satisfy, or that applies to nothing."""
    keys = [one.pk for one in words.people]
    if len(set(keys)) < len(keys):
        raise StepIncomplete(_("Somebody is named twice."), ["people"])
    if len(keys) > MOST_NAMED:
        raise StepIncomplete(_("A rule names %d people at most.") % MOST_NAMED, ["people"])
    if not keys and not words.customers_own:
        raise StepIncomplete(_("Say who approves."), ["people"])
    only_for = words.template.organisation if words.template else None
    if only_for and words.organisation and only_for != words.organisation:
        sentence = _("This template is only for %s, so the rule would never apply.") % only_for
        raise StepIncomplete(sentence, ["template"])
    lacking = _who_cannot(words)
    if lacking:
        names = ", ".join(str(one) for one in lacking)
        sentence = _(
            "%s cannot approve these changes: it takes the role “Authorised approver”, and a"
            " customer's people approve for their own customers alone."
        )
        raise StepIncomplete(sentence % names, ["people"])
    can = how_many_can(words.people, words.customers_own, words.organisation)
    if can is not None and can < words.needed:
        sentence = ngettext(
            "Nobody can satisfy this rule: %(can)d person can approve; it asks for %(needed)d.",
            "Nobody can satisfy this rule: %(can)d people can approve; it asks for %(needed)d.",
            can,
        )
        raise StepIncomplete(sentence % {"can": can, "needed": words.needed}, ["needed"])


def _who_cannot(words: RuleWords) -> list[User]:
    able = {one.pk: one for one in approvers().filter(pk__in=[one.pk for one in words.people])}
    return [one for one in words.people if not _can(able.get(one.pk), words.organisation)]


def _can(person: User | None, customer: Organisation | None) -> bool:
    if person is None:
        return False
    if customer is None or person.organisation_id in (None, customer.pk):
        return True
    return customer.pk in person.approves_for_ids


def how_many_can(
    people: Sequence[User], customers_own: bool, customer: Organisation | None
) -> int | None:
    """Return how many people can approve; None where that depends on the change's customer."""
    if customers_own and customer is None:
        return None
    keys = {one.pk for one in people}
    if customers_own:
        keys |= set(approvers().filter(approves_for=customer).values_list("pk", flat=True))
    return len(keys)


def _name(rule: ApprovalRule, actor: User, people: Sequence[User], reason: str) -> None:
    """Let the rule name these people in this order; history keeps those that it named before."""
    known: dict[int, Any] = {one.person_id: one for one in rule.named.all()}
    for position, person in enumerate(people, start=1):
        row = known.pop(person.pk, None) or RuleApprover(rule=rule, person=person)
        if row.position != position:
            row.position = position
            save(row, actor=actor, reason=reason)
    for row in known.values():
        attribute(row, actor=actor, reason=reason)
        row.delete()
