"""The groups of people around a change, each one object that answers in every direction.

Permissions, worklists, the card on the page and mail all ask here, so who is meant is said once.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from accounts.standing import Anybody
from expansive_cm.statements import Given, ObjectStatement, is_one_of, known_or_read
from expansive_cm.workflow.decisions import Check, Decision, Refusal, first, refuse

from ..models import Change, Execution, Question
from . import by_rule, narrower, past
from .group import Group, not_earlier, with_role
from .parts import (
    APPROVING,
    LOOKING_AFTER,
    approvers,
    holders_of,
    name_of_approvers,
    name_of_team,
)
from .presence import (
    acting_owner,
    executor_is_there,
    is_there,
    team_owner,
    with_team_owner,
    without_owner,
)
from .who import Who

# Holders of a role ----------------------------------------------------------------------------


DEVELOPERS = with_role(Role.DEVELOPER)
RELEASE_MANAGERS = with_role(Role.RELEASE_MANAGER)
TESTERS = with_role(Role.TESTER).without(past.AUTHORS, lambda: _("nobody tests their own work."))
PEER_REVIEWERS = with_role(Role.PEER_REVIEWER).without(
    past.AUTHORS, lambda: _("nobody reviews their own work.")
)
RISK_SIGNERS = with_role(Role.DEVELOPER, Role.PEER_REVIEWER, Role.RELEASE_MANAGER).without(
    past.RISK_ASSESSORS, lambda: _("a risk assessment is signed off by a second person.")
)


def _on_the_board() -> Group:
    """Those of the members whom crb knows to have a seat where the change is decided."""
    everybody = with_role(Role.CRB_MEMBER)
    step = "record_board_outcome"

    def who(change: Change) -> Who:
        known = narrower.of(step)
        return known.who(change) if known else everybody.who(change)

    def belongs(user: User, change: Change) -> Check:
        known, objection = narrower.of(step), everybody.belongs(user, change)
        if objection is not None or known is None:
            return objection
        return known.objects(user, change)

    return replace(everybody, who=who, belongs=belongs)


BOARD_MEMBERS = _on_the_board()
"""Who has a seat on the board that decides; ``Turn`` leaves out who has voted."""


def last_authors(change: Change) -> list[User]:
    """Return who wrote the newest development, or every developer while there is none."""
    newest = max(known_or_read(change, "developments"), key=lambda one: one.pk, default=None)
    return list(newest.authors.all()) if newest else DEVELOPERS.members(change)


# The customer's own -----------------------------------------------------------------------------


def _requester_alone(user: User, change: Change) -> Check:
    if change.requester_id == user.pk:
        return None
    return refuse(Refusal.PERSON, _("Only the original requester answers this."))


REQUESTER = Group(
    lambda change: Who(people=(change.requester,) if change.requester else ()),
    lambda user: Q(requester=user),
    _requester_alone,
)


def _raiser_alone(user: User, change: Change) -> Check:
    if change.raised_by_id == user.pk:
        return None
    return refuse(Refusal.PERSON, _("Only the person who wrote the draft can do this."))


RAISER = Group(
    lambda change: Who(people=(change.raised_by,)),
    lambda user: Q(raised_by=user),
    _raiser_alone,
)


def _named_approvers(change: Change) -> Who:
    if change.organisation is None:
        return Who()
    if rule := by_rule.rule_of(change):
        return by_rule.who(rule, change)
    people = partial(NAMED_APPROVERS.objects, customer=change.organisation_id)
    return Who(name_of_approvers(change.organisation), candidates=people)


NAMED_APPROVERS = ObjectStatement(lambda: approvers().filter(approves_for=Given("customer")))


def _is_named_approver(user: User, change: Change) -> Check:
    if rule := by_rule.rule_of(change):
        return by_rule.is_not_of_it(rule, user, change)
    if user.has_role(Role.APPROVER) and change.organisation_id in user.approves_for_ids:
        return None
    return refuse(
        Refusal.PERSON, _("This is for an authorised approver of %s.") % change.organisation
    )


def _to_approve(user: User | Anybody) -> Q | None:
    awaited = by_rule.awaits(user)
    if awaited is None or not user.approves_for_ids:
        return awaited
    return awaited | (is_one_of("organisation", user.approves_for_ids) & ~by_rule.in_use())


def _is_awaited(user: User, change: Change) -> Check:
    rule = by_rule.rule_of(change)
    return by_rule.is_not_awaited(rule, user, change) if rule else None


APPROVERS = (
    Group(
        _named_approvers,
        _to_approve,
        _is_named_approver,
        _is_awaited,
        part=APPROVING,
        falls_to_part=lambda: ~by_rule.in_use(),
    )
    .without(past.ASKERS, lambda: _("the approver must not have asked for the change."))
    .without(past.EXECUTORS, lambda: _("the approver must not execute the change."))
    .without(
        past.PREPARED_ALONE,
        lambda: _("nobody assesses, reviews and authorises a change alone."),
    )
)
"""The customer's authorised approvers who neither asked for the change nor execute it.

