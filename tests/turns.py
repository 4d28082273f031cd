"""Whose turn it is, asked of everybody in few queries, with everybody there or somebody gone."""

from collections.abc import Iterable
from functools import cache

from django.db.models import Case, DateTimeField, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.standing import Anybody, Standing, given_of, know_standing
from changes import permissions, queries
from changes.models import Change
from changes.turns import TURNS, Turn
from expansive_cm.statements import Given, Statement
from tests.people import Cast, person
from tests.remembered import remembered
from tests.situations import EVERY_SITUATION


def turns_on(change: Change, people: Iterable[User]) -> list[tuple[User, Turn]]:
    """Return whose turn it is on the change and with what, whether they may see it or not.

    Only turns of its state are asked about: no other can have come.
    """
    asked: list[tuple[User, Turn, Q]] = []
    for user in people:
        for turn in TURNS:
            is_asked = turn.is_listed and change.state in turn.states
            wanted = turn.changes(user) if is_asked else None
            if wanted is not None:
                asked.append((user, turn, wanted))
    answers = (
        Change.objects.filter(pk=change.pk)
        .order_by()
        .values_list(
            *(Case(When(wanted, then=Value(True)), default=Value(False)) for _, _, wanted in asked)
        )
        .get()
        if asked
        else ()
    )
    return [(user, turn) for (user, turn, _), holds in zip(asked, answers, strict=True) if holds]


def deactivate(who: User) -> None:
    User.objects.filter(pk=who.pk).update(is_active=False)


def take_roles(who: User) -> None:
    who.groups.clear()


def move(who: User) -> None:
    """Let a customer's person go to another customer."""
    elsewhere = Organisation.objects.exclude(pk=who.organisation_id).earliest("pk")
    User.objects.filter(pk=who.pk).update(organisation=elsewhere)


def go_over(who: User) -> None:
    """Let one of Expansive's own people go to a customer, with the roles they had."""
    User.objects.filter(pk=who.pk).update(organisation=Organisation.objects.earliest("pk"))


@remembered
def seconds(cast: Cast) -> list[User]:
    """Somebody else for every role: one person alone cannot be replaced by anybody."""
    found = {role: person(f"Second {role.label}", role) for role in Role if role != Role.APPROVER}
    cast.care_team.members.add(found[Role.CUSTOMER_SUCCESS])
    approver = person("Second Approver", Role.APPROVER, organisation=cast.harbour)
    cast.harbour.approvers.add(approver)
    return [*found.values(), approver]


@remembered
def everywhere(cast: Cast) -> dict[str, Change]:
    """One change in every situation, and somebody else for every role."""
    seconds(cast)
    return {situation: make(cast) for situation, make in EVERY_SITUATION.items()}


def by_worklist(user: User) -> set[tuple[int, int]]:
    """Return the changes on which the database says it is a person's turn, with the turn."""
    return set(_queues(Standing.of(user)).rows(now=timezone.now(), **given_of(user)))


@cache
def _queues(standing: Standing) -> Statement:
    """One query for all turns that people of a standing can have."""

    def queues() -> "QuerySet[Change, tuple[int, int]]":
        user, now = Anybody(standing), Given("now", DateTimeField())
        wanted = enumerate(turn.changes(user, now) for turn in TURNS)
        seen = queries.visible_to(user).order_by()
        none, *found = (
            seen.filter(one).values_list("pk", Value(number))
            for number, one in [(0, Q(pk__in=[])), *wanted]
            if one is not None
        )
        return none.union(*found, all=True)

    return Statement(queues, planned_once=True, fits_all=True)


def agree(changes: Iterable[Change]) -> dict[Change, set[User]]:
    """Fail where card, worklist, permission and mail do not name the same people.

    Returns whose turn it is on each change, with something that they find on their worklist.
    """
    loaded = queries.with_story(Change.objects.filter(pk__in=[one.pk for one in changes]))
    people = list(User.objects.filter(is_active=True))
    know_standing(people)
    told: dict[tuple[int, int], set[User]] = {}
    for user in people:
        for one in by_worklist(user):
            told.setdefault(one, set()).add(user)
    found: dict[Change, set[User]] = {}
    for change in loaded:
        found[change] = set()
        for number, turn in enumerate(TURNS):
            listed = told.get((change.pk, number), set())
            if not turn.has_come(change):
                assert not listed, (change, turn.verb)
                continue
            may = {one for one in people if turn.group.objects(one, change) is None}
            assert listed == set(turn.group.members(change)) == may, (change, turn.verb)
            for user in may:
                assert permissions.check(turn.verb, user, change), (change, turn.verb, user)
            if turn.is_listed:
                found[change] |= may
    return found
