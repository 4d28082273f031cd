"""Where a code change is: one function per state, in the order of the process."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from expansive_cm.sure import sure

from ..models import BoardDecision
from ..models.choices import Promise
from ..promises import (
    day_of,
    goes_beyond,
    has_missed,
    is_past,
    is_planned_beyond,
    is_put_beyond,
    release_ahead,
)
from ..states import State
from .case import Case, Status, asked_afterwards, nothing_more, put_right

S = State


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
    told = change.late_told if is_put_beyond(change) else ""
    if change.due_on and is_past(change.due_on, day_of(change.promise_zone, case.at)):
        words = _("It was promised by %s. We are late with it.") % case.day(change.due_on)
        return " ".join(filter(None, [words, told]))
    if is_planned_beyond(change):
        words = _("We promised it by %(promised)s. It is now planned for %(planned)s.")
        dates = {
            "promised": case.day(sure(change.due_on)),
            "planned": case.day(sure(release_ahead(change)).planned_on),
        }
        return " ".join(filter(None, [words % dates, told]))
    promised = change.promised_release
    if promised and has_missed(change):
        words = _("It was promised by release %(name)s, which is out. We are late with it.")
        return words % {"name": promised.name}
    stays = promised and not promised.cancelled_at and not goes_beyond(change, promised)
    if change.promise == Promise.THREE_RELEASES and promised and stays:
        words = _("We promise it by release %(name)s at the latest.")
        return words % {"name": promised.name}
    if change.promise == Promise.THREE_RELEASES and change.due_on is None:
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
        return put_right(case)
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
        return _on_the_way(case, now, asked_afterwards(case))
    if release.cancelled_at:
        now = _("It is built and tested. Release %s, for which it was planned, will not come.")
        following = _("Next, it is planned for another release. You get a mail with the date.")
        return _on_the_way(case, now % release.name, following)
    now = _("It is built and tested, and planned for release %s.") % release.name
    if release.released_at:
        following = _("The release came out on %(day)s. %(asked)s") % {
            "day": case.day(release.released_at),
            "asked": asked_afterwards(case),
        }
        return _on_the_way(case, now, following)
    if release.planned_on < case.today:
        words = _("The release was planned for %s and is late.")
        return _on_the_way(case, now, words % case.day(release.planned_on))
    following = _("The release is planned for %(day)s. %(asked)s") % {
        "day": case.day(release.planned_on),
        "asked": asked_afterwards(case),
    }
    return _on_the_way(case, now, following)


def _rejected(case: Case) -> Status:
    now = _("The Change Request Board decided on %s not to go ahead.") % case.since
    return Status(now, nothing_more())


WORDS: dict[State, Callable[[Case], Status]] = {
    S.BOARD: _board,
    S.INFORMATION_REQUIRED: _information_required,
    S.REQUIREMENTS: _requirements,
    S.RISK_ASSESSMENT: _risk_assessment,
    S.DEVELOPMENT: _development,
    S.TESTING: _testing,
    S.DEPLOYMENT: _deployment,
    S.REJECTED: _rejected,
}
