"""The steps of the process as one table: what each is called and where it belongs.

Who may take a step is in ``permissions.py``; what it does is in ``lifecycle``; both use the
verb that stands here, as do the URL, the view, the form and the template.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

from .states import OPEN, State

S = State


@dataclass(frozen=True)
class StepInfo:
    """One step. ``states`` are those it is offered in; ``main`` moves the change forward."""

    verb: str
    label: Text
    states: frozenset[State]
    main: bool = True
    past: Text = ""
    icon: str = ""


def _step(
    verb: str, icon: str, label: Text, past: Text, *states: State, main: bool = True
) -> StepInfo:
    return StepInfo(verb, label, frozenset(states), main, past, icon)


STEPS: tuple[StepInfo, ...] = (
    # Request and initial assessment
    _step("submit", "send", _("Submit"), _("submitted the request"), S.DRAFT),
    _step(
        "throw_away",
        "trash",
        _("Throw the draft away"),
        _("threw the draft away"),
        S.DRAFT,
        main=False,
    ),
    _step("assess", "scale", _("Assess"), _("assessed the change"), S.SUBMITTED),
    # Configuration changes
    _step("review", "clipboard-check", _("Review"), _("reviewed the change"), S.REVIEW),
    _step(
        "authorise", "shield-check", _("Authorise"), _("decided on authorisation"), S.AUTHORISATION
    ),
    _step(
        "plan_execution",
        "calendar-event",
        _("Plan execution"),
        _("planned the execution"),
        S.EXECUTION,
        S.ROLLED_BACK,
    ),
    _step(
        "start_execution",
        "player-play",
        _("Start execution"),
        _("started the execution"),
        S.EXECUTION,
    ),
    _step(
        "record_execution",
        "checks",
        _("Record the outcome"),
        _("recorded the outcome of the execution"),
        S.EXECUTION,
    ),
    _step(
        "ask_authorisation",
        "shield",
        _("Have it authorised"),
        _("gave the standard change back for authorisation"),
        S.EXECUTION,
        S.ROLLED_BACK,
    ),
    _step(
        "close_rolled_back",
        "archive",
        _("Close without the change"),
        _("closed the rolled-back change"),
        S.ROLLED_BACK,
    ),
    _step("document", "notes", _("Document"), _("documented the change"), S.DOCUMENTATION),
    # Code changes
    _step(
        "record_board_outcome",
        "gavel",
        _("Record the board's outcome"),
        _("recorded the board's outcome"),
        S.BOARD,
    ),
    _step(
        "answer_question",
        "message-question",
        _("Answer the board"),
        _("answered a question of the board"),
        S.INFORMATION_REQUIRED,
    ),
    _step(
        "define_requirements",
        "list-check",
        _("Define requirements"),
        _("defined the requirements"),
        S.REQUIREMENTS,
    ),
    _step(
        "assess_risk", "shield-lock", _("Assess risk"), _("assessed the risks"), S.RISK_ASSESSMENT
    ),
    _step(
        "sign_risk_assessment",
        "writing",
        _("Sign off risk assessment"),
        _("decided on the risk assessment"),
        S.RISK_ASSESSMENT,
    ),
    _step(
        "record_development",
        "git-pull-request",
        _("Record development"),
        _("recorded the development"),
        S.DEVELOPMENT,
    ),
    _step(
        "peer_review",
        "git-merge",
        _("Peer review"),
        _("peer-reviewed the development"),
        S.DEVELOPMENT,
    ),
    _step("record_test", "test-pipe", _("Record a test"), _("recorded a test"), S.TESTING),
    _step(
        "plan_deployment",
        "calendar-event",
        _("Plan deployment"),
        _("planned the deployment"),
        S.DEPLOYMENT,
    ),
    _step(
        "start_deployment",
        "rocket",
        _("Start deployment"),
        _("started the deployment"),
        S.DEPLOYMENT,
    ),
    _step(
        "record_deployment",
        "checks",
        _("Record the outcome"),
        _("recorded the outcome of the deployment"),
        S.DEPLOYMENT,
    ),
    # Confirmation and close
    _step(
        "answer_confirmation",
        "user-question",
        _("Answer the confirmation"),
        _("answered the confirmation"),
        S.CONFIRMATION,
    ),
    _step(
        "rework", "rotate-2", _("Rework"), _("took the change back to rework it"), S.NOT_CONFIRMED
    ),
    _step(
        "close_with_successor",
        "arrow-right",
        _("Close and raise a successor"),
        _("closed the change and raised a successor"),
        S.NOT_CONFIRMED,
    ),
    _step(
        "request_successor",
        "send",
        _("Send it as a new request"),
        _("sent what goes beyond the change as a new request"),
        S.NOT_CONFIRMED,
    ),
    _step(
        "rate",
        "star",
        _("Rate the change"),
        _("rated the change"),
        S.CLOSED,
        main=False,
    ),
    _step(
        "resend_confirmation",
        "mail-forward",
        _("Send the link again"),
        _("sent the confirmation link again"),
        S.CONFIRMATION,
        main=False,
    ),
    _step(
        "record_contact",
        "phone",
        _("Record a contact attempt"),
        _("recorded an attempt to reach the requester"),
        S.CONFIRMATION,
        main=False,
    ),
    _step(
        "close_unanswered",
        "archive",
        _("Close without an answer"),
        _("closed the change without an answer"),
        S.CONFIRMATION,
        main=False,
    ),
    # At any time
    _step(
        "assign_release",
        "rocket",
        _("Choose the release"),
        _("chose the release"),
        S.REQUIREMENTS,
        S.RISK_ASSESSMENT,
        S.DEVELOPMENT,
        S.TESTING,
        S.DEPLOYMENT,
        main=False,
    ),
    _step(
        "declare_emergency",
        "bolt",
        _("Declare an emergency change"),
        _("declared the change an emergency change"),
        S.SUBMITTED,
        S.REVIEW,
        S.AUTHORISATION,
        S.EXECUTION,
        S.BOARD,
        S.INFORMATION_REQUIRED,
        S.REQUIREMENTS,
        S.RISK_ASSESSMENT,
        main=False,
    ),
    _step(
        "withdraw_emergency",
        "bolt",
        _("Make it no emergency change"),
        _("made the change no emergency change"),
        S.SUBMITTED,
        S.REVIEW,
        S.AUTHORISATION,
        S.EXECUTION,
        S.BOARD,
        S.INFORMATION_REQUIRED,
        S.REQUIREMENTS,
        S.RISK_ASSESSMENT,
        main=False,
    ),
    _step(
        "edit",
        "edit",
        _("Edit the request"),
        _("edited the request"),
        S.DRAFT,
        S.SUBMITTED,
        S.REVIEW,
        S.BOARD,
        S.INFORMATION_REQUIRED,
        main=False,
    ),
    _step(
        "replace_requester",
        "users",
        _("Name another requester"),
        _("named another requester"),
        *sorted(OPEN),
        main=False,
    ),
    _step(
        "correct_customer",
        "building-community",
        _("Correct customer and requester"),
        _("corrected customer and requester"),
        S.SUBMITTED,
        main=False,
    ),
    _step(
        "assign",
        "user-check",
        _("Assign an owner"),
        _("assigned an owner"),
        *sorted(OPEN),
        main=False,
    ),
    _step(
        "reclassify",
        "switch-horizontal",
        _("Reclassify"),
        _("reclassified the change"),
        S.REVIEW,
        S.AUTHORISATION,
        S.EXECUTION,
        S.ROLLED_BACK,
        S.BOARD,
        S.INFORMATION_REQUIRED,
        S.REQUIREMENTS,
        S.RISK_ASSESSMENT,
        S.DEVELOPMENT,
        S.TESTING,
        main=False,
    ),
    _step(
        "withdraw",
        "x",
        _("Withdraw"),
        _("withdrew the request"),
        S.SUBMITTED,
        S.REVIEW,
        S.AUTHORISATION,
        S.EXECUTION,
        S.BOARD,
        S.INFORMATION_REQUIRED,
        S.REQUIREMENTS,
        S.RISK_ASSESSMENT,
        S.DEVELOPMENT,
        S.TESTING,
        S.DEPLOYMENT,
        main=False,
    ),
)

STEP: dict[str, StepInfo] = {step.verb: step for step in STEPS}

OTHER_VERBS: dict[str, Text] = {
    "save_draft": _("saved a draft"),
    "authorise_standard": _("authorised the change as a standard change"),
    "comment": _("commented"),
    "note": _("added an internal note"),
    "correct_comment": _("corrected a comment"),
    "correct_execution": _("corrected the record of the execution"),
    "correct_deployment": _("corrected the record of the deployment"),
    "take_back_execution": _("took back the outcome of the execution"),
    "take_back_deployment": _("took back the outcome of the deployment"),
    "record_post_review": _("recorded the post-implementation review"),
    "add_post_action": _("added an action to the review"),
    "change_post_action": _("changed an action of the review"),
    "complete_post_action": _("said that an action of the review is done"),
    "attach": _("attached a file"),
    "detach": _("removed a file"),
    "link": _("linked another change"),
    "unlink": _("removed a link"),
    "label": _("put on a label"),
    "unlabel": _("took off a label"),
    "watch": _("started watching"),
    "unwatch": _("stopped watching"),
    "remind": _("reminded the requester"),
    "escalate": _("told the owner that there is no answer"),
    "undelivered": _("learned that a mail did not arrive"),
    "settle_delivery": _("settled that a mail did not arrive"),
    "send_link": _("sent a new link"),
    "revoke_links": _("revoked the links of somebody"),
    "settle_promise": _("updated the date of the promise"),
    "forecast_moved": _("noted that the day on which it comes has moved"),
    "import": _("imported the change"),
    "discard_answer": _("set an answer aside that came by mail"),
    "override_window": _("allowed it despite a freeze or maintenance window"),
    "replan_promise": _("moved what the board promised"),
    "reconsider_decision": _("put the board's decision on the agenda again, to be corrected"),
    "take_back_board_outcome": _("took back the outcome that was recorded for the board"),
}
"""What else leaves an event, in the words of the timeline."""


UNVERSIONED = frozenset(
    "comment note correct_comment attach detach link unlink label unlabel watch unwatch "
    "record_contact rate "
    "discard_answer undelivered settle_delivery send_link revoke_links override_window "
    "forecast_moved correct_execution correct_deployment record_post_review add_post_action "
    "change_post_action complete_post_action".split()
)
"""Acts beside the process: they do not make another person's open form stale."""

