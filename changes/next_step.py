"""What happens next on a change, in words, and who must do it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.roles import Role

from . import gates
from .alone import barred
from .askers import askers
from .models import Change, Execution, StagingTest
from .presence import acting_owner, executor_is_there
from .states import PLAIN_WORDS, State

S = State
Text = str | Promise


@dataclass(frozen=True)
class Who:
    """Those who must act, as a group with a name, or as persons."""

    name: Text = ""
    people: tuple[User, ...] = ()
    candidates: QuerySet[User] | None = None
    except_for: frozenset[int | None] = frozenset()

    def members(self) -> list[User]:
        """Return the persons; costs a query for a group."""
        if self.candidates is None:
            return [person for person in self.people if person is not None]
        return [person for person in self.candidates if person.pk not in self.except_for]


@dataclass(frozen=True)
class NextStep:
    """What is to be done, by whom, by which step, and what else is worth knowing about it."""

    sentence: Text
    who: Who | None = None
    verb: str = ""
    note: Text = ""

    def told(self, reader: User) -> str:
        """Return the sentence, with the persons who are to act unless the reader is one of them."""
        people = [person for person in self.who.people if person is not None] if self.who else []
        if not people or reader in people:
            return str(self.sentence)
        names = ", ".join(str(person) for person in people)
        words = {"sentence": str(self.sentence).removesuffix("."), "names": names}
        return _("%(sentence)s (%(names)s).") % words


def next_step(change: Change) -> NextStep:
    """Return the next step of a change, from its state and the records of this round."""
    return WHAT_NEXT[State(change.state)](change)


def words_about(state: str, requester: str) -> Text:
    """Say where a change stands; a reader other than the requester is told the requester's name."""
    if requester:
        named = {"name": requester}
        if state == S.CONFIRMATION:
            return _("The change is in place. %(name)s is asked whether it meets the need.") % named
        if state == S.NOT_CONFIRMED:
            return _("%(name)s told us it is not as expected. We are looking into it.") % named
    return PLAIN_WORDS[State(state)]


# Who -----------------------------------------------------------------------------------------


def holders_of(*roles: Role) -> QuerySet[User]:
    """Active people of Expansive's own with one of these roles."""
    people = User.objects.filter(is_active=True, organisation=None, groups__name__in=roles)
    return people.distinct()


def success_team(change: Change) -> Who:
    """The customer success team that looks after the customer."""
    organisation = change.organisation
    if organisation is None:
        return Who()
    members = holders_of(Role.CUSTOMER_SUCCESS).filter(success_teams=organisation.success_team_id)
    return Who(organisation.success_team.name, candidates=members)


def owner_or_team(change: Change) -> Who:
    """The owner; without one who is still there the team."""
    owner = acting_owner(change)
    return Who(people=(owner,)) if owner else success_team(change)


def with_role(*roles: Role, except_for: Iterable[int | None] = ()) -> Who:
    """Everybody with one of these roles."""
    name = _(" or ").join(str(role.label) for role in roles)
    return Who(name, candidates=holders_of(*roles), except_for=frozenset(except_for))


def approvers(change: Change) -> Who:
    """The customer's authorised approvers who neither asked for the change nor execute it."""
    if change.organisation is None:
        return Who()
    people = change.organisation.approvers.filter(is_active=True, groups__name=Role.APPROVER)
    executors = {execution.executor_id for execution in change.executions.all()}
    return Who(
        _("Authorised approvers of %s") % change.organisation,
        candidates=people,
        except_for=frozenset({*askers(change), *executors, *barred(change)}),
    )


def authors(change: Change) -> set[int]:
    """Everybody who wrote some of it, in any round."""
    return {author.pk for one in change.developments.all() for author in one.authors.all()}


def possible_executors(change: Change) -> QuerySet[User]:
    """Support and the customer's success team; ``permissions.may_execute`` has the last word."""
    team = change.organisation.success_team_id if change.organisation else None
    support = Q(groups__name=Role.SUPPORT)
    success = Q(groups__name=Role.CUSTOMER_SUCCESS, success_teams=team)
    people = User.objects.filter(support | success, is_active=True, organisation=None)
    return people.distinct().prefetch_related("groups", "success_teams")


