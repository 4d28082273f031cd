"""What becomes of every place that names a person once they have left, said once for all of them.

Each app enters its places when it starts; `tests/crb/test_leaving.py` walks the models and
names the field that was forgotten. What is unfinished is shown to the administrator who deactivates
somebody, and handed over in the same act.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from expansive_cm.texts import Text

from .models import Organisation, SuccessTeam, User
from .roles import STAFF_ROLES, Role

Sentence = Callable[[int], str]


class Then(StrEnum):
    """What becomes of a place once its person has left."""

    STAYS = "stays"
    """It records what they did: their name stays."""
    ENDS = "ends"
    """What it gave them (a right, a link, mail) is theirs no more, by being asked each time."""
    WAITS = "waits"
    """What they were to do is done by others: ``unfinished`` says what, and who goes on."""


@dataclass(frozen=True)
class Unfinished:
    """What somebody has not finished: which rows, in what words of how many, and where to look.

    ``pass_on`` gives all of it to a successor (person, successor, actor, reason) in the caller's
    transaction, where ``can_pass`` says that it can be given; else ``goes_on`` says who goes on.
    Where it is so much that the worker does it, it returns the address that shows how far it is.
    """

    rows: Callable[[User], QuerySet]
    says: Sentence
    url: Callable[[User], str]
    goes_on: Text
    pass_on: Callable[[User, User, User, str], str | None] | None = None
    can_pass: Callable[[User], bool] = lambda person: True


@dataclass(frozen=True)
class Place:
    """One field that names a person, as ``app.Model.field``, and what becomes of it."""

    field: str
    then: Then
    unfinished: Unfinished | None = None


@dataclass(frozen=True)
class Left:
    """Something that one person has not finished."""

    what: Unfinished
    number: int
    person: User
    progress: str = ""
    """Where it is seen how far the worker is in handing it over; empty where that is done."""

    @property
    def is_passed_on(self) -> bool:
        """Whether a successor takes it over."""
        return self.what.pass_on is not None and self.what.can_pass(self.person)

    @property
    def text(self) -> str:
        """What it is, in words."""
        return self.what.says(self.number) % {"number": self.number}

    @property
    def url(self) -> str:
        """Where it can be looked at."""
        return self.what.url(self.person)


_places: list[Place] = []
_others: list[Callable[[User], list[Left]]] = []
_said_of: list[Callable[[Organisation | SuccessTeam], list[str]]] = []


def enter(*places: Place) -> None:
    """Let an app say what becomes of the fields of its models that name a person."""
    _places.extend(places)


def also(find: Callable[[User], list[Left]]) -> None:
    """Let an app add what somebody leaves behind that stands in no field, as their roles."""
    _others.append(find)


def also_said(find: Callable[[Organisation | SuccessTeam], list[str]]) -> None:
    """Let an app say what nobody does any more for a customer or a team that was saved."""
    _said_of.append(find)


def said_of(place: Organisation | SuccessTeam) -> list[str]:
    """Return what nobody does any more for a customer or a team, in sentences."""
    return [sentence for find in _said_of for sentence in find(place)]


def stays(model: str, fields: str) -> list[Place]:
    """Return the places of one model that only record what somebody did."""
    return [Place(f"{model}.{field}", Then.STAYS) for field in fields.split()]


def places() -> dict[str, Place]:
    """Return every place by its field."""
    return {place.field: place for place in _places}


def left_by(person: User) -> list[Left]:
    """Return what this person would leave unfinished; a fixed number of queries."""
    found = [one for find in _others for one in find(person)]
    for what in (place.unfinished for place in _places if place.unfinished is not None):
        number = what.rows(person).count()
        if number:
            found.append(Left(what, number, person))
    return found


def pass_on(person: User, *, successor: User, actor: User, reason: str) -> list[Left]:
    """Give all that can be given of somebody's unfinished work to a successor; return what it was.

    The last app comes first, as in every step: boards are locked before changes. Raises the
    StepErrors of the steps that do so. Effects: theirs, in the caller's transaction, or later by
    the worker where one of what is returned has ``progress``.
    """
    given = []
    for one in reversed([one for one in left_by(person) if one.is_passed_on]):
        assert one.what.pass_on is not None
        progress = one.what.pass_on(person, successor, actor, reason) or ""
        given.append(replace(one, progress=progress))
    return given[::-1]


def takers(person: User) -> QuerySet[User]:
    """Return who can take over: colleagues who are there, with a role among our own people."""
    there = User.objects.filter(is_active=True, organisation=person.organisation_id)
    if person.is_internal:
        there = there.filter(groups__name__in=STAFF_ROLES).distinct()
    return there.exclude(pk=person.pk).order_by("display_name", "pk")


def _without_another_approver(person: User) -> QuerySet[Organisation]:
    others = User.objects.filter(is_active=True, groups__name=Role.APPROVER).exclude(pk=person.pk)
    theirs = Organisation.objects.filter(is_active=True, approvers=person)
    return theirs.exclude(approvers__in=others)


def _without_another_member(person: User) -> QuerySet[SuccessTeam]:
    others = User.objects.filter(
        is_active=True, organisation=None, groups__name=Role.CUSTOMER_SUCCESS
    )
    return SuccessTeam.objects.filter(members=person).exclude(
        members__in=others.exclude(pk=person.pk)
    )


enter(
    Place(
        "accounts.SuccessTeam.members",
        Then.WAITS,
        Unfinished(
            rows=_without_another_member,
            says=lambda number: ngettext(
                "%(number)d customer success team has no other member",
                "%(number)d customer success teams have no other member",
                number,
            ),
            url=lambda person: reverse("admin:accounts_successteam_changelist"),
            goes_on=_("Nobody assesses and reviews for its customers until somebody joins it."),
        ),
    ),
    Place(
        "accounts.Organisation.approvers",
        Then.WAITS,
        Unfinished(
            rows=_without_another_approver,
            says=lambda number: ngettext(
                "%(number)d customer has no other authorised approver",
                "%(number)d customers have no other authorised approver",
                number,
            ),
            url=lambda person: reverse("admin:accounts_organisation_changelist"),
            goes_on=_("Nobody authorises for it until somebody is named."),
        ),
    ),
    Place("account.EmailAddress.user", Then.ENDS),
    Place("admin.LogEntry.user", Then.STAYS),
)