Where an approval rule applies, those whose approval it asks for next.
"""


# The customer success team ------------------------------------------------------------------


def in_success_team(user: User, change: Change) -> bool:
    """Whether the person belongs to the team that looks after the customer."""
    organisation = change.organisation
    return (
        organisation is not None
        and user.has_role(Role.CUSTOMER_SUCCESS)
        and organisation.success_team_id in user.team_ids
    )


def _team_of(change: Change) -> Who:
    organisation = change.organisation
    if organisation is None:
        return Who()
    members = partial(TEAM_MEMBERS.objects, team=organisation.success_team_id)
    return Who(name_of_team(organisation.success_team), candidates=members)


TEAM_MEMBERS = ObjectStatement(
    lambda: holders_of(Role.CUSTOMER_SUCCESS).filter(success_teams=Given("team"))
)


def _of_the_team(user: User | Anybody) -> Q | None:
    if not user.has_role(Role.CUSTOMER_SUCCESS) or not user.team_ids:
        return None
    return is_one_of("organisation__success_team", user.team_ids)


def _in_the_team(user: User, change: Change) -> Check:
    if in_success_team(user, change):
        return None
    return refuse(
        Refusal.PERSON,
        _("This is for the customer success team that looks after %s.") % change.organisation,
    )


TEAM = Group(_team_of, _of_the_team, _in_the_team, part=LOOKING_AFTER)


def _team_or_owner_of_it(change: Change) -> Who:
    owner = team_owner(change)
    return Who(people=(owner,)) if owner else _team_of(change)


def _of_the_team_and_unclaimed(user: User | Anybody) -> Q | None:
    team = _of_the_team(user)
    return None if team is None else team & (Q(owner=user) | ~with_team_owner())


def _claimed_by_a_colleague(user: User, change: Change) -> Check:
    owner = team_owner(change)
    if owner is None or owner.pk == user.pk:
        return None
    return refuse(Refusal.PERSON, _("%s of the team sees the change through.") % owner)


UNCLAIMED_TEAM = Group(
    _team_or_owner_of_it,
    _of_the_team_and_unclaimed,
    lambda user, change: first(_in_the_team(user, change), _claimed_by_a_colleague(user, change)),
    part=LOOKING_AFTER,
    one=team_owner,
    behind=TEAM.members,
)
"""The team, until one of it owns the change: then it is their turn. The others may act as well."""


def _not_owner_nor_team() -> Decision:
    return refuse(Refusal.PERSON, _("This is for the change's owner or its customer success team."))


def _owner_or_team(change: Change) -> Who:
    owner = acting_owner(change)
    return Who(people=(owner,)) if owner else _team_of(change)


def _owned_or_of_the_team(user: User | Anybody) -> Q | None:
    team = _of_the_team(user)
    owner = Q(owner=user) if user.is_internal and user.is_active and user.roles else None
    if team is None:
        return owner
    unowned = team & without_owner()
    return unowned if owner is None else owner | unowned


def _is_responsible(user: User, change: Change) -> Check:
    owner = acting_owner(change)
    is_theirs = owner.pk == user.pk if owner else in_success_team(user, change)
    return None if is_theirs else _not_owner_nor_team()


RESPONSIBLE = Group(
    _owner_or_team,
    _owned_or_of_the_team,
    _is_responsible,
    part=LOOKING_AFTER,
    falls_to_part=without_owner,
    one=acting_owner,
    behind=TEAM.members,
)
"""The owner; without one who is still there the team."""


def owner_or_team(user: User, change: Change) -> Check:
    """Object to everybody but the owner and the team, who stand in for each other."""
    if (user.pk == change.owner_id and user.is_internal) or in_success_team(user, change):
        return None
    return _not_owner_nor_team()


def _owner_outside(change: Change) -> Who:
    owner = acting_owner(change)
    return Who(people=(owner,)) if owner and not in_success_team(owner, change) else Who()


def _owned_outside_the_team(user: User | Anybody) -> Q | None:
    if not (user.is_internal and user.is_active and user.roles):
        return None
    team = _of_the_team(user)
    return Q(owner=user) if team is None else Q(owner=user) & ~team


def _is_owner_outside(user: User, change: Change) -> Check:
    own = any(one.pk == user.pk for one in _owner_outside(change).people)
    return None if own else _not_owner_nor_team()


OWNER_OUTSIDE_THE_TEAM = Group(_owner_outside, _owned_outside_the_team, _is_owner_outside)
"""An owner who cannot plan, and so can only give the change up."""


# Who executes ---------------------------------------------------------------------------------


def possible_executors(change: Change) -> QuerySet[User]:
    """Support and the customer's success team; ``permissions.may_execute`` has the last word."""
    return executors_with([change.organisation.success_team_id if change.organisation else None])


