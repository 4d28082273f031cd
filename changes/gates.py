"""What must be complete before a step: a gate returns "" or a sentence naming what is missing."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from expansive_cm.statements import known_or_read

from . import reminders, taking_back
from .answers import undelivered
from .models import (
    Change,
    ChangeLink,
    Confirmation,
    Event,
    PeerReview,
    ProposedAnswer,
    RiskAssessment,
    StagingTest,
)
from .models.board import ACCEPTING, undo_time
from .process import past_words
from .states import State


def in_place_or_under_way(change: Change) -> str:
    """Withdrawing and reclassifying end when execution or deployment has begun."""
    for record in (*known_or_read(change, "executions"), *known_or_read(change, "deployments")):
        if record.started_at and record.outcome != "rolled_back":
            return _("The change is already being put in place.")
    return ""


def no_outcome_to_take_back(change: Change) -> str:
    """Only what the board decided last, as long as the change is where that brought it."""
    states = (State.REQUIREMENTS, State.INFORMATION_REQUIRED, State.REJECTED)
    if change.state in states and change.board_decision is not None:
        return ""
    return _("The change is in “%s”: there is no outcome to take back.") % State(change.state).label


def outcome_acted_upon(change: Change) -> str:
    """Whoever has answered, or taken the next step, has done so on what was decided."""
    if change.board_decision is None:
        return ""
    event = taking_back.acted_since(change)
    if event is not None and event.verb != taking_back.TAKEN_BACK:
        who = event.actor_name or _("the system")
        words = {"name": who, "act": past_words(event.verb)}
        return _("In the meantime %(name)s %(act)s, so the outcome stands.") % words
    mailed = ProposedAnswer.objects.filter(question__decision=change.board_decision)
    if mailed.exclude(accepted=False).exists():
        return _("In the meantime a question was answered by mail, so the outcome stands.")
    return _goes_on_elsewhere(change)


def carried_out_stays(change: Change, kind: str) -> str:
    """A slip is undone while its mails wait, as long as nobody has acted on what was recorded.

    ``kind`` is ``execution`` or ``deployment``. Costs a query within that time, and none later.
    """
    verb = f"record_{kind}"
    event = taking_back.recorded(change, verb)
    if event is None or taking_back.is_taken_back(change, event):
        words = _("The change is in “%s”: there is no outcome to take back.")
        return words % State(change.state).label
    acted = taking_back.acted_since(change, verb)
    if acted is not None:
        who = acted.actor_name or _("the system")
        words = _("In the meantime %(name)s %(act)s, so the outcome stands.")
        return words % {"name": who, "act": past_words(acted.verb)}
    if timezone.now() >= event.at + undo_time():
        return _("The time in which an outcome can be taken back is over: its mails are out.")
    if event.to_state == State.ROLLED_BACK and authorised_as_standard(change):
        return _("The standard change ended with it, so the outcome stands.")
    if taking_back.went_out(event):
        return _("A mail about it is out already, so the outcome stands.")
    return ""


def _goes_on_elsewhere(change: Change) -> str:
    """Name the request that was sent since because of what was decided, unless it was withdrawn.

    By the order of the acts: a draft may have been begun before, and be sent now.
    """
    outcome = taking_back.recorded(change)
    sent = Event.objects.filter(
        verb="submit",
        pk__gt=outcome.pk if outcome else 0,
        change__links_out__target=change,
        change__links_out__kind=ChangeLink.Kind.SUCCESSOR_OF,
    )
    going = sent.exclude(change__state=State.WITHDRAWN).select_related("change")
    follower = going.order_by("pk").first()
    if follower is None:
        return ""
    return _("It goes on as %s already, so the outcome stands.") % follower.change.reference


def no_decision_to_correct(change: Change) -> str:
    """The board corrects what it accepted until requirements are written, and what it rejected."""
    decision = change.board_decision
    if decision is None or change.state not in (State.REQUIREMENTS, State.REJECTED):
        words = _("The change is in “%s”. The board corrects what it rejected, or what it accepted")
        words = f"{words} {_('until the requirements are defined.')}"
        return words % State(change.state).label
    return _goes_on_elsewhere(change)


PROMISED = frozenset(
    {
        State.REQUIREMENTS,
        State.RISK_ASSESSMENT,
        State.DEVELOPMENT,
        State.TESTING,
        State.DEPLOYMENT,
        State.CONFIRMATION,
        State.NOT_CONFIRMED,
    }
)
"""Where what the board accepted is under way."""


def no_promise_to_move(change: Change) -> str:
    """The board moves a promise from its yes until the change is closed."""
    if not change.promise:
        return _("The board has promised nothing of this change.")
    if change.state not in PROMISED:
        words = _("The change is in “%s”: a promise is moved while what was accepted is under way.")
        return words % State(change.state).label
    return ""


def outcome_is_too_old(change: Change) -> str:
    """A slip is undone at once, while its mails wait."""
    decision = change.board_decision
    if decision is None or timezone.now() < decision.may_be_taken_back_until:
        return ""
    return _("The time in which an outcome can be taken back is over: its mails are out.")


def execution_running(change: Change) -> str:
    """A running execution cannot be planned again."""
    execution = change.execution
    if execution and execution.started_at and not execution.finished_at:
        return _("The execution has already started.")
    return ""


def authorised_as_standard(change: Change) -> bool:
    """Whether the authorisation that counts now was given in advance (`changes.standard`)."""
    authorisation = change.authorisation
    return authorisation is not None and authorisation.standard_id is not None


def not_authorised_as_standard(change: Change) -> str:
    """Only what was authorised in advance can be given back for an authorisation of its own."""
    if authorised_as_standard(change):
        return ""
    return _("The change has an authorisation of its own.")


def standard_was_rolled_back(change: Change) -> str:
    """What was approved in advance and failed is not tried again without somebody's yes."""
    if change.state == State.ROLLED_BACK and authorised_as_standard(change):
        return _("The standard change was rolled back: have it authorised first, or close it.")
    return ""


