"""What each message says: one function per message, the folder of its templates has its name."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.post.words import absolute
from expansive_cm.texts import Text

from . import permissions
from .in_brief import in_brief
from .models import (
    Attachment,
    BoardDecision,
    Change,
    Comment,
    DeliveryProblem,
    Event,
    Release,
    StagingTest,
    StandardApproval,
)
from .plain import briefly
from .process import BETWEEN_COLLEAGUES, STEP, past_words
from .promises import is_put_beyond, promised_of
from .states import FINAL, State
from .turns import turn_of
from .wording import Context, is_rollback
from .worklist import task_url

Message = Callable[[Change, Event], Context]
S = State


def received(change: Change, event: Event) -> Context:
    """The request is here."""
    return {}


def progress(change: Change, event: Event) -> Context:
    """In plain words where the change is now, and when it happens if that is planned."""
    words: Text = briefly(event.to_state)
    if event.verb == "plan_execution":
        return {
            "words": _("It is planned when the change is put in place."),
            "plan": _window(event) or change.execution,
        }
    if event.verb == "plan_deployment":
        release = _named(Release, event, "release")
        if release is not None and release.cancelled_at:
            words = _("The release for which the change was planned will not come.")
            return {"words": f"{words} {_('We plan it for another one.')}"}
        words = _("The change has its place in a release.")
        late = release is not None and change.release_id == release.pk and is_put_beyond(change)
        if late:
            words = _("The change has its place in a release, which comes later than we promised.")
        return {"words": words, "release": release, "is_late": late}
    return {"words": words}


def _window(event: Event) -> Context | None:
    """Return the window that was planned with an event, if the event has kept it."""
    start, end = (event.data.get(name) for name in ("window_start", "window_end"))
    if not (start and end):
        return None
    return {"window_start": parse_datetime(start), "window_end": parse_datetime(end)}


def act_of(event: Event, person: User) -> Text:
    """Say what was done, and to Expansive's own people how it was decided."""
    told = permissions.can_see_internal(person) or event.verb not in BETWEEN_COLLEAGUES
    return past_words(event.verb, event.data.get("outcome", "") if told else "")


def activity(change: Change, event: Event) -> Context:
    """What somebody did and why, for Expansive's own people."""
    return {"result": _result(event)}


def _result(event: Event) -> str:
    """Say which test an event recorded and how that went; empty where it recorded none."""
    kind, result = event.data.get("kind"), event.data.get("result")
    if event.verb != "record_test" or not (kind and result):
        return ""
    words = _("The test was: %(kind)s. Its result: %(result)s.")
    return str(words) % {
        "kind": StagingTest.Kind(kind).label,
        "result": StagingTest.Result(result).label,
    }


def later_than_promised(change: Change, event: Event) -> Context:
    """The release comes after the day that the board promised, and why."""
    beyond = event.data["beyond"]
    return {
        "release": change.release,
        "why_late": beyond["why"],
        "told_late": beyond["told"],
    }


def your_turn(change: Change, event: Event) -> Context:
    """The next step waits for the reader; who authorises reads what they decide on."""
    turn = turn_of(change)
    context: Context = {"step": STEP[turn.verb].label if turn else "", "undone": is_rollback(event)}
    context["result"] = _result(event)
    if turn is None:
        return context
    if turn.verb == "authorise":
        context |= {"brief": in_brief(change), "plan": change.execution}
        context["review"] = event.verb == "review"  # the brief has what it found
    return {**context, "step_url": absolute(task_url(turn, change))}


def ownership(change: Change, event: Event) -> Context:
    """The reader is the owner from now on, of the change as it is now."""
    return {"state": S(change.state).label}


DECISIONS = {
    ("review", "refused"): _("The request was refused"),
    ("authorise", "refused"): _("The request was refused"),
    ("authorise", "authorised"): _("The request was approved"),
    ("authorise_standard", "authorised"): _(
        "The request was approved: changes of this kind are approved in advance"
    ),
    ("record_board_outcome", "accepted"): _("The board accepted the request"),
    ("record_board_outcome", "accepted_as_priority"): _(
        "The board accepted the request as a priority"
    ),
    ("record_board_outcome", "information_required"): _(
        "The board needs to know more about the request"
    ),
    ("record_board_outcome", "rejected"): _("The board decided against the request"),
}
DECISIONS_THEN = {
    ("record_board_outcome", "information_required"): _(
        "The board needed to know more about the request"
    ),
}
"""What is said otherwise of a decision that the change has left behind."""

_OVER = _(
    "Nothing more happens with this request. For anything further, please send a new one: "
    "the page of this one has a button for it."
)
AFTER_DECISION: dict[State, Text] = {
    S.REFUSED: _OVER,
    S.EXECUTION: _("Next, we plan when it is put in place. You get a mail with the time."),
    S.INFORMATION_REQUIRED: _("The request returns to the board with the answers to what it asks."),
    S.REQUIREMENTS: _(
        "Next, we write down exactly what is needed and look at its security risks. "
        "Then it is built."
    ),
    S.REJECTED: _OVER,
}
"""What follows a decision; the headline has said what was decided."""


