"""Where a change is and what happens next, in sentences with dates for its requester.

One function per state, in the order of the process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User

from ..models import (
    Authorisation,
    BoardDecision,
    Change,
    Confirmation,
    Deployment,
    Question,
    Review,
)
from ..models.change import Promise
from ..promises import day_of, has_missed, is_past, is_planned_beyond
from ..states import ChangeType, State
from .board_dates import BoardDate, board_dates
from .dates import day, local_day, span

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


@dataclass(frozen=True)
class Status:
    """Where a change is (``now``), what happens next, and what date it is promised for."""

    now: str
    next: str
    promise: str = ""
    on_reader: bool = False

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(part for part in (self.now, self.next, self.promise) if part)


@dataclass(frozen=True)
class Case:
    """A change as one person reads of it at one moment."""

    change: Change
    reader: User | None
    board: BoardDate | None
    at: datetime

    @property
    def is_requesters(self) -> bool:
        """Whether the reader is the one to whom "you" is said."""
        return self.reader is not None and self.reader.pk == self.change.requester_id

    @property
    def today(self) -> date:
        return local_day(self.at)

    @property
    def since(self) -> str:
        """The day since when the change is in its state."""
        return self.day(self.change.state_since)

    def day(self, when: date | datetime) -> str:
        return day(when, self.today)

    def before(self, relation: str) -> Any:
        """Return the newest record of the round of delivery before this one, if any."""
        records = [
            record
            for record in getattr(self.change, relation).all()
            if (record.path, record.round) == (self.change.path, self.change.round - 1)
        ]
        return max(records, key=lambda record: record.pk, default=None)

    def newest(self, relation: str) -> Any:
        """Return the newest record of this path, if any."""
        records = [r for r in getattr(self.change, relation).all() if r.path == self.change.path]
        return max(records, key=lambda record: record.pk, default=None)

    def questions(self) -> list[Question]:
        """Return what the board asked and nobody has answered."""
        return self.change.open_questions


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


def tell(changes: Sequence[Change], reader: User) -> None:
    """Give each change of a list its ``plain`` status; each kind of record is read once at most."""
    for relation in sorted({relation for read in READ.values() for relation in read}):
        concerned = [change for change in changes if relation in READ.get(S(change.state), ())]
        prefetch_related_objects(concerned, JOINED.get(relation, relation))
    dates = board_dates(changes)
    for change in changes:
        change.plain = status_of(change, reader, dates.get(change.pk))  # type: ignore[attr-defined]


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


# Request and initial assessment


def _draft(case: Case) -> Status:
    return Status(
        _("This request has not been sent yet."),
        _("Once it is sent, the customer success team looks at what it needs."),
    )


def _submitted(case: Case) -> Status:
    now = _("We received the request on %s and are looking at what it needs.") % case.since
    return Status(now, _("Next, we decide how the change is made, and tell you."))


# Configuration changes


def _review(case: Case) -> Status:
    now = _("The customer success team has been reviewing the request since %s.") % case.since
    following = _("If they endorse it, an authorised approver of %s decides.")
    if case.change.template_id is not None:
        following = _(
            "If they endorse it, an authorised approver of %s decides, unless changes of this "
            "kind are approved in advance."
        )
    return Status(now, following % case.change.organisation)


def _authorisation(case: Case) -> Status:
    now = _("The customer success team endorsed the request on %s.") % case.since
    if case.newest("authorisations") is not None:
        now = _("Since %s the change has been waiting for an approval of its own.") % case.since
    following = _("Next, an authorised approver of %s decides.") % case.change.organisation
    if case.is_requesters:
        following = " ".join([following, _("You get a mail with the decision.")])
    return Status(now, following)


def _execution(case: Case) -> Status:
    plan = case.change.execution
    now = _beginning_of_execution(case)
    asked = _asked_afterwards(case)
    if plan is None:
        following = _("Next, we plan when it is put in place. You get a mail with the time.")
        return Status(now, following)
    window = span(plan.window_start, plan.window_end, case.today)
    if plan.started_at:
        return Status(_("The change is being put in place right now."), asked)
    if plan.window_end < case.at:
        late = _("It was planned for %s and has not begun yet. We are looking into it.") % window
        return Status(now, late)
    following = _("It is planned for %(window)s. %(asked)s")
    return Status(now, following % {"window": window, "asked": asked})


def _beginning_of_execution(case: Case) -> str:
    earlier = case.before("executions")
    if earlier is not None and earlier.outcome == "succeeded":
        return _put_right(case)
    if earlier is not None:
        return _("The first attempt was undone; a new one is planned since %s.") % case.since
    decision = case.newest("authorisations")
    approved = decision and decision.outcome == Authorisation.Outcome.AUTHORISED
    return _("The change was approved on %s.") % (
        case.day(decision.recorded_at) if approved else case.since
    )


def _put_right(case: Case) -> str:
    if case.is_requesters:
        words = _("You told us it is not as expected; since %(day)s we are putting that right.")
    else:
        words = _("It was not as %(name)s expected; since %(day)s we are putting that right.")
    return words % {"name": case.change.requester, "day": case.since}


def _asked_afterwards(case: Case) -> str:
    if case.is_requesters:
        return _("After that we ask you whether it meets your needs.")
    return _("After that we ask %s whether it meets the need.") % case.change.requester


def _rolled_back(case: Case) -> Status:
    now = _("The change was undone on %s because it did not go as planned.") % case.since
    following = _("Everything is as it was before. We plan a new attempt, or tell you why not.")
    return Status(now, following)


def _documentation(case: Case) -> Status:
    now = _("The change was put in place on %s and is being written up.") % case.since
    return Status(now, _asked_afterwards(case))


def _refused(case: Case) -> Status:
    review = case.newest("reviews")
    by_team = review is not None and review.outcome == Review.Outcome.REFUSED
    if by_team:
        now = _("The customer success team refused the request on %s.") % case.since
    else:
        now = _("An authorised approver refused the request on %s.") % case.since
    return Status(now, _nothing_more())


def _nothing_more() -> str:
    return _("Nothing more happens here. For anything further, please send us a new request.")


# Code changes


def _board(case: Case) -> Status:
    asked = case.change.board_decision
    returned = asked and asked.outcome == BoardDecision.Outcome.INFORMATION_REQUIRED
    if asked and asked.settles:
        now = _("Since %s the Change Request Board has been looking at its decision again.")
    elif returned:
        now = _("The Change Request Board has had the answers to its questions since %s.")
    else:
        now = _("The request has been waiting for the Change Request Board since %s.")
    return Status(now % case.since, _when_the_board_decides(case))


def _when_the_board_decides(case: Case) -> str:
    if case.board is None:
        return _("The board decides at one of its next meetings. You get a mail with the decision.")
    on = case.day(case.board.day)
    if case.board.is_ballot:
        return _("The board votes until %s. You get a mail with the decision.") % on
    if case.board.day < case.today:
        return _("It was on the agenda of %s. You get a mail with the decision.") % on
    return _("The board decides at its meeting on %s. You get a mail with the decision.") % on


def _information_required(case: Case) -> Status:
    now = _("On %s the Change Request Board asked for more before it can decide.") % case.since
    waiting = case.questions()
    mine = [one for one in waiting if case.reader and one.answerer_id == case.reader.pk]
    if mine:
        following = ngettext(
            "Please answer the board's question.", "Please answer the board's questions.", len(mine)
        )
        return Status(now, following, on_reader=True)
    following = _("It has asked others. With the last answer the request returns to the board.")
    return Status(now, following)


def _accepted(case: Case) -> str:
    decision = case.change.board_decision
    outcomes = BoardDecision.Outcome
    if decision is None or decision.outcome not in (
        outcomes.ACCEPTED,
        outcomes.ACCEPTED_AS_PRIORITY,
    ):
        return ""
    if decision.outcome == outcomes.ACCEPTED_AS_PRIORITY:
        words = _("The board accepted the change as a priority on %s.")
    else:
        words = _("The board accepted the change on %s.")
    return words % case.day(decision.recorded_at)


def _on_the_way(case: Case, now: str, following: str) -> Status:
    """Return a status after the board's yes, which is said with its date and its promise."""
    parts = [part for part in (_accepted(case), now) if part]
    return Status(" ".join(parts), following, _promised(case))