BETWEEN_COLLEAGUES = frozenset(
    "record_test peer_review sign_risk_assessment link unlink import assign"
    " take_back_board_outcome start_execution start_deployment close_unanswered assign_release"
    " plan_deployment authorise_standard forecast_moved correct_execution"
    " correct_deployment take_back_execution take_back_deployment declare_emergency"
    " withdraw_emergency".split()
)
"""Acts whose reason was written for colleagues: a customer learns that they happened, no more."""


DECIDED: dict[tuple[str, str], Text] = {
    ("review", "endorsed"): _("endorsed the change"),
    ("review", "refused"): _("refused the change at the review"),
    ("authorise", "authorised"): _("authorised the change"),
    ("authorise", "refused"): _("refused to authorise the change"),
    ("sign_risk_assessment", "signed_off"): _("signed off the risk assessment"),
    ("sign_risk_assessment", "returned"): _("returned the risk assessment"),
    ("peer_review", "approved"): _("approved the development at the peer review"),
    ("peer_review", "changes_requested"): _("asked for changes at the peer review"),
}
"""What somebody did by a step that decides, with how they decided."""


def past_words(verb: str, outcome: str = "") -> Text:
    """Return what the timeline says somebody did.

    The outcome of a step that decides is said to who may know it: see ``BETWEEN_COLLEAGUES``.
    """
    if (verb, outcome) in DECIDED:
        return DECIDED[verb, outcome]
    if verb in STEP:
        return STEP[verb].past
    return OTHER_VERBS.get(verb, verb)