# What, state by state ---------------------------------------------------------------------------


def _draft(change: Change) -> NextStep:
    return NextStep(
        _("Complete the draft and submit it."), Who(people=(change.raised_by,)), "submit"
    )


def _submitted(change: Change) -> NextStep:
    sentence = _("Assess the request: decide its type, and judge need, risk and impact.")
    return NextStep(sentence, success_team(change), "assess")


def _review(change: Change) -> NextStep:
    sentence = _("Review the request: endorse it for authorisation, or refuse it.")
    return NextStep(sentence, success_team(change), "review")


def _authorisation(change: Change) -> NextStep:
    return NextStep(_("Authorise the change, or refuse it."), approvers(change), "authorise")


def _execution(change: Change) -> NextStep:
    plan: Execution | None = change.execution
    if plan is None:
        sentence = _("Plan the execution: who does what, when, and how it is undone.")
        return NextStep(sentence, success_team(change), "plan_execution")
    there = executor_is_there(change, plan)
    if not there and not plan.started_at:
        sentence = _("Plan the execution with another executor: %s has left.") % plan.executor
        return NextStep(sentence, success_team(change), "plan_execution", _window(plan))
    who = Who(people=(plan.executor,)) if there else success_team(change)
    if plan.started_at:
        sentence = _("Finish the execution and record its outcome.")
        return NextStep(sentence, who, "record_execution", _window(plan))
    sentence = _("Carry out the execution as planned.")
    return NextStep(sentence, who, "start_execution", _window(plan))


def _window(plan: Execution) -> str:
    start, end = timezone.localtime(plan.window_start), timezone.localtime(plan.window_end)
    same_day = start.date() == end.date()
    return _("Window: %(start)s to %(end)s (%(zone)s).") % {
        "start": date_format(start, "j M Y, H:i"),
        "end": date_format(end, "H:i" if same_day else "j M Y, H:i"),
        "zone": timezone.get_current_timezone_name(),
    }


def _rolled_back(change: Change) -> NextStep:
    sentence = _("Plan the execution again, or close without the change.")
    return NextStep(sentence, owner_or_team(change), "plan_execution")


def _documentation(change: Change) -> NextStep:
    sentence = _("Log the change in the customer success tool; the requester is asked next.")
    return NextStep(sentence, success_team(change), "document")


def _board(change: Change) -> NextStep:
    sentence = _("The Change Request Board decides at its next meeting.")
    return NextStep(sentence, with_role(Role.CRB_MEMBER), "record_board_outcome")


def _information(change: Change) -> NextStep:
    waiting = change.open_questions
    sentence = ngettext(
        "Answer the board's question.", "Answer the board's %d open questions.", len(waiting)
    )
    if len(waiting) > 1:
        sentence %= len(waiting)
    people = {question.answerer_id: question.answerer for question in waiting}
    note = _("With the last answer the change returns to the board by itself.")
    return NextStep(sentence, Who(people=tuple(people.values())), "answer_question", note)


def _requirements(change: Change) -> NextStep:
    sentence = _("Define the requirements: purpose, scope, objectives, acceptance criteria.")
    return NextStep(sentence, with_role(Role.DEVELOPER), "define_requirements")


def _risk(change: Change) -> NextStep:
    if not gates.risk_awaits_sign_off(change):
        returned = change.risk_assessment is not None
        note = _("The last assessment was returned for more work.") if returned else ""
        sentence = _("Assess the security risks and analyse the impact.")
        return NextStep(sentence, with_role(Role.DEVELOPER), "assess_risk", note)
    roles = (Role.DEVELOPER, Role.PEER_REVIEWER, Role.RELEASE_MANAGER)
    sentence = _("A second person signs the risk assessment off, or returns it.")
    wrote = {one.recorded_by_id for one in change.risk_assessments.all()}
    who = with_role(*roles, except_for=wrote)
    return NextStep(sentence, who, "sign_risk_assessment")


