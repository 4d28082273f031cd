"""Who may take the steps of a code change."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.statements import known_or_read
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from .. import gates
from ..models import Change, Question
from ..process import STEP
from ..turns import groups
from ..turns.group import holds_role
from ..turns.groups import in_success_team
from ..turns.presence import is_there
from .rules import gate, in_state, sees


def can_record_board_outcome(user: User, change: Change) -> Decision:
    """A board member; crb adds that it is the chair, with quorum, after the tally."""
    return decide(
        sees(user, change),
        groups.BOARD_MEMBERS.objects(user, change),
        in_state(change, "record_board_outcome"),
    )


def can_take_back_board_outcome(user: User, change: Change) -> Decision:
    """A board member, for some minutes and until somebody acts on it; crb adds the chair."""
    return decide(
        sees(user, change),
        groups.BOARD_MEMBERS.belongs(user, change),
        gate(gates.outcome_acted_upon(change)),
        gate(gates.no_outcome_to_take_back(change)),
        gate(gates.outcome_is_too_old(change)),
    )


def can_reconsider_decision(user: User, change: Change) -> Decision:
    """A board member, until work has begun or gone on elsewhere; crb adds the chair."""
    return decide(
        sees(user, change),
        groups.BOARD_MEMBERS.belongs(user, change),
        gate(gates.no_decision_to_correct(change)),
    )


def can_replan_promise(user: User, change: Change) -> Decision:
    """A board member, while what was promised is under way; crb adds the chair."""
    return decide(
        sees(user, change),
        holds_role(user, Role.CRB_MEMBER),
        gate(gates.no_promise_to_move(change)),
    )


def can_answer_question(user: User, change: Change) -> Decision:
    """Those asked, and for a customer's answer also support and the success team."""
    over = change.state not in STEP["answer_question"].states
    if over:
        asked = any(one.answerer_id == user.pk for one in known_or_read(change, "questions"))
        allowed = asked or answers_for_others(user, change)
    else:
        allowed = any(may_answer(user, change, one) for one in change.open_questions)
    person = None
    if not allowed:
        person = refuse(
            Refusal.PERSON, _("This is for those the board asked, support and customer success.")
        )
    return decide(sees(user, change), person, in_state(change, "answer_question"))


def answers_for_others(user: User, change: Change) -> bool:
    """Whether the person may pass on an answer to a question that was put to somebody else."""
    return user.has_role(Role.SUPPORT) or in_success_team(user, change)


def may_answer(user: User, change: Change, question: Question) -> bool:
    """Whether one question is theirs to answer.

    What was put to one of Expansive's own people is answered by them, as long as they are there;
    only a customer's answer is passed on.
    """
    asked = question.answerer
    if asked.pk == user.pk:
        return True
    own = asked.is_internal and is_there(asked, change)
    return not own and answers_for_others(user, change)


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
        None if team else groups.DEVELOPERS.objects(user, change),
        in_state(change, "define_requirements"),
    )


def can_assess_risk(user: User, change: Change) -> Decision:
    """A developer."""
    return decide(
        sees(user, change),
        groups.DEVELOPERS.objects(user, change),
        in_state(change, "assess_risk"),
        gate(gates.risk_awaits_sign_off(change)),
    )


def can_sign_risk_assessment(user: User, change: Change) -> Decision:
    """A second person from development, review or release."""
    return decide(
        sees(user, change),
        groups.RISK_SIGNERS.belongs(user, change),
        in_state(change, "sign_risk_assessment"),
        gate(gates.no_risk_to_sign(change)),
        groups.RISK_SIGNERS.apart(user, change),
    )


def can_record_development(user: User, change: Change) -> Decision:
    """A developer."""
    return decide(
        sees(user, change),
        groups.DEVELOPERS.objects(user, change),
        in_state(change, "record_development"),
    )


def can_peer_review(user: User, change: Change) -> Decision:
    """A peer reviewer who wrote none of it."""
    return decide(
        sees(user, change),
        groups.PEER_REVIEWERS.belongs(user, change),
        in_state(change, "peer_review"),
        gate(gates.nothing_to_review(change)),
        groups.PEER_REVIEWERS.apart(user, change),
    )


def can_record_test(user: User, change: Change) -> Decision:
    """A tester who wrote none of it."""
    return decide(
        sees(user, change),
        groups.TESTERS.belongs(user, change),
        in_state(change, "record_test"),
        groups.TESTERS.apart(user, change),
    )


def can_plan_deployment(user: User, change: Change) -> Decision:
    """A release manager."""
    return decide(
        sees(user, change),
        groups.RELEASE_MANAGERS.objects(user, change),
        in_state(change, "plan_deployment"),
        gate(gates.deployment_running(change)),
    )


def can_assign_release(user: User, change: Change) -> Decision:
    """Whoever may plan the deployment, from the board's yes until it is planned."""
    return decide(
        sees(user, change),
        groups.RELEASE_MANAGERS.objects(user, change),
        in_state(change, "assign_release"),
        gate(gates.deployment_has_release(change)),
    )


def can_start_deployment(user: User, change: Change) -> Decision:
    """A release manager, when the deployment gate has nothing to name."""
    return decide(
        sees(user, change),
        groups.RELEASE_MANAGERS.objects(user, change),
        in_state(change, "start_deployment"),
        gate(gates.deployment_running(change)),
        gate(gates.deployment_not_ready(change)),
    )


def can_deploy(user: User, change: Change) -> Decision:
    """Whoever may start it now, or, where it runs, say how it went."""
    if gates.deployment_not_running(change):
        return can_start_deployment(user, change)
    return can_record_deployment(user, change)


def can_record_deployment(user: User, change: Change) -> Decision:
    """A release manager says how the running deployment went."""
    return decide(
        sees(user, change),
        groups.RELEASE_MANAGERS.objects(user, change),
        in_state(change, "record_deployment"),
        gate(gates.deployment_not_running(change)),
    )
