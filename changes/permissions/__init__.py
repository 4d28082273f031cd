"""Who may take which step: ``can_<step>(user, change) -> Decision``.

Every function reads from top to bottom as its rule: the first check that objects gives the
reason. The pages, the admin and ``lifecycle`` all ask here, so a rule is written once.
Checks read relations through the change (organisation, events, stage records), so a change
loaded with ``queries.with_story`` answers all of them without another query.
"""

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import Role

from .. import gates
from ..models import Change
from ..process import STEPS, StepInfo
from .rules import (
    ALLOWED,
    Check,
    Decision,
    Refusal,
    acts_of,
    approver,
    gate,
    holds_role,
    in_state,
    in_success_team,
    internal,
    is_requester_or_raiser,
    may_see,
    not_author,
    not_done,
    not_executor,
    not_only_auditor,
    not_requester_or_raiser,
    owner_or_success_team,
    raiser,
    refuse,
    sees,
    separation,
    still_open,
    success_team,
)

# Request and initial assessment


def may_raise_for(user: User, organisation: Organisation) -> bool:
    """Whether the person may raise changes for this customer."""
    if not (user.is_active and organisation.is_active):
        return False
    if not user.is_internal:
        return user.organisation_id == organisation.pk
    if user.has_role(Role.SUPPORT):
        return True
    return user.has_role(Role.CUSTOMER_SUCCESS) and organisation.success_team_id in user.team_ids


def can_raise(user: User) -> Decision:
    """Support raises for any customer, customer success for its own, customers for themselves."""
    if user.is_active and (
        not user.is_internal or user.has_role(Role.SUPPORT, Role.CUSTOMER_SUCCESS)
    ):
        return ALLOWED
    return refuse(
        Refusal.PERSON, _("Change requests are raised by customers, support and customer success.")
    )


def can_submit(user: User, change: Change) -> Decision:
    """The person who wrote the draft submits it."""
    return sees(user, change) or raiser(user, change) or in_state(change, "submit") or ALLOWED


def can_edit(user: User, change: Change) -> Decision:
    """Raiser, requester, support or customer success, until the decision stands."""
    allowed = (
        is_requester_or_raiser(user, change)
        or user.has_role(Role.SUPPORT)
        or in_success_team(user, change)
    )
    person = None
    if not allowed:
        person = refuse(
            Refusal.PERSON,
            _("This is for the requester, support and the customer success team."),
        )
    return sees(user, change) or person or in_state(change, "edit") or ALLOWED


def can_assess(user: User, change: Change) -> Decision:
    """The customer's own success team assesses."""
    return sees(user, change) or success_team(user, change) or in_state(change, "assess") or ALLOWED


def can_assign(user: User, change: Change) -> Decision:
    """Support and the customer success team name the owner."""
    team = None if user.has_role(Role.SUPPORT) else success_team(user, change)
    return sees(user, change) or team or in_state(change, "assign") or ALLOWED


def can_reclassify(user: User, change: Change) -> Decision:
    """The customer's own success team, while nothing is in place or under way."""
    return (
        sees(user, change)
        or success_team(user, change)
        or in_state(change, "reclassify")
        or gate(gates.in_place_or_under_way(change))
        or ALLOWED
    )


def can_withdraw(user: User, change: Change) -> Decision:
    """Requester, raiser, owner, support or customer success, until delivery has begun."""
    allowed = is_requester_or_raiser(user, change) or user.has_role(Role.SUPPORT)
    person = None if allowed else owner_or_success_team(user, change)
    return (
        sees(user, change)
        or person
        or in_state(change, "withdraw")
        or gate(gates.in_place_or_under_way(change))
        or ALLOWED
    )


# Configuration changes


def can_review(user: User, change: Change) -> Decision:
    """The relevant customer success team reviews."""
    return sees(user, change) or success_team(user, change) or in_state(change, "review") or ALLOWED


def can_authorise(user: User, change: Change) -> Decision:
    """An authorised approver of that customer who neither asked for nor executes the change."""
    return (
        sees(user, change)
        or approver(user, change)
        or in_state(change, "authorise")
        or not_requester_or_raiser(
            user, change, _("the approver must not have asked for the change.")
        )
        or not_executor(user, change)
        or ALLOWED
    )


