"""Parts that nobody can take while changes wait for them, or a freeze names them for its override.

Shown to administrators, who give them.

Nobody holds them, or only people whom separation of duties bars from the change that waits. One
function over the table of turns finds them; the page of a person asks the same of a person who is
about to leave. Counting stops where it stops on worklists.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.contrib.auth.models import Group as RoleRow
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.leaving import Left, Unfinished
from accounts.models import Organisation, SuccessTeam, User
from accounts.roles import Role
from expansive_cm.statements import Given, Statement

from .approval_gaps import gaps
from .models import ApprovalRule, Change, ToldPart, Window
from .notices import Notice
from .turns import TURNS, Turn
from .turns.parts import (
    APPROVING,
    LOOKING_AFTER,
    Kind,
    Part,
    approvers,
    holders_for_a_change,
    holders_of,
    name_of_approvers,
    name_of_roles,
    name_of_team,
)
from .worklist import COUNTED, how_many

NAMED = 5
"""Of so many customers and teams each it is said; of the others when these have somebody."""
ROLE_PARTS = tuple(
    dict.fromkeys(
        turn.group.part
        for turn in TURNS
        if turn.group.part is not None and turn.group.part.kind is Kind.ROLE
    )
)
GUARDED = tuple(turn for turn in TURNS if turn.is_listed and turn.group.part and turn.group.bars)
"""Turns from which separation of duties may bar whoever holds the part."""


@dataclass(frozen=True)
class Unheld:
    """A part that nobody can take, which changes wait for it, and where it is given."""

    key: str
    """What it is known by, whatever it is called."""
    name: str
    waiting: list[int]
    url: str
    is_barred: bool = False
    """Whether people hold it, and all of them are barred from these changes."""
    overrides: tuple[Window, ...] = ()
    """The freezes and maintenance windows that nobody can override, where it is that: some."""
    said: str = ""
    """The whole sentence, where it is an approval rule that too few can satisfy."""

    @property
    def sentence(self) -> str:
        """Say that nobody can take it, and how many changes wait."""
        return _sentence(self)


def unheld(asker: User, named: int | None = NAMED) -> list[Unheld]:
    """Return the parts that nobody active holds, or may take, while changes wait for them.

    Also the roles that a freeze or maintenance window names for its override, whether a change
    waits for that or not, and approval rules that too few can satisfy. One query where everybody
    is there; at most six more, whatever waits, and one for each such role. Of customers and of
    teams as many as are ``named``.
    """
    nobody_approves, nobody_in_team = _without_approvers(), _without_members()
    [row] = _asked_of_all(COUNTED).rows(asker=asker.pk, now=timezone.now())
    held, wanted, lacks_approvers, lacks_members, has_rules, *barred = row
    people = reverse("admin:accounts_user_changelist")
    found = [
        Unheld(_key(*part.roles), name_of_roles(*part.roles), waiting, people)
        for part, waiting in _wait_for_roles(asker, held, ROLE_PARTS)
    ]
    found += _of_customers(nobody_approves, named) if lacks_approvers else []
    found += _of_teams(nobody_in_team, named) if lacks_members else []
    found += _of_those_barred(barred) + _of_overrides({*wanted} - {*held})
    return found + (_of_rules() if has_rules else [])


def roles_of_nobody() -> set[str]:
    """Return the roles that nobody active of Expansive's own holds. One query."""
    return {*Role} - {*_roles_held_by(holders_of(*Role))}


def untold() -> list[list[Unheld]]:
    """Return the parts of which administrators are to be mailed: all of them in one mail.

    None where nobody is an administrator.
    """
    known = set(ToldPart.objects.values_list("key", flat=True))
    new = [one for one in _all_of_them() if one.key not in known]
    return [new] if new else []


def settled() -> list[ToldPart]:
    """Return what the administrators were mailed of and is so no more."""
    told = list(ToldPart.objects.all())
    still = {one.key for one in _all_of_them()} if told else set()
    return [one for one in told if one.key not in still]


def _all_of_them() -> list[Unheld]:
    asker = User.objects.administrators().first()
    return unheld(asker, named=None) if asker else []