def _development(change: Change) -> NextStep:
    development = change.development
    if development is None:
        sentence = _("Build the change and record it, with the secure-coding checklist.")
        return NextStep(sentence, with_role(Role.DEVELOPER), "record_development")
    reviewed = any(one.development_id == development.pk for one in change.peer_reviews.all())
    if reviewed:
        sentence = _("Rework what the reviewer found and record it again.")
        return NextStep(sentence, with_role(Role.DEVELOPER), "record_development")
    sentence = _("Review the development; nobody reviews their own work.")
    who = with_role(Role.PEER_REVIEWER, except_for=authors(change))
    return NextStep(sentence, who, "peer_review")


def _testing(change: Change) -> NextStep:
    passed = gates.passed_tests(change)
    missing = [str(kind.label).lower() for kind in StagingTest.Kind if kind not in passed]
    sentence = _("Test the change in staging. Still to pass: %s.") % ", ".join(missing)
    return NextStep(sentence, with_role(Role.TESTER, except_for=authors(change)), "record_test")


def _deployment(change: Change) -> NextStep:
    plan, who = change.deployment, with_role(Role.RELEASE_MANAGER)
    if plan is None:
        sentence = _("Choose the release and write the rollback plan.")
        return NextStep(sentence, who, "plan_deployment")
    if plan.started_at:
        sentence = _("Finish the deployment and record its outcome.")
        return NextStep(sentence, who, "record_deployment")
    gap = gates.deployment_not_ready(change)
    sentence = gap or _("Start the deployment with release %s.") % plan.release
    return NextStep(sentence, who, "start_deployment")


def _confirmation(change: Change) -> NextStep:
    asked = change.confirmation
    note = ""
    if asked is not None:
        day = date_format(timezone.localtime(asked.asked_at), "j M Y")
        sent = len(asked.reminders.all())
        reminders = ngettext("%d reminder sent", "%d reminders sent", sent) % sent
        note = _("Asked on %s.") % day
        if sent:
            note = _("Asked on %(day)s; %(reminders)s.") % {"day": day, "reminders": reminders}
    sentence = _("Say whether the change meets the need.")
    return NextStep(sentence, Who(people=(change.requester,)), "answer_confirmation", note)


def _not_confirmed(change: Change) -> NextStep:
    if not gates.nothing_further_wished(change):
        sentence = _(
            "The requester would like something further: close, and raise it as a successor."
        )
        note = _("The requester can send it too. If something agreed is missing, rework it.")
        return NextStep(sentence, owner_or_team(change), "close_with_successor", note)
    sentence = _("Rework what was agreed, or close and raise what goes beyond it as a successor.")
    return NextStep(sentence, owner_or_team(change), "rework")


def _ended(change: Change) -> NextStep:
    sentences = {
        S.CLOSED: _("Nothing: the change is closed. Anything further is a new change request."),
        S.REFUSED: _("Nothing: the change was refused."),
        S.REJECTED: _("Nothing: the board rejected the change."),
        S.WITHDRAWN: _("Nothing: the request was withdrawn."),
    }
    return NextStep(sentences[State(change.state)])


WHAT_NEXT = {
    S.DRAFT: _draft,
    S.SUBMITTED: _submitted,
    S.REVIEW: _review,
    S.AUTHORISATION: _authorisation,
    S.EXECUTION: _execution,
    S.ROLLED_BACK: _rolled_back,
    S.DOCUMENTATION: _documentation,
    S.REFUSED: _ended,
    S.BOARD: _board,
    S.INFORMATION_REQUIRED: _information,
    S.REQUIREMENTS: _requirements,
    S.RISK_ASSESSMENT: _risk,
    S.DEVELOPMENT: _development,
    S.TESTING: _testing,
    S.DEPLOYMENT: _deployment,
    S.REJECTED: _ended,
    S.CONFIRMATION: _confirmation,
    S.NOT_CONFIRMED: _not_confirmed,
    S.CLOSED: _ended,
    S.WITHDRAWN: _ended,
}
