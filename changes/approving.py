"""Which approval rule applies to a change, why, and how far its approvals have come."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import User

from .models import ApprovalRule, Authorisation, Change
from .permissions.rules import can_see_internal
from .risk import RiskLevel
from .states import State
from .turns import by_rule


def rule_for(change: Change) -> ApprovalRule | None:
    """Return the first rule in use that fits the change as it is; two queries at most."""
    rules = ApprovalRule.objects.filter(ended_at=None).select_related(
        "organisation", "service", "template"
    )
    found = list(rules)
    services = {one.pk for one in change.services.all()} if any(r.service for r in found) else set()
    return next((one for one in found if _fits(one, change, services)), None)


def _fits(rule: ApprovalRule, change: Change, services: set[int]) -> bool:
    return (
        rule.organisation_id in (None, change.organisation_id)
        and rule.template_id in (None, change.template_id)
        and (rule.service_id is None or rule.service_id in services)
        and (rule.risk is None or (change.risk or 0) >= rule.risk)
    )


def why(rule: ApprovalRule) -> str:
    """Say in words what a change must be for the rule to apply."""
    found = []
    if rule.organisation:
        found.append(_("the customer is %s") % rule.organisation)
    if rule.service:
        found.append(_("it affects %s") % rule.service)
    if rule.risk:
        words = (
            _("its risk is %s") if rule.risk == max(RiskLevel) else _("its risk is %s or higher")
        )
        found.append(words % RiskLevel(rule.risk).label.lower())
    if rule.template:
        found.append(_("it began with the template “%s”") % rule.template.name)
    return _(" and ").join(found) if found else _("it applies to every change")


@dataclass(frozen=True)
class Approvals:
    """How a change fares by its rule: what was given, and who is awaited."""

    rule: ApprovalRule
    why: str
    given: Sequence[Authorisation]
    awaited: Sequence[User]
    later: Sequence[User]
    """Whose turn in the order comes after that of those awaited."""
    is_named: bool
    """Whether its reader knows the rule by its name, as colleagues do."""

    @property
    def is_short(self) -> bool:
        """Whether fewer people can still approve than are needed."""
        left = len(self.awaited) + len(self.later)
        return left < max(self.rule.needed - len(self.given), 1)

    @property
    def one_decides(self) -> bool:
        """Whether the next one decides, as the rule asks for fewer than before."""
        return len(self.given) >= self.rule.needed and not self.is_short


def approvals_of(user: User, change: Change) -> Approvals | None:
    """Return how the approvals stand, for colleagues and who can approve; else nothing.

    No query where no rule applies; a few where one does.
    """
    rule = by_rule.rule_of(change) if change.state == State.AUTHORISATION else None
    if rule is None:
        return None
    everybody = by_rule.all_of(rule, change)
    inside = can_see_internal(user)
    if not inside and user not in everybody:
        return None
    given = by_rule.given(change)
    who = by_rule.who(rule, change)
    barred = {key for bar in by_rule.BARS for key in bar.keys(change)}
    awaited = [one for one in who.members() if one.pk not in barred]
    settled = barred | {one.recorded_by_id for one in given} | {one.pk for one in awaited}
    later = [one for one in everybody if one.pk not in settled]
    return Approvals(rule, change.approval_why, given, awaited, later, inside)
