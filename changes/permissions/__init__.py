"""Who may take which step: ``can_<step>(user, change) -> Decision``.

Every function reads from top to bottom as its rule: the first check that objects gives the
reason. The pages, the admin and ``lifecycle`` all ask here, so a rule is written once.
Checks read relations through the change (organisation, events, stage records), so a change
loaded with ``queries.with_story`` answers all of them without another query.
"""

from collections.abc import Callable

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Decision, decide

from ..models import Change
from ..process import STEPS, StepInfo
from ..turns.group import holds_role
from .approval import can_keep_approval_rules, can_read_approval_rules
from .checklist import can_tick_checklist
from .code import (
    answers_for_others,
    can_accept_answer,
    can_answer_question,
    can_assess_risk,
    can_assign_release,
    can_define_requirements,
    can_deploy,
    can_discard_answer,
    can_peer_review,
    can_plan_deployment,
    can_reconsider_decision,
    can_record_board_outcome,
    can_record_deployment,
    can_record_development,
    can_record_test,
    can_replan_promise,
    can_sign_risk_assessment,
    can_start_deployment,
    can_take_back_board_outcome,
    may_answer,
)
from .configuration import (
    can_authorise,
    can_close_rolled_back,
    can_document,
    can_execute,
    can_plan_execution,
    can_record_execution,
    can_review,
    can_start_execution,
    may_execute,
    named_executor,
)
from .confirmation import (
    can_answer_confirmation,
    can_close_unanswered,
    can_close_with_successor,
    can_follow_answers,
    can_rate,
    can_record_contact,
    can_request_successor,
    can_resend_confirmation,
    can_rework,
)
from .correction import (
    can_correct_deployment,
    can_correct_execution,
    can_take_back_deployment,
    can_take_back_execution,
    may_correct_record,
)
from .discussion import (
    can_attach,
    can_comment,
    can_correct_comment,
    can_detach,
    can_label,
    can_link,
    can_mute,
    can_note,
    can_unlabel,
    can_unlink,
    can_unmute,
    can_unwatch,
    can_watch,
    may_correct,
)
from .mail import (
    can_read_incoming_mail,
    can_revoke_links,
    can_see_mail,
    can_send_link,
    can_settle_delivery,
    can_triage,
)
from .post_review import (
    can_add_post_action,
    can_change_post_action,
    can_complete_post_action,
    can_declare_emergency,
    can_read_post_reviews,
    can_record_post_review,
    can_withdraw_emergency,
    is_the_boards,
    may_change_post_action,
    may_complete_post_action,
    may_review,
)
from .release import (
    can_cancel_release,
    can_change_release,
    can_finish_release,
    can_freeze_release,
    can_plan_releases,
    can_read_figures,
    can_read_own_promises,
    can_read_promises,
    can_read_releases,
)
from .request import (
    can_assess,
    can_assign,
    can_correct_customer,
    can_edit,
    can_follow_up,
    can_hand_over,
    can_raise,
    can_reclassify,
    can_replace_requester,
    can_submit,
    can_throw_away,
    can_withdraw,
    may_raise_for,
    may_use_link_of,
)
from .rules import can_see_internal, internal, may_see
from .saved_view import may_keep_view, may_open_for_role, may_take_over_view
from .standard import (
    FOR_ALL,
    can_ask_authorisation,
    can_decide_standard,
    can_find_candidates,
    can_propose_standard,
    can_renew_standard,
    can_see_standard_changes,
    can_withdraw_standard,
    nobody_may_decide,
    possible_approvers,
    standard_changes_for,
)
from .template import (
    can_copy_as_new,
    can_maintain_templates,
    can_read_templates,
    may_keep_template,
    may_save_as_template,
)
from .window import (
    OVERRIDING,
    can_cancel_window,
    can_override_window,
    can_plan_windows,
    can_read_windows,
    may_let_pass,
    may_override,
)

# Labels


