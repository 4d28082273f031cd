"""Who proposes, approves, renews and withdraws standard changes, and who reads of them."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.sure import sure
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse, separation

from .. import gates
from ..models import Change, ChangeTemplate, StandardApproval
from ..standard import is_near_its_end, missing_of
from ..turns import groups
from ..turns.group import holds_role
from ..turns.parts import approvers, holders_of
from .rules import can_see_internal, gate, in_state, internal, sees
from .template import may_keep_template

FOR_ALL = Role.CRB_MEMBER
"""Who approves what is for all customers; what is for one, its authorised approvers approve."""
State = StandardApproval.State


def can_see_standard_changes(user: User) -> Decision:
    """Expansive's own people, and authorised approvers those of their customers."""
    return decide(None if user.has_role(Role.APPROVER) else internal(user))


def can_find_candidates(user: User) -> Decision:
    """Who keeps templates, and auditors."""
    roles = (Role.CUSTOMER_SUCCESS, Role.ADMINISTRATOR, Role.AUDITOR)
    return decide(internal(user), holds_role(user, *roles))


def standard_changes_for(user: User) -> "QuerySet[StandardApproval]":
    """Return those that this person may read; an approver of a customer reads all of theirs."""
    if not user.is_active:
        return StandardApproval.objects.none()
    if can_see_internal(user):
        return StandardApproval.objects.all()
    if not user.has_role(Role.APPROVER):
        return StandardApproval.objects.none()
    theirs = sorted(user.approves_for_ids)
    # Both: a template that went to another customer has their words by now.
    return StandardApproval.objects.filter(
        content__organisation__in=theirs, template__organisation__in=theirs
    )


def can_propose_standard(user: User, template: ChangeTemplate) -> Decision:
    """Who keeps the template, once it says all that is approved, and only what has a low risk."""
    keeps = may_keep_template(user, template)
    if not keeps:
        return keeps
    return decide(gate(missing_of(template)), gate(_has_one(template)))


def _has_one(template: ChangeTemplate) -> str:
    kept = template.standard_approvals.filter(ending="").exclude(decision="refused")
    for one in kept.order_by("decision"):
        if one.state == State.WAITING:
            return _("It is proposed already and waits for approval.")
        if one.state == State.IN_FORCE:
            words = _("It is a standard change already, until %s.")
            return words % date_format(sure(one.valid_until), "j F Y")
    return ""


def can_decide_standard(user: User, approval: StandardApproval) -> Decision:
    """Who may approve it, and neither proposed it nor ever wrote some of the template."""
    return decide(
        _approves(user, approval),
        _is_in(approval, State.WAITING, words=_("It does not wait for approval.")),
        _apart(user, approval),
    )


def can_renew_standard(user: User, approval: StandardApproval) -> Decision:
    """The same, from some weeks before its last day on, for another year."""
    early = ""
    if approval.valid_until is not None and not is_near_its_end(approval):
        words = _("It can be approved for another year from six weeks before its end, %s.")
        early = words % date_format(sure(approval.valid_until), "j F Y")
    return decide(
        _approves(user, approval),
        _is_in(approval, State.IN_FORCE, State.EXPIRED, words=_("It was not approved, or ended.")),
        gate(early),
        _apart(user, approval),
    )


def can_withdraw_standard(user: User, approval: StandardApproval) -> Decision:
    """Who keeps the template and who may approve it, at any time until it has ended."""
    theirs = _approves(user, approval)
    if theirs is not None and may_keep_template(user, approval.template):
        theirs = None
    states = (State.WAITING, State.IN_FORCE, State.EXPIRED)
    return decide(theirs, _is_in(approval, *states, words=_("It has ended already.")))


def possible_approvers(approval: StandardApproval) -> list[User]:
    """Return everybody who may approve it; reads the people and the history of the template."""
    customer = approval.template.organisation_id
    people = approvers().filter(approves_for=customer) if customer else holders_of(FOR_ALL)
    wrote = approval.template.history.filter(history_user__isnull=False).values("history_user")
    apart = people.exclude(pk=approval.proposed_by_id).exclude(pk__in=wrote)
    return list(apart.distinct().order_by("pk"))


def nobody_may_decide() -> "QuerySet[StandardApproval]":
    """Return what waits for approval though no one may give it, as ``possible_approvers`` says."""
    wrote = ChangeTemplate.history.filter(
        id=OuterRef(OuterRef("template")), history_user=OuterRef("pk")
    )
    apart = ~Q(pk=OuterRef("proposed_by")) & ~Exists(wrote)
    theirs = approvers().filter(apart, approves_for=OuterRef("template__organisation")).order_by()
    ours = holders_of(FOR_ALL).filter(apart).order_by()
    for_all = Q(template__organisation=None)
    waiting = StandardApproval.objects.filter(decision="", ending="")
    return waiting.filter((for_all & ~Exists(ours)) | (~for_all & ~Exists(theirs)))


def _approves(user: User, approval: StandardApproval) -> Check:
    customer = approval.template.organisation
    if customer is None:
        return internal(user) or holds_role(user, FOR_ALL)
    if user.is_active and user.has_role(Role.APPROVER) and customer.pk in user.approves_for_ids:
        return None
    return refuse(Refusal.PERSON, _("This is for an authorised approver of %s.") % customer)


def _is_in(approval: StandardApproval, *states: StandardApproval.State, words: str) -> Check:
    return None if approval.state in states else refuse(Refusal.STATE, words)


def _apart(user: User, approval: StandardApproval) -> Check:
    rule = _("a standard change is approved by who neither proposed nor wrote it.")
    if approval.proposed_by_id == user.pk:
        return separation(rule, _("You proposed it."))
    wrote = approval.template.history.filter(history_user=user).order_by("history_id").first()
    if wrote is None:
        return None
    day = date_format(timezone.localtime(wrote.history_date), "j F Y")
    return separation(rule, _("On %s you wrote or changed the template.") % day)


# A change that was authorised as one ------------------------------------------------------------


def can_ask_authorisation(user: User, change: Change) -> Decision:
    """The customer success team, while a standard change is not being executed."""
    return decide(
        sees(user, change),
        groups.TEAM.objects(user, change),
        in_state(change, "ask_authorisation"),
        gate(gates.not_authorised_as_standard(change)),
        gate(gates.execution_running(change)),
    )