def said_of(place: Organisation | SuccessTeam) -> list[str]:
    """Say of a customer or a team that was saved what nobody can do for it while changes wait."""
    team, theirs = place.pk, Q(organisation__success_team=place.pk)
    found = []
    if isinstance(place, Organisation):
        team, theirs = place.success_team_id, Q(organisation=place.pk)
        found = _of_customers(_without_approvers().filter(pk=place.pk))
    found += _of_teams(_without_members().filter(pk=team))
    given_there = [turn.group.part in (APPROVING, LOOKING_AFTER) for turn in GUARDED]
    barred = [
        list(_barred(turn).filter(theirs).values_list("pk", flat=True)[:COUNTED]) if given else []
        for turn, given in zip(GUARDED, given_there, strict=True)
    ]
    return [_sentence(one) for one in [*found, *_of_those_barred(barred)]]


def given_at(change: Change, verb: str) -> str:
    """Return the page on which the part is given that a step waits for, "" if it is no part."""
    turn = next((one for one in TURNS if one.verb == verb and change.state in one.states), None)
    return _given_where(turn, change)[2] if turn and turn.group.part else ""


def notices(user: User) -> list[Notice]:
    """Tell an administrator which parts nobody holds; costs the others nothing."""
    if not user.has_role(Role.ADMINISTRATOR):
        return []
    found = unheld(user)
    lists = _lists_of([one.waiting for one in found])
    return [
        Notice(
            _sentence(one),
            one.url,
            _("Give it to somebody"),
            more=_("What asks for it") if one.overrides else _("Which changes wait"),
            more_url=one.overrides[0].get_absolute_url() if one.overrides else url,
        )
        for one, url in zip(found, lists, strict=True)
    ]


def left_by(person: User) -> list[Left]:
    """Return the roles that nobody else holds while changes wait for them, or a freeze names them.

    Four queries at most, and one for each such role. Customers' approvers and teams have places of
    their own (`accounts.leaving`).
    """
    if not person.is_active or not person.is_internal:
        return []
    if not person.roles:
        return []
    theirs = [part for part in ROLE_PARTS if person.has_role(*part.roles)]
    held = set(_roles_held_by(holders_of(*Role).exclude(pk=person.pk)))
    found = _wait_for_roles(person, held, theirs)
    lists = _lists_of([waiting for _part, waiting in found])
    return [
        _left(person, part, waiting, url) for (part, waiting), url in zip(found, lists, strict=True)
    ] + [_left_override(person, one) for one in _of_overrides({*person.roles} - held)]


def _left_override(person: User, one: Unheld) -> Left:
    windows = [window.pk for window in one.overrides]

    def says(number: int) -> str:
        words = _("is the only %(part)s, who can let a change pass %(windows)s")
        return words % {"part": _within(one.name), "windows": _names(one.overrides)}

    what = Unfinished(
        rows=lambda person: Window.objects.filter(pk__in=windows),
        says=says,
        url=lambda person: one.overrides[0].get_absolute_url(),
        goes_on=gettext_lazy("Nobody can until an administrator gives this role to somebody."),
    )
    return Left(what, len(windows), person)


def _names(windows: Iterable[Window]) -> str:
    """Name freezes and maintenance windows within a sentence that is filled in once more."""
    return ", ".join(f"“{window}”" for window in windows).replace("%", "%%")


def _left(person: User, part: Part, waiting: list[int], url: str) -> Left:
    labels = [_within(str(role.label)) for role in part.roles]

    def says(number: int) -> str:
        words = ngettext(
            "is the only %(part)s: %(number)s change waits",
            "is the only %(part)s: %(number)s changes wait",
            number,
        )
        return words % {"part": _(" or ").join(labels), "number": how_many(number)}

    what = Unfinished(
        rows=lambda person: Change.objects.filter(pk__in=waiting),
        says=says,
        url=lambda person: url,
        goes_on=gettext_lazy("Nobody goes on until an administrator gives this part to somebody."),
    )
    return Left(what, len(waiting), person)


