"""Whose approval an approval rule asks for: of a loaded change, and as conditions of queries.

An approval counts for the content it was given for: this path, round and revision of the change.
The approval of a standard change is none of these. Those whom separation of duties bars are passed
over in the order; who is next of those named comes before the customer's own.
"""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.standing import Anybody
from expansive_cm.statements import is_one_of, known_or_read
from expansive_cm.workflow.decisions import Check, Refusal, refuse

from ..models import ApprovalRule, Authorisation, Change, RuleApprover
from . import past
from .parts import approvers
from .who import Who

BARS = (past.ASKERS, past.EXECUTORS, past.PREPARED_ALONE)
"""What an approver must not have done, by a rule or without one."""
APPROVES_FOR = Organisation.approvers.through


def rule_of(change: Change) -> ApprovalRule | None:
    """Return the rule by which a change is authorised, None where it goes without; one query."""
    if change.approval_rule_id is None:
        return None
    rule = change.approval_rule
    return None if rule is None or rule.ended_at is not None else rule


def given(change: Change) -> list[Authorisation]:
    """Return the approvals that count for the change as it is, the first one first."""
    found = [
        one
        for one in known_or_read(change, "authorisations")
        if (one.path, one.round, one.revision) == (change.path, change.round, change.revision)
        and one.standard_id is None
        and one.outcome == Authorisation.Outcome.AUTHORISED
    ]
    return sorted(found, key=lambda one: one.pk)


def named(rule: ApprovalRule, change: Change) -> list[User]:
    """Return whom the rule names and who can approve this customer's changes, in its order."""
    person = APPROVES_FOR.objects.filter(user=OuterRef("person"))
    seen = Q(person__organisation=None) | Q(person__organisation=change.organisation_id)
    seen |= Q(Exists(person.filter(organisation=change.organisation_id)))
    rows = RuleApprover.objects.filter(seen, rule=rule, person__in=approvers())
    return [one.person for one in rows.select_related("person").order_by("position", "pk")]


def all_of(rule: ApprovalRule, change: Change) -> list[User]:
    """Return everybody who can approve by the rule, in its order; two queries at most."""
    found = named(rule, change)
    if rule.customers_own and change.organisation_id is not None:
        keys = {one.pk for one in found}
        own = approvers().filter(approves_for=change.organisation_id).order_by("pk")
        found += [one for one in own if one.pk not in keys]
    return found


def _left(rule: ApprovalRule, change: Change) -> list[User]:
    """Return who could approve next, before separation of duties bars anybody in no order."""
    done = {one.recorded_by_id for one in given(change)}
    if not rule.in_order:
        return [one for one in all_of(rule, change) if one.pk not in done]
    barred = {key for bar in BARS for key in bar.keys(change)}
    first = next((one for one in named(rule, change) if one.pk not in done | barred), None)
    if first is not None:
        return [first]
    return [one for one in all_of(rule, change) if one.pk not in done]


def who(rule: ApprovalRule, change: Change) -> Who:
    """Return those whose approval is awaited."""
    words = _("The approvers whom an approval rule names")
    return Who(words, candidates=lambda: _left(rule, change))


def is_not_of_it(rule: ApprovalRule, user: User, change: Change) -> Check:
    """Object to who is no approver by the rule."""
    if user.has_role(Role.APPROVER) and any(one.pk == user.pk for one in all_of(rule, change)):
        return None
    return refuse(Refusal.PERSON, _("This is for the approvers whom an approval rule names."))


def is_not_awaited(rule: ApprovalRule, user: User, change: Change) -> Check:
    """Object to who has approved already, or whose turn in the order has not come."""
    if any(one.recorded_by_id == user.pk for one in given(change)):
        return refuse(Refusal.STATE, _("You have approved it already."))
    if not rule.in_order:
        return None
    left = who(rule, change).members()
    if any(one.pk == user.pk for one in left):
        return None
    names = ", ".join(str(one) for one in left) or "–"
    return refuse(Refusal.STATE, _("Approvals are given in order: %s decides first.") % names)


# The same as conditions of queries -------------------------------------------------------------


def in_use() -> Q:
    """Return the condition for changes that are authorised by a rule."""
    return Q(approval_rule__isnull=False) & Q(Exists(_rules()))


def _rules() -> QuerySet[ApprovalRule]:
    return ApprovalRule.objects.filter(pk=OuterRef("approval_rule"), ended_at=None)


def given_by(person: Any, change: OuterRef) -> QuerySet[Authorisation]:
    """Approvals by somebody that count for a change, in a subquery of changes or within one."""
    return Authorisation.objects.filter(
        change=change,
        recorded_by=person,
        standard=None,
        outcome=Authorisation.Outcome.AUTHORISED,
        path=F("change__path"),
        round=F("change__round"),
        revision=F("change__revision"),
    )


def able() -> QuerySet[User]:
    """Who is not barred, sees the change and has yet to approve; in a subquery of changes."""
    customer = OuterRef("organisation")
    approves = APPROVES_FOR.objects.filter(
        user=OuterRef("pk"), organisation=OuterRef(OuterRef("organisation"))
    )
    seen = Q(organisation=None) | Q(organisation=customer) | Q(Exists(approves))
    done = given_by(OuterRef("pk"), OuterRef(OuterRef("pk")))
    return approvers().filter(seen, ~Exists(done), *(~bar.people() for bar in BARS)).order_by()


def _named_able() -> QuerySet[User]:
    return able().filter(approves_by__rule=OuterRef("approval_rule"))


def _before(user: User | Anybody) -> QuerySet[User]:
    """Who of those named comes before this person in the order, and can."""
    own = RuleApprover.objects.filter(rule=OuterRef(OuterRef("approval_rule")), person=user)
    return able().filter(
        approves_by__rule=OuterRef("approval_rule"),
        approves_by__position__lt=Subquery(own.values("position")[:1]),
    )


def awaits(user: User | Anybody) -> Q | None:
    """Return the condition for changes that wait for this person's approval by a rule.

    Who is barred is left out by the group (``without``).
    """
    if not user.has_role(Role.APPROVER):
        return None
    mine = RuleApprover.objects.filter(
        rule=OuterRef("approval_rule"), rule__ended_at=None, person=user
    )
    found = Q(Exists(mine.filter(rule__in_order=False)))
    found |= Q(Exists(mine.filter(rule__in_order=True))) & ~Q(Exists(_before(user)))
    if user.approves_for_ids:
        of_rule = _rules().filter(customers_own=True)
        own = Q(Exists(of_rule.filter(in_order=False)))
        own |= Q(Exists(of_rule.filter(in_order=True))) & ~Q(Exists(_named_able()))
        found |= own & is_one_of("organisation", user.approves_for_ids)
    if not user.is_internal:
        found &= is_one_of("organisation", user.customer_ids)
    done = given_by(user, OuterRef("pk"))
    return Q(approval_rule__isnull=False) & found & ~Q(Exists(done))
