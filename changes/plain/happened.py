"""What happened to a change, as far as it matters to its requester: one sentence each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from expansive_cm.sure import sure
from expansive_cm.texts import Text

from .. import taking_back
from ..models import Change, Event
from ..states import ChangeType, State

S = State
Words = Text


@dataclass(frozen=True)
class Milestone:
    """One thing that happened, and when."""

    at: datetime
    text: Words


def happened(change: Change) -> list[Milestone]:
    """Return what a requester is told of the change's events, the newest first."""
    found = []
    unheard = taking_back.unheard(change.events.all())
    for event in sorted(change.events.all(), key=lambda event: -event.pk):
        words = "" if event.is_internal or event.pk in unheard else words_of(event)
        if words:
            found.append(Milestone(event.at, words))
    return found


def words_of(event: Event) -> Words:
    """Say what an event that is not between colleagues did, "" where that matters to nobody."""
    if event.verb in SAID:
        return SAID[event.verb]
    moved = MOVED.get((event.verb, event.to_state)) if event.moved else None
    if moved:
        return moved
    teller = TOLD.get(event.verb)
    return teller(event) if teller else ""


def _assessed(event: Event) -> str:
    if event.to_state == S.BOARD:
        return _("We looked at the request: it goes to the Change Request Board.")
    return _("We looked at the request: it can be done by configuration.")


def _reclassified(event: Event) -> str:
    if event.data.get("type") == ChangeType.CODE:
        return _("The change turned out to need new code: it goes to the Change Request Board.")
    return _("The change turned out to need no new code: it can be done by configuration.")


def _edited(event: Event) -> str:
    return "" if event.from_state == S.DRAFT else _("%s edited the request.") % _who(event)


def _board(event: Event) -> str:
    outcomes = {
        "accepted": _("The board accepted the change."),
        "accepted_as_priority": _("The board accepted the change as a priority."),
        "information_required": _("The board asked for more before it can decide."),
        "rejected": _("The board decided not to go ahead with the change."),
    }
    return outcomes.get(event.data.get("outcome", ""), "")


def _answered(event: Event) -> str:
    return _("%s answered a question of the board.") % _who(event)


def _confirmed(event: Event) -> str:
    if event.to_state == S.CLOSED:
        return _("%s confirmed that the change meets the need.") % _who(event)
    return _("%s told us that the change is not as expected.") % _who(event)


def _withdrew(event: Event) -> str:
    return _("%s withdrew the request.") % _who(event)


def _replaced(event: Event) -> str:
    return _("%s is the requester from now on.") % event.data.get("to_name", "")


def _planned(event: Event) -> str:
    if "beyond" in event.data:
        return _("The change was planned for a release that comes later than promised.")
    return _("The change was planned for a release.")


def _moved(event: Event) -> str:
    day = parse_date(event.data["after"]["due_on"])
    return _("The board promised it anew: by %s.") % date_format(sure(day), "j F Y")


def _forecast(event: Event) -> str:
    """Say what a customer knew of the day on which it comes, and what is so now."""
    before, after = event.data["before"], event.data["after"]
    shown = before["shown_on"] != after["shown_on"]
    if shown and after["shown_on"]:
        return _("It is now planned for %s.") % _written(after["shown_on"])
    if before["due_on"] != after["due_on"] and after["due_on"]:
        return _("It is now promised by %s.") % _written(after["due_on"])
    if shown:
        return _("It is no longer planned for %s.") % _written(before["shown_on"])
    return _("It is no longer promised by %s.") % _written(before["due_on"])


def _corrected(event: Event) -> str:
    """Say that a day which a customer reads was another one; the rest is not said to them here."""
    if {"started_at", "finished_at"}.isdisjoint(event.data["corrected"]):
        return ""
    return _("We corrected our record of when it was done.")


def _written(day: str) -> str:
    return date_format(sure(parse_date(day)), "j F Y")


def _who(event: Event) -> str:
    return event.actor_name or _("We")


SAID: dict[str, Words] = {
    "submit": gettext_lazy("We received the request."),
    "throw_away": gettext_lazy("You threw the draft away."),
    "plan_execution": gettext_lazy("We planned when the change is put in place."),
    "start_execution": gettext_lazy("We began to put the change in place."),
    "close_rolled_back": gettext_lazy("The request was closed without the change."),
    "document": gettext_lazy("We asked whether the change meets the need."),
    "define_requirements": gettext_lazy("What exactly is needed was written down."),
    "reconsider_decision": gettext_lazy("The board looks at its decision again."),
    "take_back_board_outcome": gettext_lazy(
        "What the board had decided was recorded by mistake: it decides again."
    ),
    "take_back_execution": gettext_lazy(
        "What we had recorded of it was a mistake: it is still being put in place."
    ),
    "take_back_deployment": gettext_lazy(
        "What we had recorded of it was a mistake: it is still being put in place."
    ),
    "start_deployment": gettext_lazy("We began to put the change in place."),
    "rework": gettext_lazy("We took the change back to put right what was not as expected."),
    "close_with_successor": gettext_lazy("Closed. What goes beyond it goes on as a new request."),
    "request_successor": gettext_lazy("Closed. What goes beyond it goes on as a new request."),
    "resend_confirmation": gettext_lazy("We asked again whether the change meets the need."),
    "remind": gettext_lazy("We asked again whether the change meets the need."),
    "close_unanswered": gettext_lazy("We had no answer, and closed the change as it is."),
}
MOVED: dict[tuple[str, str], Words] = {
    ("review", S.AUTHORISATION): gettext_lazy("The customer success team endorsed the request."),
    ("review", S.REFUSED): gettext_lazy("The customer success team refused the request."),
    ("authorise", S.EXECUTION): gettext_lazy("The change was approved."),
    ("authorise_standard", S.EXECUTION): gettext_lazy(
        "The change was approved: changes of this kind are approved in advance."
    ),
    ("ask_authorisation", S.AUTHORISATION): gettext_lazy("We asked for an approval of its own."),
    ("authorise", S.REFUSED): gettext_lazy("The change was not approved."),
    ("record_execution", S.DOCUMENTATION): gettext_lazy("The change was put in place."),
    ("record_execution", S.ROLLED_BACK): gettext_lazy("The change was undone."),
    ("sign_risk_assessment", S.DEVELOPMENT): gettext_lazy("The security risks were assessed."),
    ("peer_review", S.TESTING): gettext_lazy("The change is built."),
    ("record_test", S.DEPLOYMENT): gettext_lazy("The change passed its tests."),
    ("record_test", S.DEVELOPMENT): gettext_lazy("A test found something to put right."),
    ("record_deployment", S.CONFIRMATION): gettext_lazy("The change was put in place."),
    ("record_deployment", S.DEVELOPMENT): gettext_lazy("The change was undone."),
}
TOLD: dict[str, Callable[[Event], str]] = {
    "correct_execution": _corrected,
    "correct_deployment": _corrected,
    "plan_deployment": _planned,
    "assess": _assessed,
    "reclassify": _reclassified,
    "edit": _edited,
    "record_board_outcome": _board,
    "answer_question": _answered,
    "answer_confirmation": _confirmed,
    "withdraw": _withdrew,
    "replace_requester": _replaced,
    "replan_promise": _moved,
    "forecast_moved": _forecast,
}