def decision(change: Change, event: Event) -> Context:
    """Approved, refused, or one of the board's four outcomes, with the reason for the requester."""
    outcome = event.data["outcome"]
    category = event.data.get("category", "")
    for_requester = event.to_state in FINAL or event.verb == "record_board_outcome"
    return {
        "headline": DECISIONS[event.verb, outcome],
        "headline_then": DECISIONS_THEN.get((event.verb, outcome), ""),
        "why_not": event.reason if for_requester else "",
        "category": BoardDecision.Category(category).label if category else "",
        "elsewhere": event.data.get("elsewhere", ""),
        "words": AFTER_DECISION[S(event.to_state)],
        "promises": change.promise and change.state not in FINAL,
        "questions": change.open_questions,
        "corrects": _named(BoardDecision, event, "corrects"),
    }


def standard_used(change: Change, event: Event) -> Context:
    """What the reader approved in advance has been used."""
    approval = _named(StandardApproval, event, "standard")
    return {
        "approval": approval,
        "standard_url": absolute(approval.get_absolute_url()) if approval else "",
        "in_force": approval and approval.state == StandardApproval.State.IN_FORCE,
    }


def reconsidered(change: Change, event: Event) -> Context:
    """The board decides again on what it had decided."""
    return {"headline": DECISIONS["record_board_outcome", event.data["outcome"]]}


def promise_moved(change: Change, event: Event) -> Context:
    """The board promises another day."""
    before, after = (event.data[name]["due_on"] for name in ("before", "after"))
    return {
        "day_before": parse_date(before or ""),
        "day_now": parse_date(after),
        "release": change.promised_release,
    }


def forecast_moved(change: Change, event: Event) -> Context:
    """The day on which a promised change comes has moved; ``_says`` adds which the reader knew."""
    return {"promised": promised_of(change)}


def taken_back(change: Change, event: Event) -> Context:
    """What the board was said to have decided does not stand."""
    return {"headline": DECISIONS["record_board_outcome", event.data["outcome"]]}


def question(change: Change, event: Event) -> Context:
    """The board's questions to the reader; ``_letter`` adds which are theirs, and the link."""
    return {"explanation": event.reason}


def rolled_back(change: Change, event: Event) -> Context:
    """The change was undone."""
    return {}


def reworked(change: Change, event: Event) -> Context:
    """What was not as expected is being put right."""
    return {}


def not_confirmed(change: Change, event: Event) -> Context:
    """The requester said that it was not as expected."""
    said = {name: event.data.get(name) for name in ("meets_need", "as_expected", "wish")}
    return {"answer": {**said, "reason": event.reason, "answered_at": event.at}}


def closed(change: Change, event: Event) -> Context:
    """The end, and how it came to it."""
    successor = _named(Change, event, "successor")
    return {
        "how": event.verb,
        "public_reason": event.verb not in BETWEEN_COLLEAGUES,
        "successor": successor,
        "successor_url": absolute(successor.get_absolute_url()) if successor else "",
    }


def withdrawn(change: Change, event: Event) -> Context:
    """The request was taken back."""
    return {}


def succeeded(change: Change, event: Event) -> Context:
    """The reader, or somebody else in their place, is the requester from now on."""
    return {
        "to": event.data["to"],
        "to_name": event.data["to_name"],
        "from_name": event.data["from_name"],
    }


def comment(change: Change, event: Event) -> Context:
    """Somebody wrote, or attached a file."""
    return {
        "comment": _named(Comment, event, "comment"),
        "attachment": _named(Attachment, event, "attachment"),
    }


def _named(model: type[Model], event: Event, name: str) -> Any:
    """Return the row that an event names, if it names one and it is still there."""
    key = event.data.get(name)
    return model._default_manager.filter(pk=key).first() if key else None


def undelivered(change: Change, event: Event) -> Context:
    """Somebody who has to know does not get our mail."""
    return {
        "problem": DeliveryProblem.objects.filter(pk=event.data["problem"]).first(),
        "problems_url": absolute(reverse("changes:mail_log", args=[change.pk])),
    }


INTERNAL: frozenset[Message] = frozenset(
    {activity, your_turn, ownership, later_than_promised, not_confirmed, undelivered}
)
"""Messages that only Expansive's own people read, but for ``your_turn`` of an approver."""

TOPICS: dict[str, Any] = {
    "received": _("the request has arrived"),
    "progress": _("where the change is now"),
    "activity": _("what somebody did"),
    "your_turn": _("a step that waits for the reader"),
    "ownership": _("the reader is the owner now"),
    "later_than_promised": _("planned later than promised"),
    "decision": _("a decision"),
    "standard_used": _("a standard change was used"),
    "question": _("questions of the board"),
    "reconsidered": _("a decision that the board takes again"),
    "promise_moved": _("a promise that the board moved"),
    "forecast_moved": _("the day on which it comes has moved"),
    "taken_back": _("a decision that does not stand"),
    "rolled_back": _("the change was undone"),
    "reworked": _("it is being put right"),
    "not_confirmed": _("not as expected"),
    "closed": _("the change is closed"),
    "withdrawn": _("the request was withdrawn"),
    "comment": _("somebody wrote"),
    "succeeded": _("who the requester is now"),
    "undelivered": _("mail that does not arrive"),
    "confirmation": _("the question to the requester"),
    "reminder": _("a reminder"),
    "escalation": _("an answer that is missing"),
    "new_link": _("a new link"),
}
"""What each message is about, for whoever looks at a mail that has no words yet."""

TO_ITS_READER: dict[str, Any] = {
    "your_turn": _("your turn"),
    "ownership": _("you became the owner"),
    "question": _("the board asked you"),
    "confirmation": _("does it meet your need?"),
}
"""The same, said to the reader, where that is said otherwise."""