def execution_not_ready(change: Change) -> str:
    """An execution starts once, and only with a plan."""
    execution = change.execution
    if execution is None:
        return _("The execution is not planned yet: window, steps and rollback plan are missing.")
    if execution.started_at:
        return _("The execution has already started.")
    return ""


def execution_not_running(change: Change) -> str:
    """Only a running execution has an outcome."""
    execution = change.execution
    if execution is None or not execution.started_at or execution.finished_at:
        return _("The execution has not started yet.")
    return ""


def risk_awaits_sign_off(change: Change) -> str:
    """One risk assessment at a time waits for its second signature."""
    assessment = change.risk_assessment
    if assessment and assessment.outcome == RiskAssessment.Outcome.PENDING:
        return _("A risk assessment is waiting for its sign-off.")
    return ""


def no_risk_to_sign(change: Change) -> str:
    """There must be something to sign."""
    if risk_awaits_sign_off(change):
        return ""
    return _("There is no risk assessment waiting for sign-off.")


def nothing_to_review(change: Change) -> str:
    """A round of development is reviewed once it is recorded, and until it has a review."""
    development = change.development
    if development is None:
        return _("The development of this round is not recorded yet.")
    if any(
        review.development_id == development.pk for review in known_or_read(change, "peer_reviews")
    ):
        return _("This development has its review; record the reworked one first.")
    return ""


def passed_tests(change: Change) -> set[str]:
    """Return the kinds of test that the current development has passed in staging."""
    development = change.development
    if development is None:
        return set()
    return {
        test.kind
        for test in known_or_read(change, "staging_tests")
        if test.development_id == development.pk
        and test.result == StagingTest.Result.PASSED
        and test.in_staging
    }


@dataclass(frozen=True)
class GatePoint:
    """One thing that the deployment gate asks for, whether it is there, and what is missing.

    ``verb`` is the step that adds it.
    """

    label: str
    done: bool
    missing: list[str]
    verb: str


def deployment_points(change: Change) -> list[GatePoint]:
    """Return the deployment gate point by point, for this revision and this round."""
    passed = passed_tests(change)
    return [
        _point(
            _("Accepted by the board"),
            _accepted(change),
            _("acceptance by the board"),
            "record_board_outcome",
        ),
        _point(
            _("Requirements defined"),
            change.requirement_definition is not None,
            _("requirement definition"),
            "define_requirements",
        ),
        _point(
            _("Risk assessment signed off by a second person"),
            _risk_signed(change),
            _("signed risk assessment"),
            "sign_risk_assessment" if risk_awaits_sign_off(change) else "assess_risk",
        ),
        _checklist_point(change),
        _review_point(change),
        *(
            _point(
                _("%s test passed in staging") % kind.label,
                kind in passed,
                _("passed test: %s") % str(kind.label).lower(),
                "record_test",
            )
            for kind in StagingTest.Kind
        ),
        _point(
            _("Release chosen and rollback plan written"),
            change.deployment is not None and not release_is_cancelled(change),
            _("another release, as its own was cancelled")
            if release_is_cancelled(change)
            else _("release and rollback plan"),
            "plan_deployment",
        ),
    ]


