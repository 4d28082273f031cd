"""Every step of the process, one public function each, in the order of the process.

Nothing else changes a state. Each function takes ``actor`` by keyword and ``seen``, the
version of the change that the person's page showed; it either does everything its docstring
says in one transaction, or raises a ``expansive_cm.workflow.errors.StepError`` and does nothing.
"""

from .access import ask_for_link, hold, open_confirmation, replace_links, revoke_links, send_link
from .approving import RuleWords, change_rule, end_rule, make_rule
from .as_proposed import plan_as_proposed
from .assessing import assess_and_endorse, assess_as_proposed
from .board import reconsider_decision, take_back_board_outcome
from .checklist import tick_item
from .code import (
    answer_question,
    assess_risk,
    define_requirements,
    discard_answer,
    peer_review,
    plan_deployment,
    record_board_outcome,
    record_deployment,
    record_development,
    record_test,
    sign_risk_assessment,
    start_deployment,
)
from .configuration import (
    ask_authorisation,
    authorise,
    close_rolled_back,
    document,
    plan_execution,
    record_execution,
    review,
    start_execution,
    tick_step,
)
from .confirmation import (
    answer_confirmation,
    ask_at_new_address,
    close_unanswered,
    escalate,
    hash_token,
    rate,
    record_contact,
    resend_confirmation,
    rework,
    send_reminder,
)
from .corrections import correct_deployment, correct_execution
from .delivery import note_failure, note_refusal, settle_delivery, unnoted_refusals
from .deploying import deploy
from .discussion import (
    attach,
    comment,
    correct_comment,
    detach,
    link,
    mute,
    unlink,
    unmute,
    unwatch,
    watch,
)
from .emergencies import declare_emergency, withdraw_emergency
from .executing import execute
from .follow_up import copy_as_new, follow_up, send_follow_up
from .forecasts import tell_of_forecast
from .handing_over import pass_ownership_on, pass_request_on
from .importing import ImportedChange, Origin, import_change, import_changes
from .intake import (
    add_requester,
    assess,
    assign,
    autosave,
    edit,
    find_or_create_requester,
    hand_over_ownership,
    reclassify,
    save_draft,
    submit,
    throw_away,
    withdraw,
)
from .labels import keep_label, label, merge_label, unlabel
from .parts import forget_told_part, tell_of_unheld
from .post_reviews import (
    add_post_action,
    change_post_action,
    complete_post_action,
    hand_over_post_actions,
    record_post_review,
)
from .promises import settle_promise
from .releases import (
    assign_release,
    cancel_release,
    change_release,
    finish_release,
    freeze_release,
    plan_release,
)
from .replanning import replan_promise
from .requesters import correct_customer, hand_over, open_changes_of, replace_requester
from .saved_views import (
    delete_view,
    keep_columns,
    open_as_usual,
    open_first,
    open_for_role,
    save_view,
    take_over_view,
)
from .services import add_dependency, remove_dependency
from .standard import (
    authorise_standard,
    decide_standard,
    propose_standard,
    remind_of_standard,
    renew_standard,
    withdraw_standard,
)
from .successor import close_with_successor, request_successor
from .taking_back import take_back_deployment, take_back_execution
from .templates import save_template
from .windows import cancel_window, override_window, plan_window

__all__ = [
    # Request and initial assessment
    "save_draft",
    "autosave",
    "find_or_create_requester",
    "hand_over_ownership",
    "pass_ownership_on",
    "pass_request_on",
    "add_requester",
    "submit",
    "edit",
    "assess",
    "assess_and_endorse",
    "assess_as_proposed",
    "assign",
    "reclassify",
    "follow_up",
    "copy_as_new",
    "throw_away",
    "withdraw",
    "declare_emergency",
    "withdraw_emergency",
    "replace_requester",
    "hand_over",
    "open_changes_of",
    # Configuration changes
    "review",
    "authorise",
    "plan_as_proposed",
    "plan_execution",
    "start_execution",
    "record_execution",
    "ask_authorisation",
    "close_rolled_back",
    "document",
    # Code changes
    "record_board_outcome",
    "take_back_board_outcome",
    "reconsider_decision",
    "answer_question",
    "discard_answer",
    "define_requirements",
    "assess_risk",
    "sign_risk_assessment",
    "record_development",
    "peer_review",
    "record_test",
    "plan_deployment",
    "start_deployment",
    "record_deployment",
    "deploy",
    "execute",
    "correct_execution",
    "correct_deployment",
    "take_back_deployment",
    "take_back_execution",
    "settle_promise",
    "tell_of_forecast",
    "replan_promise",
    # Looking back
    "record_post_review",
    "add_post_action",
    "change_post_action",
    "complete_post_action",
    "hand_over_post_actions",
    # Releases
    "plan_release",
    "change_release",
    "freeze_release",
    "finish_release",
    "cancel_release",
    "assign_release",
    # Freezes and maintenance windows
    "plan_window",
    "cancel_window",
    "override_window",
    # Confirmation and close
    "answer_confirmation",
    "resend_confirmation",
    "send_reminder",
    "ask_at_new_address",
    "escalate",
    "record_contact",
    "close_unanswered",
    "rework",
    "close_with_successor",
    "request_successor",
    "rate",
    "hash_token",
    # Mail that does not arrive
    "note_failure",
    "note_refusal",
    "unnoted_refusals",
    "settle_delivery",
    # Parts that nobody can take
    "tell_of_unheld",
    "forget_told_part",
    # Without an account
    "ask_for_link",
    "send_follow_up",
    "send_link",
    "revoke_links",
    "replace_links",
    "hold",
    "open_confirmation",
    # What requests of one kind have in common
    "save_template",
    # Views of the list
    "save_view",
    "delete_view",
    "take_over_view",
    "open_as_usual",
    "open_first",
    "open_for_role",
    "keep_columns",
    # Standard changes
    "propose_standard",
    "decide_standard",
    "renew_standard",
    "withdraw_standard",
    "authorise_standard",
    "remind_of_standard",
    # From another tool
    "ImportedChange",
    "Origin",
    "import_change",
    "import_changes",
    # Discussion
    "comment",
    "correct_comment",
    "correct_customer",
    "attach",
    "detach",
    "keep_label",
    "RuleWords",
    "change_rule",
    "end_rule",
    "make_rule",
    "label",
    "merge_label",
    "unlabel",
    "add_dependency",
    "remove_dependency",
    "link",
    "tick_item",
    "tick_step",
    "unlink",
    "watch",
    "unwatch",
    "mute",
    "unmute",
]