def executors_with(teams: Iterable[int | None]) -> QuerySet[User]:
    """Return those of support and of these customer success teams."""
    support = Q(groups__name=Role.SUPPORT)
    success = Q(groups__name=Role.CUSTOMER_SUCCESS, success_teams__in=teams)
    people = User.objects.filter(support | success, is_active=True, organisation=None)
    return people.distinct().prefetch_related("groups", "success_teams")


def may_execute(user: User, change: Change) -> Check:
    """Object to who cannot be named as executor: the approver, and others than these."""
    person = None if user.has_role(Role.SUPPORT) else _in_the_team(user, change)
    rule = _("the executor must not have authorised the change.")
    return first(person, not_earlier(user, change, past.AUTHORISERS, rule))


def _named_executor(change: Change) -> Who:
    plan = change.execution
    if plan is None or not executor_is_there(change, plan):
        return Who()
    return Who(people=(plan.executor,), except_for=frozenset(past.AUTHORISERS.keys(change)))


def _to_execute(user: User | Anybody) -> Q | None:
    allowed = Q() if user.has_role(Role.SUPPORT) else _of_the_team(user)
    if allowed is None:
        return None
    named = Execution.objects.filter(
        change=OuterRef("pk"), path=OuterRef("path"), round=OuterRef("round"), executor=user
    )
    own = Exists(named.filter(finished_at=None))
    return allowed & Q(own) & ~past.AUTHORISERS.changes(user)


def _is_named_executor(user: User, change: Change) -> Check:
    plan = change.execution
    if plan is not None and plan.executor_id != user.pk:
        return refuse(Refusal.PERSON, _("This is for the executor, %s.") % plan.executor)
    return may_execute(user, change)


EXECUTOR = Group(_named_executor, _to_execute, _is_named_executor)
"""Who is to execute, or is executing, the change."""

STAND_INS = TEAM.without(
    past.AUTHORISERS, lambda: _("the executor must not have authorised the change.")
)
"""Who finishes what an executor began who has left."""


# Whom the board asked ---------------------------------------------------------------------------


def open_questions() -> QuerySet[Question]:
    """What waits for an answer on a change, for a subquery.

    Those of older paths are void, and so is what was taken back.
    """
    return Question.objects.filter(
        change=OuterRef("pk"),
        decision__path=OuterRef("path"),
        decision__taken_back_at=None,
        answered_at=None,
    )


def _those_asked(change: Change) -> Who:
    people = {one.answerer_id: one.answerer for one in change.open_questions}
    return Who(people=tuple(person for person in people.values() if is_there(person, change)))


def _was_asked(user: User, change: Change) -> Check:
    asked = any(one.answerer_id == user.pk for one in change.open_questions)
    if asked and is_there(user, change):
        return None
    return refuse(Refusal.PERSON, _("This is for those whom the board asked."))


ASKED = Group(
    _those_asked,
    lambda user: Q(Exists(open_questions().filter(answerer=user))),
    _was_asked,
)
"""Whom the board asked and who have not answered."""
