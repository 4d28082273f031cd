"""Approval rules that too few people can satisfy: in general, and for changes that wait by them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .models import ApprovalRule, Change, RuleApprover
from .states import State
from .turns import by_rule
from .turns.parts import approvers


@dataclass(frozen=True)
class Gap:
    """A rule that asks for more approvals than people can give."""

    rule: ApprovalRule
    waiting: list[int]
    """The changes for which too few are left, some of them where there are many."""

    @property
    def sentence(self) -> str:
        """Say so, and who can act on what waits."""
        number = len(self.waiting)
        words = _("Too few people can approve by the rule “%(rule)s”, which asks for %(needed)d.")
        found = words % {"rule": self.rule, "needed": self.rule.needed}
        if not number:
            return found
        waits = ngettext(
            "%d change waits for it: name somebody else, or end the rule.",
            "%d changes wait for it: name somebody else, or end the rule.",
            number,
        )
        return f"{found} {waits % number}"


def gaps(most: int) -> list[Gap]:
    """Return the rules in use that too few can satisfy, each with at most so many changes.

    Two queries, and one more for rules that ask for a customer's own approvers.
    """
    waiting: dict[int, list[int]] = defaultdict(list)
    for rule, change in short_changes().values_list("approval_rule", "pk")[:most]:
        waiting[rule].append(change)
    rules = ApprovalRule.objects.filter(ended_at=None).select_related("organisation")
    lacking = {one.pk for one in rules_without_enough()}
    return [Gap(one, waiting[one.pk]) for one in rules if one.pk in lacking | waiting.keys()]


def rules_without_enough() -> QuerySet[ApprovalRule]:
    """Rules in use that too few people could satisfy, whichever change it is.

    How many approvers a customer has is known where the rule is about one customer.
    """
    named = approvers().filter(approves_by__rule=OuterRef("pk"))
    own = approvers().filter(*_of_the_customer("pk"), approves_for=OuterRef("organisation"))
    known = Q(customers_own=False) | Q(organisation__isnull=False)
    rules = ApprovalRule.objects.filter(known, ended_at=None)
    able = _number_of(named) + _number_of(own)
    return rules.annotate(able=able).filter(able__lt=F("needed"))


def _of_the_customer(rule: str) -> tuple[Any, ...]:
    """Conditions for a customer's approvers, where the rule asks for them beside those it names.

    Both are counted apart, from the few that each index has, and not from all approvers there are.
    """
    key = OuterRef(OuterRef(rule))
    asked_for = ApprovalRule.objects.filter(pk=key, customers_own=True)
    named = RuleApprover.objects.filter(rule=key, person=OuterRef("pk"))
    return Exists(asked_for), ~Exists(named)


def short_changes() -> QuerySet[Change]:
    """Changes that wait for more approvals by a rule than people are left to give.

    One more is always waited for: a rule may ask for fewer than were given since it was changed.
    """
    able = by_rule.able()
    named = able.filter(approves_by__rule=OuterRef("approval_rule"))
    own = able.filter(*_of_the_customer("approval_rule"), approves_for=OuterRef("organisation"))
    found = Change.objects.filter(by_rule.in_use(), state=State.AUTHORISATION)
    given = by_rule.given_by(F("recorded_by"), OuterRef("pk"))
    return (
        found.annotate(able=_number_of(named) + _number_of(own), given=_number_of(given))
        .filter(able__lt=Greatest(F("approval_rule__needed") - F("given"), 1))
        .order_by("pk")
    )


def _number_of(rows: QuerySet[Any]) -> Subquery:
    """Return how many rows there are, as a column."""
    return Subquery(
        rows.order_by()
        .annotate(number=Func("pk", function="COUNT", output_field=IntegerField()))
        .values("number")
    )
