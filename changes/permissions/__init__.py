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
from ..process import STEP, STEPS, StepInfo
from ..states import State
from .rules import (
    ALLOWED,
    Check,
    Decision,
    Refusal,
    acts_of,
    approver,
    can_see_internal,
    decide,
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
    only_requester,
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
    if user.raises_changes:
        return ALLOWED
    return refuse(
        Refusal.PERSON, _("Change requests are raised by customers, support and customer success.")
    )


def can_submit(user: User, change: Change) -> Decision:
    """The person who wrote the draft submits it."""
    return decide(sees(user, change), raiser(user, change), in_state(change, "submit"))


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
    return decide(sees(user, change), person, in_state(change, "edit"))


def can_assess(user: User, change: Change) -> Decision:
    """The customer's own success team assesses."""
    return decide(sees(user, change), success_team(user, change), in_state(change, "assess"))


def can_assign(user: User, change: Change) -> Decision:
    """Support and the customer success team name the owner."""
    team = None if user.has_role(Role.SUPPORT) else success_team(user, change)
    return decide(sees(user, change), team, in_state(change, "assign"))


def can_reclassify(user: User, change: Change) -> Decision:
    """The customer's own success team, while nothing is in place or under way."""
    return decide(
        sees(user, change),
        success_team(user, change),
        in_state(change, "reclassify"),
        gate(gates.in_place_or_under_way(change)),
    )


def can_withdraw(user: User, change: Change) -> Decision:
    """Requester, raiser, owner, support or customer success, until delivery has begun."""
    allowed = is_requester_or_raiser(user, change) or user.has_role(Role.SUPPORT)
    person = None if allowed else owner_or_success_team(user, change)
    return decide(
        sees(user, change),
        person,
        in_state(change, "withdraw"),
        gate(gates.in_place_or_under_way(change)),
    )


def can_replace_requester(user: User, change: Change) -> Decision:
    """The requester, the customer success team, or an administrator, who keeps people.

    To name who takes somebody's place is to keep people; it takes no step of the process.
    """
    allowed = (
        user.pk == change.requester_id
        or in_success_team(user, change)
        or user.has_role(Role.ADMINISTRATOR)
    )
    person = None
    if not allowed:
        person = refuse(
            Refusal.PERSON,
            _("This is for the requester, the customer success team and administrators."),
        )
    return decide(sees(user, change), person, in_state(change, "replace_requester"))


def can_hand_over(user: User, person: User) -> Decision:
    """Who may name a successor for all open requests of a customer's person."""
    organisation = person.organisation
    allowed = organisation is not None and (
        (user.is_active and user.pk == person.pk)
        or user.has_role(Role.ADMINISTRATOR)
        or (user.has_role(Role.CUSTOMER_SUCCESS) and organisation.success_team_id in user.team_ids)
    )
    return ALLOWED if allowed else refuse(Refusal.PERSON, _("There is no such person."))


# Configuration changes


def can_review(user: User, change: Change) -> Decision:
    """The relevant customer success team reviews."""
    return decide(sees(user, change), success_team(user, change), in_state(change, "review"))


def can_authorise(user: User, change: Change) -> Decision:
    """An authorised approver of that customer who neither asked for nor executes the change."""
    return decide(
        sees(user, change),
        approver(user, change),
        in_state(change, "authorise"),
        not_requester_or_raiser(
            user, change, _("the approver must not have asked for the change.")
        ),
        not_executor(user, change),
    )


def can_plan_execution(user: User, change: Change) -> Decision:
    """The customer success team plans, as long as nothing is running."""
    return decide(
        sees(user, change),
        success_team(user, change),
        in_state(change, "plan_execution"),
        gate(gates.execution_running(change)),
    )


def may_execute(user: User, change: Change) -> Decision:
    """Who can be named as executor: customer success or support, but not the approver."""
    person = None if user.has_role(Role.SUPPORT) else success_team(user, change)
    rule = _("the executor must not have authorised the change.")
    return decide(person, not_done(user, change, rule, "authorise"))


def named_executor(user: User, change: Change) -> Check:
    execution = change.execution
    if execution and execution.executor_id != user.pk:
        return refuse(Refusal.PERSON, _("This is for the executor, %s.") % execution.executor)
    decision = may_execute(user, change)
    return None if decision else decision


def can_start_execution(user: User, change: Change) -> Decision:
    """The named executor starts a planned execution."""
    return decide(
        sees(user, change),
        named_executor(user, change),
        in_state(change, "start_execution"),
        gate(gates.execution_not_ready(change)),
    )


def can_record_execution(user: User, change: Change) -> Decision:
    """The named executor says how the running execution went."""
    return decide(
        sees(user, change),
        named_executor(user, change),
        in_state(change, "record_execution"),
        gate(gates.execution_not_running(change)),
    )


def can_close_rolled_back(user: User, change: Change) -> Decision:
    """Owner or customer success team."""
    return decide(
        sees(user, change),
        owner_or_success_team(user, change),
        in_state(change, "close_rolled_back"),
    )


def can_document(user: User, change: Change) -> Decision:
    """The customer success team logs the change in its tool."""
    return decide(sees(user, change), success_team(user, change), in_state(change, "document"))


# Code changes


def can_record_board_outcome(user: User, change: Change) -> Decision:
    """A board member; crb adds that it is the chair, with quorum, after the tally."""
    return decide(
        sees(user, change),
        holds_role(user, Role.CRB_MEMBER),
        in_state(change, "record_board_outcome"),
    )


def can_answer_question(user: User, change: Change) -> Decision:
    """Those asked, and for a customer's answer also support and the success team."""
    over = change.state not in STEP["answer_question"].states
    mine = [q for q in change.questions.all() if q.answerer_id == user.pk]
    asked = any(q.is_open or over for q in mine)
    person = None
    if not (asked or answers_for_others(user, change)):
        person = refuse(
            Refusal.PERSON, _("This is for those the board asked, support and customer success.")
        )
    return decide(sees(user, change), person, in_state(change, "answer_question"))


def answers_for_others(user: User, change: Change) -> bool:
    """Whether the person may pass on an answer to a question that was put to somebody else."""
    return user.has_role(Role.SUPPORT) or in_success_team(user, change)


def can_accept_answer(user: User, change: Change) -> Decision:
    """Support and the success team accept what was replied by mail as the answer."""
    return decide(
        sees(user, change),
        _passes_answers_on(user, change),
        in_state(change, "answer_question"),
    )


def can_discard_answer(user: User, change: Change) -> Decision:
    """Whoever may accept an answer may also set it aside, in any state."""
    return decide(sees(user, change), _passes_answers_on(user, change))


def _passes_answers_on(user: User, change: Change) -> Check:
    if answers_for_others(user, change):
        return None
    return refuse(Refusal.PERSON, _("This is for support and the customer success team."))


def can_define_requirements(user: User, change: Change) -> Decision:
    """A developer or the customer success team."""
    team = in_success_team(user, change)
    return decide(
        sees(user, change),
        None if team else holds_role(user, Role.DEVELOPER),
        in_state(change, "define_requirements"),
    )


def can_assess_risk(user: User, change: Change) -> Decision:
    """A developer."""
    return decide(
        sees(user, change),
        holds_role(user, Role.DEVELOPER),
        in_state(change, "assess_risk"),
        gate(gates.risk_awaits_sign_off(change)),
    )


def can_sign_risk_assessment(user: User, change: Change) -> Decision:
    """A second person from development, review or release."""
    rule = _("a risk assessment is signed off by a second person.")
    assessment = change.risk_assessment
    own = assessment and not assessment.outcome and assessment.recorded_by_id == user.pk
    return decide(
        sees(user, change),
        holds_role(user, Role.DEVELOPER, Role.PEER_REVIEWER, Role.RELEASE_MANAGER),
        in_state(change, "sign_risk_assessment"),
        gate(gates.no_risk_to_sign(change)),
        separation(rule, _("You wrote this one.")) if own else None,
    )


def can_record_development(user: User, change: Change) -> Decision:
    """A developer."""
    return decide(
        sees(user, change), holds_role(user, Role.DEVELOPER), in_state(change, "record_development")
    )


def can_peer_review(user: User, change: Change) -> Decision:
    """A peer reviewer who wrote none of it."""
    return decide(
        sees(user, change),
        holds_role(user, Role.PEER_REVIEWER),
        in_state(change, "peer_review"),
        gate(gates.nothing_to_review(change)),
        not_author(user, change, _("nobody reviews their own work.")),
    )


def can_record_test(user: User, change: Change) -> Decision:
    """A tester who wrote none of it."""
    return decide(
        sees(user, change),
        holds_role(user, Role.TESTER),
        in_state(change, "record_test"),
        not_author(user, change, _("nobody tests their own work.")),
    )


def can_plan_deployment(user: User, change: Change) -> Decision:
    """A release manager."""
    return decide(
        sees(user, change),
        holds_role(user, Role.RELEASE_MANAGER),
        in_state(change, "plan_deployment"),
        gate(gates.deployment_running(change)),
    )


def can_start_deployment(user: User, change: Change) -> Decision:
    """A release manager, when the deployment gate has nothing to name."""
    return decide(
        sees(user, change),
        holds_role(user, Role.RELEASE_MANAGER),
        in_state(change, "start_deployment"),
        gate(gates.deployment_running(change)),
        gate(gates.deployment_not_ready(change)),
    )


def can_record_deployment(user: User, change: Change) -> Decision:
    """A release manager says how the running deployment went."""
    return decide(
        sees(user, change),
        holds_role(user, Role.RELEASE_MANAGER),
        in_state(change, "record_deployment"),
        gate(gates.deployment_not_running(change)),
    )


# Confirmation and close


def can_answer_confirmation(user: User, change: Change) -> Decision:
    """The original requester and nobody else."""
    return decide(
        sees(user, change), only_requester(user, change), in_state(change, "answer_confirmation")
    )


def can_request_successor(user: User, change: Change) -> Decision:
    """The original requester, who said that they would like something further."""
    leaves = None
    if not may_raise_for(user, change.organisation):
        leaves = refuse(Refusal.PERSON, _("You cannot send requests for %s.") % change.organisation)
    return decide(
        sees(user, change),
        only_requester(user, change),
        leaves,
        in_state(change, "request_successor"),
        gate(gates.nothing_further_wished(change)),
    )


def can_rate(user: User, change: Change) -> Decision:
    """The original requester, once, after the close that followed their answer."""
    return decide(
        sees(user, change),
        only_requester(user, change),
        in_state(change, "rate"),
        gate(gates.not_to_be_rated(change)),
    )


def can_record_contact(user: User, change: Change) -> Decision:
    """Owner, success team or support: whoever may send the link again."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_success_team(user, change)
    return decide(sees(user, change), person, in_state(change, "record_contact"))


def can_follow_answers(user: User) -> Decision:
    """Who looks after requesters, and those who watch over the process."""
    return decide(
        holds_role(user, Role.CUSTOMER_SUCCESS, Role.SUPPORT, Role.AUDITOR, Role.ADMINISTRATOR)
    )


def can_resend_confirmation(user: User, change: Change) -> Decision:
    """Owner, success team or support chase the answer."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_success_team(user, change)
    return decide(sees(user, change), person, in_state(change, "resend_confirmation"))


def can_close_unanswered(user: User, change: Change) -> Decision:
    """Owner or success team, after the last reminder has gone unanswered."""
    return decide(
        sees(user, change),
        owner_or_success_team(user, change),
        in_state(change, "close_unanswered"),
        gate(gates.requester_still_has_time(change)),
    )


def can_rework(user: User, change: Change) -> Decision:
    """Owner or success team."""
    return decide(
        sees(user, change), owner_or_success_team(user, change), in_state(change, "rework")
    )


def can_close_with_successor(user: User, change: Change) -> Decision:
    """Owner or success team."""
    return decide(
        sees(user, change),
        owner_or_success_team(user, change),
        in_state(change, "close_with_successor"),
    )


# Discussion


def can_comment(user: User, change: Change) -> Decision:
    """Everybody who sees the change, except auditors, who only read."""
    return decide(sees(user, change), not_only_auditor(user, change), still_open(change))


def can_note(user: User, change: Change) -> Decision:
    """Internal notes are for Expansive's own people."""
    refusal = internal(user)
    return can_comment(user, change) if refusal is None else refusal


def can_attach(user: User, change: Change) -> Decision:
    """As for comments; a draft's writer may attach too."""
    return can_comment(user, change)


def can_detach(user: User, change: Change) -> Decision:
    """The writer of a draft may take a file off it again; what was submitted stays."""
    if change.state != State.DRAFT:
        stays = refuse(Refusal.STATE, _("The files of a request that was sent stay with it."))
        return decide(sees(user, change), stays)
    return can_attach(user, change)


def can_link(user: User, change: Change) -> Decision:
    """Expansive's own people link changes."""
    refusal = internal(user)
    return can_comment(user, change) if refusal is None else refusal


def can_unlink(user: User, change: Change) -> Decision:
    """Whoever may link may also remove a link."""
    return can_link(user, change)


def can_watch(user: User, change: Change) -> Decision:
    """Everybody who sees the change may watch it."""
    return decide(sees(user, change))


def can_unwatch(user: User, change: Change) -> Decision:
    """Everybody may stop watching."""
    return can_watch(user, change)


# Mail


def can_triage(user: User) -> Decision:
    """Support looks through the mail that cannot be sorted by itself."""
    return decide(holds_role(user, Role.SUPPORT))


# Mail that does not arrive


def can_see_mail(user: User, change: Change) -> Decision:
    """Expansive's own people read what mail went out about a change."""
    return decide(sees(user, change), internal(user))


def can_settle_delivery(user: User, change: Change) -> Decision:
    """Owner, success team or support say what was done about mail that did not arrive."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_success_team(user, change)
    return decide(sees(user, change), person)


# Without an account


def can_send_link(user: User, change: Change) -> Decision:
    """Support, the owner or the success team help somebody who has lost the link."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_success_team(user, change)
    return decide(sees(user, change), person)


def can_revoke_links(user: User, change: Change) -> Decision:
    """The same people take links back."""
    return can_send_link(user, change)


# From another tool


def can_import(user: User) -> Decision:
    """Administrators import changes from another tool."""
    return decide(holds_role(user, Role.ADMINISTRATOR))


# Asked by name


def check(verb: str, user: User, change: Change) -> Decision:
    """Ask ``can_<verb>``."""
    function: Callable[[User, Change], Decision] = globals()[f"can_{verb}"]
    return function(user, change)


def offered_steps(user: User, change: Change) -> list[tuple[StepInfo, Decision]]:
    """Every step that belongs to the change's state, with whether this person may take it."""
    return [(step, check(step.verb, user, change)) for step in STEPS if change.state in step.states]


__all__ = [
    "ALLOWED",
    "Decision",
    "Refusal",
    "acts_of",
    "can_see_internal",
    "check",
    "may_see",
    "offered_steps",
]
