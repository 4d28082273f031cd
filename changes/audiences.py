"""Whom a message can reach: a change's people by what they have to do with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role

from .askers import former_requesters
from .models import Change
from .presence import acting_owner


@dataclass(frozen=True)
class Audience:
    """Some of a change's people, and what their mail says about why they get it."""

    why: Any
    find: Callable[[Change], Iterable[User | None]]


def team_of(change: Change) -> Iterable[User]:
    """Return the customer success team that looks after the change's customer."""
    return change.organisation.success_team.members.all() if change.organisation else ()


def named_executor(change: Change) -> Iterable[User]:
    """Return who is to execute, or is executing, the change."""
    return [change.execution.executor] if change.execution else []


def those_asked(change: Change) -> Iterable[User]:
    """Return the people whom the board asked and who have not answered."""
    return User.objects.filter(questions__in=change.open_questions).distinct()


def former_requester(change: Change) -> Iterable[User]:
    """Return whom the present requester has replaced."""
    return User.objects.filter(pk__in=former_requesters(change)[-1:])


def holders(*roles: Role) -> Callable[[Change], Iterable[User]]:
    """Return a function that finds the people with one of these roles."""
    wanted = Q(groups__name__in=[role.value for role in roles])
    return lambda change: User.objects.filter(wanted).distinct()


def last_authors(change: Change) -> Iterable[User]:
    """Return who wrote the newest development, or every developer while there is none."""
    newest = max(change.developments.all(), key=lambda one: one.pk, default=None)
    return newest.authors.all() if newest else holders(Role.DEVELOPER)(change)


REQUESTER = Audience(_("you asked for this change"), lambda change: [change.requester])
FORMER_REQUESTER = Audience(_("you asked for this change at first"), former_requester)
RAISER = Audience(_("you raised this change"), lambda change: [change.raised_by])
OWNER = Audience(_("you are the owner of this change"), lambda change: [change.owner])
WATCHERS = Audience(_("you watch this change"), lambda change: change.watchers.all())
RESPONSIBLE = Audience(
    _("you look after this change"),
    lambda change: [owner] if (owner := acting_owner(change)) else team_of(change),
)
TEAM = Audience(_("your team looks after this customer"), team_of)
EXECUTOR = Audience(_("you are to execute this change"), named_executor)
ASKED = Audience(_("the board asked you"), those_asked)
NEXT = _("you can take the next step")
LINK_WANTED = _("somebody asked for a new link to it")

STAFF = (OWNER, WATCHERS)
PARTIES = (REQUESTER, RAISER, OWNER, WATCHERS)
ALL = (*PARTIES, TEAM, EXECUTOR)

CANDIDATES: dict[str, Callable[[Change], Iterable[User]]] = {
    "assess": team_of,
    "review": team_of,
    "authorise": lambda change: change.organisation.approvers.all(),
    "plan_execution": team_of,
    "start_execution": named_executor,
    "document": team_of,
    "define_requirements": holders(Role.DEVELOPER),
    "assess_risk": holders(Role.DEVELOPER),
    "sign_risk_assessment": holders(Role.DEVELOPER, Role.PEER_REVIEWER, Role.RELEASE_MANAGER),
    "record_development": last_authors,
    "peer_review": holders(Role.PEER_REVIEWER),
    "record_test": holders(Role.TESTER),
    "plan_deployment": holders(Role.RELEASE_MANAGER),
}
"""Who may be asked to take a step; ``permissions`` decides who of them can."""


def know_roles(people: Iterable[User]) -> None:
    """Load the roles of many people with one query instead of one each."""
    people = [person for person in people if "roles" not in person.__dict__]
    names = dict(
        User.objects.filter(pk__in={person.pk for person in people})
        .annotate(names=ArrayAgg("groups__name", filter=Q(groups__isnull=False), default=[]))
        .values_list("pk", "names")
    )
    known = set(Role.values)
    for person in people:
        person.roles = frozenset(Role(name) for name in names[person.pk] if name in known)