def can_plan_execution(user: User, change: Change) -> Decision:
    """The customer success team plans, as long as nothing is running."""
    return (
        sees(user, change)
        or success_team(user, change)
        or in_state(change, "plan_execution")
        or gate(gates.execution_running(change))
        or ALLOWED
    )


def may_execute(user: User, change: Change) -> Decision:
    """Who can be named as executor: customer success or support, but not the approver."""
    person = None if user.has_role(Role.SUPPORT) else success_team(user, change)
    rule = _("the executor must not have authorised the change.")
    return person or not_done(user, change, rule, "authorise") or ALLOWED


def named_executor(user: User, change: Change) -> Check:
    execution = change.execution
    if execution and execution.executor_id != user.pk:
        return refuse(Refusal.PERSON, _("This is for the executor, %s.") % execution.executor)
    decision = may_execute(user, change)
    return None if decision else decision


def can_start_execution(user: User, change: Change) -> Decision:
    """The named executor starts a planned execution."""
    return (
        sees(user, change)
        or named_executor(user, change)
        or in_state(change, "start_execution")
        or gate(gates.execution_not_ready(change))
        or ALLOWED
    )


def can_record_execution(user: User, change: Change) -> Decision:
    """The named executor says how the running execution went."""
    return (
        sees(user, change)
        or named_executor(user, change)
        or in_state(change, "record_execution")
        or gate(gates.execution_not_running(change))
        or ALLOWED
    )


def can_close_rolled_back(user: User, change: Change) -> Decision:
    """Owner or customer success team."""
    return (
        sees(user, change)
        or owner_or_success_team(user, change)
        or in_state(change, "close_rolled_back")
        or ALLOWED
    )


def can_document(user: User, change: Change) -> Decision:
    """The customer success team logs the change in its tool."""
    return (
        sees(user, change) or success_team(user, change) or in_state(change, "document") or ALLOWED
    )


# Code changes


def can_record_board_outcome(user: User, change: Change) -> Decision:
    """A board member; crb adds that it is the chair, with quorum, after the tally."""
    return (
        sees(user, change)
        or holds_role(user, Role.CRB_MEMBER)
        or in_state(change, "record_board_outcome")
        or ALLOWED
    )


def can_answer_question(user: User, change: Change) -> Decision:
    """Those asked, and for a customer's answer also support and the success team."""
    asked = any(q.answerer_id == user.pk for q in change.questions.all() if q.is_open)
    helps = user.has_role(Role.SUPPORT) or in_success_team(user, change)
    person = None
    if not (asked or helps):
        person = refuse(
            Refusal.PERSON, _("This is for those the board asked, support and customer success.")
        )
    return sees(user, change) or person or in_state(change, "answer_question") or ALLOWED


def can_define_requirements(user: User, change: Change) -> Decision:
    """A developer or the customer success team."""
    team = in_success_team(user, change)
    return (
        sees(user, change)
        or (None if team else holds_role(user, Role.DEVELOPER))
        or in_state(change, "define_requirements")
        or ALLOWED
    )


def can_assess_risk(user: User, change: Change) -> Decision:
    """A developer."""
    return (
        sees(user, change)
        or holds_role(user, Role.DEVELOPER)
        or in_state(change, "assess_risk")
        or gate(gates.risk_awaits_sign_off(change))
        or ALLOWED
    )


def can_sign_risk_assessment(user: User, change: Change) -> Decision:
    """A second person from development, review or release."""
    rule = _("a risk assessment is signed off by a second person.")
    assessment = change.risk_assessment
    own = assessment and not assessment.outcome and assessment.recorded_by_id == user.pk
    return (
        sees(user, change)
        or holds_role(user, Role.DEVELOPER, Role.PEER_REVIEWER, Role.RELEASE_MANAGER)
        or in_state(change, "sign_risk_assessment")
        or gate(gates.no_risk_to_sign(change))
        or (separation(rule, _("You wrote this one.")) if own else None)
        or ALLOWED
    )


def can_record_development(user: User, change: Change) -> Decision:
    """A developer."""
    return (
        sees(user, change)
        or holds_role(user, Role.DEVELOPER)
        or in_state(change, "record_development")
        or ALLOWED
    )


def can_peer_review(user: User, change: Change) -> Decision:
    """A peer reviewer who wrote none of it."""
    return (
        sees(user, change)
        or holds_role(user, Role.PEER_REVIEWER)
        or in_state(change, "peer_review")
        or gate(gates.nothing_to_review(change))
        or not_author(user, change, _("nobody reviews their own work."))
        or ALLOWED
    )