def _promised(case: Case) -> str:
    change = case.change
    if change.due_on and is_past(change.due_on, day_of(change.promise_zone, case.at)):
        words = _("It was promised by %s. We are late with it.") % case.day(change.due_on)
        told = change.late_told if is_planned_beyond(change) else ""
        return " ".join(filter(None, [words, told]))
    if is_planned_beyond(change):
        words = _("We promised it by %(promised)s. It is now planned for %(planned)s.")
        dates = {
            "promised": case.day(change.due_on),
            "planned": case.day(change.release.planned_on),
        }
        return " ".join(filter(None, [words % dates, change.late_told]))
    promised = change.promised_release
    if promised and has_missed(change):
        words = _("It was promised by release %(name)s, which is out. We are late with it.")
        return words % {"name": promised.name}
    if change.promise == Promise.THREE_RELEASES and promised and not promised.cancelled_at:
        words = _("We promise it by release %(name)s at the latest.")
        return words % {"name": promised.name}
    if change.promise == Promise.THREE_RELEASES:
        return _("We promise it with one of the next three releases.")
    if change.due_on:
        words = _("We promise it by %s.") % case.day(change.due_on)
        return " ".join(filter(None, [words, _promised_first(case)]))
    return ""


def _promised_first(case: Case) -> str:
    """Say by when it was promised at first, if the board has moved that."""
    first = case.change.first_due_on
    return _("At first it was promised by %s.") % case.day(first) if first else ""


