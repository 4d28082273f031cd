"""Where a change is and what happens next, in sentences with dates for its requester.

What is said of each state stands in ``configuration`` and ``code``; of the states that both kinds
of change go through, here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

from ..models import Change, Confirmation, Deployment
from ..states import ChangeType, State
from . import code, configuration
from .board_dates import BoardDate, board_dates
from .case import Case, Status, nothing_more

S = State
_CODE = ("board_decisions",)
_PLANNED = ("board_decisions", "deployments")
_DONE = ("executions", "deployments", "confirmations")
READ: dict[State, tuple[str, ...]] = {
    S.REFUSED: ("reviews",),
    S.AUTHORISATION: ("authorisations",),
    S.EXECUTION: ("executions", "authorisations"),
    S.BOARD: _CODE,
    S.INFORMATION_REQUIRED: ("questions", "board_decisions"),
    S.REQUIREMENTS: _CODE,
    S.RISK_ASSESSMENT: _CODE,
    S.DEVELOPMENT: _PLANNED,
    S.TESTING: _CODE,
    S.DEPLOYMENT: _PLANNED,
    S.CONFIRMATION: _DONE,
    S.CLOSED: _DONE,
}
"""What a status is read from, beside the change, its customer and its requester."""
JOINED = {"deployments": Prefetch("deployments", Deployment.objects.select_related("release"))}


def status_of(
    change: Change,
    reader: User | None = None,
    board: BoardDate | None = None,
    at: datetime | None = None,
) -> Status:
    """Say where a change is and what happens next, as this reader must hear it.

    ``reader`` is said "you" to if they are the requester; ``board`` says when the board decides;
    ``at`` is now. Dates are in the zone that is active.
    """
    case = Case(change, reader, board, at or timezone.now())
    return WORDS[S(change.state)](case)


def how_it_ended(change: Change, reader: User | None = None) -> str:
    """Say how a change ended and when, in the one sentence that colleagues and customers read.

    Only "you" differs: it is said to the requester.
    """
    return status_of(change, reader).now


def statuses(changes: Sequence[Change], reader: User) -> dict[int, Status]:
    """Say of each change of a list, by its key, where it is.

    Each kind of record is read once at most, and kept with the changes.
    """
    for relation in sorted({relation for read in READ.values() for relation in read}):
        concerned = [change for change in changes if relation in READ.get(S(change.state), ())]
        prefetch_related_objects(concerned, JOINED.get(relation, relation))
    dates = board_dates(changes)
    return {change.pk: status_of(change, reader, dates.get(change.pk)) for change in changes}


def reason_of(change: Change) -> str:
    """Return why a change ended without being delivered, or ended as it did, if it was said."""
    if change.state == S.REJECTED and (decision := change.board_decision):
        category = decision.get_category_display()
        if decision.elsewhere:
            category = f"{category}: {decision.elsewhere}"
        return "\n".join(part for part in (category, decision.reason) if part)
    endings = [event for event in change.events.all() if event.moved]
    if change.state not in (S.REFUSED, S.WITHDRAWN, S.CLOSED, S.ROLLED_BACK) or not endings:
        return ""
    last = max(endings, key=lambda event: event.pk)
    public = {"review", "authorise", "withdraw", "close_rolled_back", "close_with_successor"}
    return last.reason if last.verb in public else ""


def _draft(case: Case) -> Status:
    return Status(
        _("This request has not been sent yet."),
        _("Once it is sent, the customer success team looks at what it needs."),
    )


def _submitted(case: Case) -> Status:
    now = _("We received the request on %s and are looking at what it needs.") % case.since
    return Status(now, _("Next, we decide how the change is made, and tell you."))


def _in_place(case: Case) -> str:
    """Say since when the change is in place, and with which release it came."""
    plan = case.change.deployment
    if case.change.type == ChangeType.CODE and plan is not None:
        on = case.day(plan.finished_at or case.change.state_since)
        words = _("The change has been in place since %(day)s, with release %(name)s.")
        return words % {"day": on, "name": plan.release.name}
    plan = case.change.execution
    on = case.day((plan and plan.finished_at) or case.change.state_since)
    return _("The change has been in place since %s.") % on


def _confirmation(case: Case) -> Status:
    asked = case.change.confirmation
    on = case.day(asked.asked_at if asked else case.change.state_since)
    if case.is_requesters:
        following = _("Please tell us whether it meets your needs: we asked you on %s.") % on
        return Status(_in_place(case), following, on_reader=True)
    words = _("We asked %(name)s on %(day)s whether it meets the need.")
    return Status(_in_place(case), words % {"name": case.change.requester, "day": on})


def _not_confirmed(case: Case) -> Status:
    if case.is_requesters:
        now = _("On %s you told us that it is not as expected.") % case.since
    else:
        words = _("On %(day)s %(name)s told us that it is not as expected.")
        now = words % {"day": case.since, "name": case.change.requester}
    following = _("We put right what was agreed; anything further goes on as a new request.")
    return Status(now, following)


def _closed(case: Case) -> Status:
    return Status(_how_it_closed(case), nothing_more())


def _how_it_closed(case: Case) -> str:
    answer = case.change.confirmation.answer if case.change.confirmation else ""
    answers = Confirmation.Answer
    if answer == answers.CONFIRMED and case.is_requesters:
        return _("On %s you confirmed that the change meets your needs. It is closed.") % case.since
    if answer == answers.CONFIRMED:
        words = _("On %(day)s %(name)s confirmed that the change meets the need. It is closed.")
        return words % {"day": case.since, "name": case.change.requester}
    if answer == answers.UNANSWERED:
        words = _("The change is in place. We had no answer, and closed it on %s.")
        return words % case.since
    execution = case.newest("executions")
    if execution is not None and execution.outcome == "rolled_back":
        words = _("The change was undone and is not tried again. The request was closed on %s.")
        return words % case.since
    if answer == answers.NOT_AS_EXPECTED:
        words = _("The change was closed on %s. What goes beyond it goes on as a new request.")
        return words % case.since
    return _("The change was closed on %s.") % case.since


def _withdrawn(case: Case) -> Status:
    if case.change.is_thrown_away:
        words = _("The draft was thrown away on %s. Nobody was told of it.")
        return Status(words % case.since, nothing_more())
    return Status(_("The request was withdrawn on %s.") % case.since, nothing_more())


WORDS: dict[State, Callable[[Case], Status]] = {
    S.DRAFT: _draft,
    S.SUBMITTED: _submitted,
    S.CONFIRMATION: _confirmation,
    S.NOT_CONFIRMED: _not_confirmed,
    S.CLOSED: _closed,
    S.WITHDRAWN: _withdrawn,
    **configuration.WORDS,
    **code.WORDS,
}
