"""Where a configuration change is: one function per state, in the order of the process."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from ..models import Authorisation, Review
from ..states import State
from .case import Case, Status, asked_afterwards, nothing_more, put_right
from .dates import span

S = State


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
    newest = case.newest("authorisations")
    if newest is not None and newest.standard_id is not None:
        now = _("Since %s the change has been waiting for an approval of its own.") % case.since
    following = _("Next, an authorised approver of %s decides.") % case.change.organisation
    if case.change.approval_rule_id is not None:
        following = _("Next, those who approve such changes decide.")
    if case.is_requesters:
        following = " ".join([following, _("You get a mail with the decision.")])
    return Status(now, following)


def _execution(case: Case) -> Status:
    plan = case.change.execution
    now = _beginning_of_execution(case)
    asked = asked_afterwards(case)
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
        return put_right(case)
    if earlier is not None:
        return _("The first attempt was undone; a new one is planned since %s.") % case.since
    decision = case.newest("authorisations")
    approved = decision and decision.outcome == Authorisation.Outcome.AUTHORISED
    return _("The change was approved on %s.") % (
        case.day(decision.recorded_at) if approved else case.since
    )


def _rolled_back(case: Case) -> Status:
    now = _("The change was undone on %s because it did not go as planned.") % case.since
    following = _("Everything is as it was before. We plan a new attempt, or tell you why not.")
    return Status(now, following)


def _documentation(case: Case) -> Status:
    now = _("The change was put in place on %s and is being written up.") % case.since
    return Status(now, asked_afterwards(case))


def _refused(case: Case) -> Status:
    review = case.newest("reviews")
    by_team = review is not None and review.outcome == Review.Outcome.REFUSED
    if by_team:
        now = _("The customer success team refused the request on %s.") % case.since
    else:
        now = _("An authorised approver refused the request on %s.") % case.since
    return Status(now, nothing_more())


WORDS: dict[State, Callable[[Case], Status]] = {
    S.REVIEW: _review,
    S.AUTHORISATION: _authorisation,
    S.EXECUTION: _execution,
    S.ROLLED_BACK: _rolled_back,
    S.DOCUMENTATION: _documentation,
    S.REFUSED: _refused,
}