def can_keep_labels(user: User) -> Decision:
    """Administrators rename, merge and end labels; whoever labels a change makes new ones."""
    return decide(holds_role(user, Role.ADMINISTRATOR))


# Services


def can_read_services(user: User) -> Decision:
    """Expansive's own people read which service needs which."""
    return decide(internal(user))


def can_keep_services(user: User) -> Decision:
    """Administrators, who keep the services, say which of them needs which."""
    return decide(internal(user), holds_role(user, Role.ADMINISTRATOR))


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
    "can_read_post_reviews",
    "may_review",
    "may_complete_post_action",
    "may_change_post_action",
    "is_the_boards",
    "can_withdraw_emergency",
    "can_record_post_review",
    "can_declare_emergency",
    "can_complete_post_action",
    "can_change_post_action",
    "can_add_post_action",
    "FOR_ALL",
    "OVERRIDING",
    "answers_for_others",
    "can_accept_answer",
    "can_answer_confirmation",
    "can_answer_question",
    "can_ask_authorisation",
    "can_assess",
    "can_assess_risk",
    "can_assign",
    "can_assign_release",
    "can_attach",
    "can_authorise",
    "can_cancel_release",
    "can_cancel_window",
    "can_change_release",
    "can_close_rolled_back",
    "can_close_unanswered",
    "can_close_with_successor",
    "can_comment",
    "can_copy_as_new",
    "can_correct_comment",
    "can_correct_customer",
    "can_correct_deployment",
    "can_correct_execution",
    "can_decide_standard",
    "can_define_requirements",
    "can_deploy",
    "can_detach",
    "can_discard_answer",
    "can_document",
    "can_execute",
    "can_edit",
    "can_find_candidates",
    "can_finish_release",
    "can_follow_answers",
    "can_follow_up",
    "can_freeze_release",
    "can_hand_over",
    "can_import",
    "can_keep_approval_rules",
    "can_keep_labels",
    "can_keep_services",
    "can_label",
    "can_link",
    "can_maintain_templates",
    "can_mute",
    "can_note",
    "can_override_window",
    "can_peer_review",
    "can_plan_deployment",
    "can_plan_execution",
    "can_plan_releases",
    "can_plan_windows",
    "can_propose_standard",
    "can_raise",
    "can_rate",
    "can_read_approval_rules",
    "can_read_figures",
    "can_read_incoming_mail",
    "can_read_own_promises",
    "can_read_promises",
    "can_read_releases",
    "can_read_services",
    "can_read_templates",
    "can_read_windows",
    "can_reclassify",
    "can_reconsider_decision",
    "can_replan_promise",
    "can_record_board_outcome",
    "can_record_contact",
    "can_record_deployment",
    "can_record_development",
    "can_record_execution",
    "can_record_test",
    "can_renew_standard",
    "can_replace_requester",
    "can_request_successor",
    "can_resend_confirmation",
    "can_review",
    "can_revoke_links",
    "can_rework",
    "can_see_internal",
    "can_see_mail",
    "can_see_standard_changes",
    "can_send_link",
    "can_settle_delivery",
    "can_sign_risk_assessment",
    "can_start_deployment",
    "can_start_execution",
    "can_submit",
    "can_take_back_board_outcome",
    "can_take_back_deployment",
    "can_take_back_execution",
    "can_throw_away",
    "can_tick_checklist",
    "can_triage",
    "can_unlabel",
    "can_unlink",
    "can_unmute",
    "can_unwatch",
    "can_watch",
    "can_withdraw",
    "can_withdraw_standard",
    "check",
    "may_answer",
    "may_correct",
    "may_correct_record",
    "may_execute",
    "may_keep_template",
    "may_keep_view",
    "may_let_pass",
    "may_override",
    "may_raise_for",
    "may_save_as_template",
    "may_see",
    "may_open_for_role",
    "may_take_over_view",
    "may_use_link_of",
    "named_executor",
    "nobody_may_decide",
    "offered_steps",
    "possible_approvers",
    "standard_changes_for",
]