def _within(label: str) -> str:
    """A label within a sentence; one that begins with an abbreviation stays as it is."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _of_rules() -> list[Unheld]:
    return [
        Unheld(
            _key("rule", one.rule.pk),
            one.rule.name,
            one.waiting,
            one.rule.get_absolute_url(),
            said=one.sentence,
        )
        for one in gaps(COUNTED)
    ]


def _sentence(one: Unheld) -> str:
    if one.said:
        return one.said
    if one.overrides:
        words = _("Nobody holds the part “%(part)s”, so nobody can let a change pass %(windows)s.")
        names = ", ".join(f"“{window}”" for window in one.overrides)
        return words % {"part": one.name, "windows": names}
    number = len(one.waiting)
    words = ngettext(
        "Nobody holds the part “%(part)s”: %(number)s change waits for it.",
        "Nobody holds the part “%(part)s”: %(number)s changes wait for it.",
        number,
    )
    if one.is_barred:
        words = ngettext(
            "Separation of duties bars everybody who holds the part “%(part)s”: "
            "%(number)s change waits for somebody else.",
            "Separation of duties bars everybody who holds the part “%(part)s”: "
            "%(number)s changes wait for somebody else.",
            number,
        )
    return words % {"part": one.name, "number": how_many(number)}


def _lists_of(each: list[list[int]]) -> Iterator[str]:
    """For each lot of changes the list of their states and customers; one query for all."""
    wanted = {key for keys in each for key in keys}
    rows = Change.objects.filter(pk__in=wanted) if wanted else Change.objects.none()
    known = {
        pk: (state, customer)
        for pk, state, customer in rows.values_list("pk", "state", "organisation")
    }
    for keys in each:
        states = sorted({known[key][0] for key in keys if key in known})
        told = {known[key][1] for key in keys if key in known}
        customers = sorted(one for one in told if one)
        asked: list[tuple[str, Any]] = [("view", "open"), *(("state", one) for one in states)]
        if len(customers) <= NAMED:  # of more, their number would make the address too long
            asked += [("organisation", one) for one in customers]
        yield reverse("changes:list") + "?" + urlencode([*asked, ("sort", "since")])


# Who holds what -------------------------------------------------------------------------------


def _roles_held_by(people: QuerySet[User]) -> QuerySet:
    return RoleRow.objects.filter(
        Exists(people.order_by().filter(groups=OuterRef("pk")))
    ).values_list("name", flat=True)


def _without_approvers() -> QuerySet[Organisation]:
    named = approvers().filter(approves_for=OuterRef("pk"))
    return Organisation.objects.filter(~Exists(named))


def _without_members() -> QuerySet[SuccessTeam]:
    members = holders_of(Role.CUSTOMER_SUCCESS).filter(success_teams=OuterRef("pk"))
    return SuccessTeam.objects.filter(~Exists(members))


def _asking_for_override() -> QuerySet[Window]:
    """Freezes and maintenance windows that ask for an override, until they are over."""
    return Window.objects.filter(cancelled_at=None, effect=Window.Effect.OVERRIDE)


def _of_overrides(roles: Collection[str]) -> list[Unheld]:
    """Name roles that nobody holds, with the first windows that ask for them. One query a role."""
    people = reverse("admin:accounts_user_changelist")
    found = []
    for role in [Role(one) for one in Role if one in roles]:
        asking = _asking_for_override().filter(override_role=role, ends_at__gt=timezone.now())
        first = tuple(asking.order_by("ends_at", "pk")[:NAMED])
        if first:
            key = _key("override", role)
            found.append(Unheld(key, name_of_roles(role), [], people, overrides=first))
    return found


# What waits -----------------------------------------------------------------------------------


def _waiting_for(part: Part) -> QuerySet[Change]:
    """Changes on which it is the turn of whoever holds this part."""
    turns = [turn for turn in TURNS if turn.is_listed and turn.group.part == part]
    each = [
        Q(state__in=turn.states) & turn.when.changes() & turn.group.falls_to_part()
        for turn in turns
    ]
    # The states of all of them are said besides, so that their index is used.
    states = sorted({state for turn in turns for state in turn.states})
    return Change.objects.filter(reduce(or_, each), state__in=states).order_by()


def _barred(turn: Turn) -> QuerySet[Change]:
    """Changes that wait for a part from which everybody who holds it is barred."""
    group = turn.group
    assert group.part is not None
    holders = holders_for_a_change(group.part).order_by()
    free = holders.filter(*(~bar.people() for bar in group.bars))
    waiting = turn.when.changes() & group.falls_to_part()
    found = Change.objects.filter(waiting, Exists(holders), ~Exists(free), state__in=turn.states)
    return found.order_by()


def _of_those_barred(found: Sequence[list[int]]) -> list[Unheld]:
    """Name the parts of these changes, found for each of the guarded turns. One query at most."""
    wanted = {key for keys in found for key in keys}
    if not wanted:
        return []
    changes = Change.objects.select_related("organisation__success_team").in_bulk(wanted)
    waiting: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for turn, keys in zip(GUARDED, found, strict=True):
        for key in keys:
            if key in changes:
                waiting[_given_where(turn, changes[key])].append(key)
    return [
        Unheld(_key("barred", key), name, keys, url, is_barred=True)
        for (key, name, url), keys in waiting.items()
    ]


def _given_where(turn: Turn, change: Change) -> tuple[str, str, str]:
    """What a part is known by and called for a change, and the page where it is given."""
    part, customer = turn.group.part, change.organisation
    assert part is not None
    if customer is not None and part.kind is Kind.APPROVERS:
        key, page = _key(part.kind, customer.pk), _page_of("organisation", customer.pk)
        return key, name_of_approvers(customer), page
    if customer is not None and part.kind is Kind.TEAM:
        team = customer.success_team
        return _key(part.kind, team.pk), name_of_team(team), _page_of("successteam", team.pk)
    return _key(*part.roles), name_of_roles(*part.roles), reverse("admin:accounts_user_changelist")


def _key(*parts: object) -> str:
    return " ".join(str(part) for part in parts)


def _page_of(model: str, key: int) -> str:
    return reverse(f"admin:accounts_{model}_change", args=[key])


def _wait_for_roles(
    asker: User, held: Iterable[str], parts: Iterable[Part]
) -> list[tuple[Part, list[int]]]:
    lacking = [part for part in parts if not {*part.roles} & {*held}]
    if not lacking:
        return []
    keys = _asked_beside(
        asker, *(ArraySubquery(_waiting_for(part).values("pk")[:COUNTED]) for part in lacking)
    )
    return [(part, found) for part, found in zip(lacking, keys, strict=True) if found]


def _waited_for(nobody: QuerySet[Any], part: Part, path: str, named: int | None) -> QuerySet[Any]:
    waiting = _waiting_for(part)
    theirs = waiting.filter(**{path: OuterRef("pk")}).values("pk")[:COUNTED]
    wanted = nobody.filter(pk__in=waiting.values(path)).annotate(waiting=ArraySubquery(theirs))
    return wanted.order_by("name", "pk")[:named]


def _of_customers(nobody: QuerySet[Organisation], named: int | None = NAMED) -> list[Unheld]:
    return [
        Unheld(
            _key(APPROVING.kind, one.pk),
            name_of_approvers(one),
            one.waiting,
            _page_of("organisation", one.pk),
        )
        for one in _waited_for(nobody, APPROVING, "organisation", named)
    ]


def _of_teams(nobody: QuerySet[SuccessTeam], named: int | None = NAMED) -> list[Unheld]:
    return [
        Unheld(
            _key(LOOKING_AFTER.kind, one.pk),
            name_of_team(one),
            one.waiting,
            _page_of("successteam", one.pk),
        )
        for one in _waited_for(nobody, LOOKING_AFTER, "organisation__success_team", named)
    ]


@lru_cache
def _asked_of_all(most: int) -> Statement:
    """Which roles are held, whether any customer or team lacks somebody, and who is barred.

    It takes longer to write than to run.
    """
    columns = (
        ArraySubquery(_roles_held_by(holders_of(*Role))),
        ArraySubquery(
            _asking_for_override()
            .filter(ends_at__gt=Given("now", DateTimeField()))
            .order_by()
            .values("override_role")
            .distinct()
        ),
        Exists(_without_approvers()),
        Exists(_without_members()),
        Exists(ApprovalRule.objects.filter(ended_at=None)),
        *(ArraySubquery(_barred(turn).values("pk")[:most]) for turn in GUARDED),
    )
    one = User.objects.filter(pk=Given("asker")).order_by()
    return Statement(lambda: one.values_list(*columns), planned_once=True)


def _asked_beside(asker: User, *values: Any) -> Any:
    """Return several values at once, as columns of the one row of whoever asks."""
    return User.objects.filter(pk=asker.pk).order_by().values_list(*values).get()