def _requirements(case: Case) -> Status:
    now = _("We are writing down what exactly is needed.")
    return _on_the_way(case, now, _("Next, we look at its security risks. Then it is built."))


def _risk_assessment(case: Case) -> Status:
    now = _("Since %s we are looking at its security risks.") % case.since
    return _on_the_way(case, now, _("Next, it is built."))


def _development(case: Case) -> Status:
    following = _("Next, it is tested.")
    return _on_the_way(case, _how_development_began(case), following)


def _how_development_began(case: Case) -> str:
    if case.change.round == 1:
        return _("It has been in development since %s.") % case.since
    deployment = case.before("deployments")
    if deployment is not None and deployment.outcome == "rolled_back":
        words = _("It was undone on %s because the release did not go as planned; we put it right.")
        return words % case.since
    if deployment is not None and deployment.outcome == "succeeded":
        return _put_right(case)
    return _("A test on %s found something, which we are putting right.") % case.since


def _testing(case: Case) -> Status:
    now = _("It is built, and has been tested since %s.") % case.since
    return _on_the_way(case, now, _("If the tests pass, it is planned for a release."))


def _deployment(case: Case) -> Status:
    plan = case.change.deployment
    if plan is None:
        now = _("It is built, and passed its tests on %s.") % case.since
        following = _("Next, it is planned for a release. You get a mail with the date.")
        return _on_the_way(case, now, following)
    release = plan.release
    if plan.started_at:
        now = _("It is being put in place right now, with release %s.") % release.name
        return _on_the_way(case, now, _asked_afterwards(case))
    if release.cancelled_at:
        now = _("It is built and tested. Release %s, for which it was planned, will not come.")
        following = _("Next, it is planned for another release. You get a mail with the date.")
        return _on_the_way(case, now % release.name, following)
    now = _("It is built and tested, and planned for release %s.") % release.name
    if release.released_at:
        following = _("The release came out on %(day)s. %(asked)s") % {
            "day": case.day(release.released_at),
            "asked": _asked_afterwards(case),
        }
        return _on_the_way(case, now, following)
    if release.planned_on < case.today:
        words = _("The release was planned for %s and is late.")
        return _on_the_way(case, now, words % case.day(release.planned_on))
    following = _("The release is planned for %(day)s. %(asked)s") % {
        "day": case.day(release.planned_on),
        "asked": _asked_afterwards(case),
    }
    return _on_the_way(case, now, following)


def _rejected(case: Case) -> Status:
    now = _("The Change Request Board decided on %s not to go ahead.") % case.since
    return Status(now, _nothing_more())


# Both


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
    return Status(_how_it_closed(case), _nothing_more())


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
        return Status(_("You threw the draft away on %s.") % case.since, _nothing_more())
    return Status(_("The request was withdrawn on %s.") % case.since, _nothing_more())


WORDS: dict[State, Callable[[Case], Status]] = {
    S.DRAFT: _draft,
    S.SUBMITTED: _submitted,
    S.REVIEW: _review,
    S.AUTHORISATION: _authorisation,
    S.EXECUTION: _execution,
    S.ROLLED_BACK: _rolled_back,
    S.DOCUMENTATION: _documentation,
    S.REFUSED: _refused,
    S.BOARD: _board,
    S.INFORMATION_REQUIRED: _information_required,
    S.REQUIREMENTS: _requirements,
    S.RISK_ASSESSMENT: _risk_assessment,
    S.DEVELOPMENT: _development,
    S.TESTING: _testing,
    S.DEPLOYMENT: _deployment,
    S.REJECTED: _rejected,
    S.CONFIRMATION: _confirmation,
    S.NOT_CONFIRMED: _not_confirmed,
    S.CLOSED: _closed,
    S.WITHDRAWN: _withdrawn,
}