def _point(label: str, done: bool, gap: str, verb: str) -> GatePoint:
    return GatePoint(label, done, [] if done else [gap], verb)


def _accepted(change: Change) -> bool:
    decision = change.board_decision
    return decision is not None and decision.outcome in ACCEPTING


def _risk_signed(change: Change) -> bool:
    risk = change.risk_assessment
    return risk is not None and risk.outcome == RiskAssessment.Outcome.SIGNED_OFF


def _checklist_point(change: Change) -> GatePoint:
    development = change.development
    if development is None:
        missing = [_("development record")]
    else:
        missing = [_("checklist: %s") % label for label in development.missing_checks]
    label = _("Development recorded, with a complete checklist")
    return GatePoint(label, not missing, missing, "record_development")


def _review_point(change: Change) -> GatePoint:
    """A development that is not there is named as such, not its review."""
    development = change.development
    approved = development is not None and any(
        review.development_id == development.pk and review.outcome == PeerReview.Outcome.APPROVED
        for review in known_or_read(change, "peer_reviews")
    )
    missing = [] if approved or development is None else [_("approved peer review")]
    verb = "peer_review" if not nothing_to_review(change) else "record_development"
    return GatePoint(_("Peer review approved"), approved, missing, verb)


def deployment_gaps(change: Change) -> list[str]:
    """Name every record that deployment needs and this round does not have."""
    return [gap for point in deployment_points(change) for gap in point.missing]


def deployment_not_ready(change: Change) -> str:
    """The deployment gate, in one sentence."""
    gaps = deployment_gaps(change)
    return _("Missing before deployment: %s.") % ", ".join(gaps) if gaps else ""


def deployment_running(change: Change) -> str:
    """A running deployment is neither planned nor started again."""
    deployment = change.deployment
    if deployment and deployment.started_at:
        return _("The deployment has already started.")
    return ""


def deployment_not_running(change: Change) -> str:
    """Only a running deployment has an outcome."""
    deployment = change.deployment
    if deployment is None or not deployment.started_at or deployment.finished_at:
        return _("The deployment has not started yet.")
    return ""


def outside_window(change: Change) -> str:
    """Return whether now is "early" or "late" for the planned execution, "" within its window."""
    plan, now = change.execution, timezone.now()
    if plan is None or plan.window_start <= now <= plan.window_end:
        return ""
    return "early" if now < plan.window_start else "late"


def release_is_out(change: Change) -> bool:
    """Whether the planned deployment names a release that went out before."""
    plan = change.deployment
    return plan is not None and plan.release.released_at is not None


def release_is_cancelled(change: Change) -> bool:
    """Whether the deployment is planned with a release that will not come, and has not begun."""
    plan = change.deployment
    return plan is not None and plan.started_at is None and plan.release.cancelled_at is not None


def deployment_has_release(change: Change) -> str:
    """Once the deployment is planned, its plan says with which release."""
    if change.deployment is None:
        return ""
    return _("The deployment is planned: change its plan to choose another release.")


def nothing_further_wished(change: Change) -> str:
    """A requester sends a successor once they have said that they would like something further."""
    asked = change.confirmation
    if asked is not None and asked.wish == Confirmation.Wish.SOMETHING_FURTHER:
        return ""
    return _("You asked for nothing further: what was agreed is being put right.")


def not_to_be_rated(change: Change) -> str:
    """A change is rated once, by a requester who has answered."""
    asked = change.confirmation
    if asked is None or asked.answered_by_id is None:
        return _("There is no answer of yours that a rating could go with.")
    return _("You have rated this change already.") if asked.rated_at else ""


def requester_still_has_time(change: Change) -> str:
    """Closing without an answer waits for the last reminder (settings.REMINDER_DAYS)."""
    confirmation = change.confirmation
    if confirmation is None:
        return _("The requester has not been asked yet.")
    days = max(settings.REMINDER_DAYS)
    silence = timedelta(days=days)
    not_reached = _("The question has not reached the requester: silence does not count.")
    if confirmation.escalated_at:
        unreached = Confirmation.objects.filter(undelivered(), pk=confirmation.pk)
        return not_reached if unreached.exists() else ""
    if timezone.now() - confirmation.asked_at >= silence:
        heard_at = reminders.heard_at(confirmation)
        if heard_at is None:
            return not_reached
        if timezone.now() - heard_at >= silence:
            return ""
    return _("The requester has %d days to answer; reminders are still going out.") % days
