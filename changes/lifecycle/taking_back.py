"""The outcome of an execution or a deployment, taken back before anybody is told of it."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import attribute

from .. import corrections, taking_back
from ..models import Change, Confirmation, Notice
from ..states import State
from .core import Step, take_step
from .held_mail import is_a_customers, stop
from .post_reviews import take_review_back


def take_back_execution(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> Change:
    """Take the outcome of the execution back, which runs again; see ``_take_back``."""
    return _take_back("execution", change, actor, reason, seen)


def take_back_deployment(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> Change:
    """Take the outcome of the deployment back, which runs again; see ``_take_back``.

    The question to the requester goes with it, unread.
    """
    return _take_back("deployment", change, actor, reason, seen)


def _take_back(kind: str, change: Change, actor: User, reason: str, seen: int | None) -> Change:
    """Let a record be as it was before its outcome, and the change where it was then.

    Whoever recorded it, for a short time, as long as nobody acted on it and no mail is out. Raises
    StepIncomplete without a reason, StepForbidden, StepIllegal, or ChangeStale. Effects: the
    record has no outcome, its history keeps the one it had; state ``execution`` or
    ``deployment``, in the round in which it began; no review that it asked for; mails of it
    that wait are not sent, and nobody's notifications have it; event, of which customers learn
    nothing unless one has read of it in the product.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the outcome is taken back."), ["reason"])
    with take_step(f"take_back_{kind}", change, actor=actor, seen=seen) as step:
        event = sure(taking_back.recorded(step.change, f"record_{kind}"))
        step.reason = reason.strip()
        record = corrections.finished(step.change, kind)[-1]
        step.data = {"took_back": event.pk, "outcome": record.outcome, "record": record.pk}
        told = _stop_mail(step, Notice.objects.filter(event=event))
        if event.to_state == State.CONFIRMATION:
            told |= _withdraw_question(step)
        step.data |= {"told": sorted(told), "customer_told": is_a_customers(told)}
        record.outcome, record.finished_at, record.notes = record.Outcome.PENDING, None, ""
        step.save(record)
        take_review_back(step, event)
        if kind == "execution":
            step.change.take_back_execution()
        else:
            step.change.take_back_deployment()
        step.entered_at = None  # where it went by mistake it was for no time
    return step.change


def _stop_mail(step: Step, notices: QuerySet[Notice]) -> set[int]:
    """Stop what waits; return who has read of it in the app. StepIllegal where a mail is out."""
    read = set(notices.filter(read_at__isnull=False).values_list("person", flat=True))
    mailed, _in_app = stop(notices)
    if mailed:
        raise StepIllegal(_("A mail about it is out already, so the outcome stands."))
    return read


def _withdraw_question(step: Step) -> set[int]:
    """Ask the requester nothing: the question, unanswered and unsent, stays in history alone."""
    question: Confirmation = step.change.confirmation
    mails = list(question.links.values_list("email", flat=True))
    told = _stop_mail(step, Notice.objects.filter(email__in=mails))
    for record in (*question.links.all(), question):
        attribute(record, actor=step.actor, reason=step.why)
        record.delete()
    return told