def can_record_test(user: User, change: Change) -> Decision:
    """A tester who wrote none of it."""
    return (
        sees(user, change)
        or holds_role(user, Role.TESTER)
        or in_state(change, "record_test")
        or not_author(user, change, _("nobody tests their own work."))
        or ALLOWED
    )


def can_plan_deployment(user: User, change: Change) -> Decision:
    """A release manager."""
    return (
        sees(user, change)
        or holds_role(user, Role.RELEASE_MANAGER)
        or in_state(change, "plan_deployment")
        or gate(gates.deployment_running(change))
        or ALLOWED
    )


def can_start_deployment(user: User, change: Change) -> Decision:
    """A release manager, when the deployment gate has nothing to name."""
    return (
        sees(user, change)
        or holds_role(user, Role.RELEASE_MANAGER)
        or in_state(change, "start_deployment")
        or gate(gates.deployment_running(change))
        or gate(gates.deployment_not_ready(change))
        or ALLOWED
    )


def can_record_deployment(user: User, change: Change) -> Decision:
    """A release manager says how the running deployment went."""
    return (
        sees(user, change)
        or holds_role(user, Role.RELEASE_MANAGER)
        or in_state(change, "record_deployment")
        or gate(gates.deployment_not_running(change))
        or ALLOWED
    )


# Confirmation and close


def can_answer_confirmation(user: User, change: Change) -> Decision:
    """The original requester and nobody else."""
    person = None
    if change.requester_id != user.pk:
        person = refuse(Refusal.PERSON, _("Only the original requester answers this."))
    return sees(user, change) or person or in_state(change, "answer_confirmation") or ALLOWED


def can_resend_confirmation(user: User, change: Change) -> Decision:
    """Owner, success team or support chase the answer."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_success_team(user, change)
    return sees(user, change) or person or in_state(change, "resend_confirmation") or ALLOWED


def can_close_unanswered(user: User, change: Change) -> Decision:
    """Owner or success team, after the last reminder has gone unanswered."""
    return (
        sees(user, change)
        or owner_or_success_team(user, change)
        or in_state(change, "close_unanswered")
        or gate(gates.requester_still_has_time(change))
        or ALLOWED
    )


def can_rework(user: User, change: Change) -> Decision:
    """Owner or success team."""
    return (
        sees(user, change)
        or owner_or_success_team(user, change)
        or in_state(change, "rework")
        or ALLOWED
    )


def can_close_with_successor(user: User, change: Change) -> Decision:
    """Owner or success team."""
    return (
        sees(user, change)
        or owner_or_success_team(user, change)
        or in_state(change, "close_with_successor")
        or ALLOWED
    )


# Discussion


def can_comment(user: User, change: Change) -> Decision:
    """Everybody who sees the change, except auditors, who only read."""
    return sees(user, change) or not_only_auditor(user, change) or still_open(change) or ALLOWED


def can_note(user: User, change: Change) -> Decision:
    """Internal notes are for Expansive's own people."""
    return internal(user) or can_comment(user, change)


def can_attach(user: User, change: Change) -> Decision:
    """As for comments; a draft's writer may attach too."""
    return can_comment(user, change)


def can_link(user: User, change: Change) -> Decision:
    """Expansive's own people link changes."""
    return internal(user) or can_comment(user, change)


def can_unlink(user: User, change: Change) -> Decision:
    """Whoever may link may also remove a link."""
    return can_link(user, change)


def can_watch(user: User, change: Change) -> Decision:
    """Everybody who sees the change may watch it."""
    return sees(user, change) or ALLOWED


def can_unwatch(user: User, change: Change) -> Decision:
    """Everybody may stop watching."""
    return can_watch(user, change)


# Asked by name


def check(verb: str, user: User, change: Change) -> Decision:
    """Ask ``can_<verb>``."""
    function: Callable[[User, Change], Decision] = globals()[f"can_{verb}"]
    return function(user, change)


def offered_steps(user: User, change: Change) -> list[tuple[StepInfo, Decision]]:
    """Every step that belongs to the change's state, with whether this person may take it."""
    return [(step, check(step.verb, user, change)) for step in STEPS if change.state in step.states]


__all__ = ["ALLOWED", "Decision", "Refusal", "acts_of", "check", "may_see", "offered_steps"]
