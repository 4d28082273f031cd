"""What a new installation still needs before a change can go its way, for its administrators."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

from .models import Organisation, SuccessTeam, User
from .roles import Role


@dataclass(frozen=True)
class Point:
    """One thing to set up; it is done when ``found`` finds something. ``url_name`` adds it."""

    label: Text
    hint: Text
    icon: str
    url_name: str
    found: Callable[[], QuerySet]


@dataclass(frozen=True)
class Told:
    """A point with whether it is done, and where it is dealt with."""

    point: Point
    done: bool

    @property
    def url(self) -> str:
        """The page that adds what is missing."""
        return reverse(self.point.url_name)


def _holders(*roles: Role) -> QuerySet[User]:
    return User.objects.filter(is_active=True, groups__name__in=roles)


POINTS: list[Point] = [
    Point(
        _("Your own people"),
        _("Customer success and support staff; each gets a mail to choose a password."),
        "user-check",
        "admin:accounts_user_add",
        lambda: _holders(Role.CUSTOMER_SUCCESS).filter(Exists(_holders(Role.SUPPORT))),
    ),
    Point(
        _("A customer success team"),
        _("It assesses and reviews what its customers ask for."),
        "users-group",
        "admin:accounts_successteam_add",
        lambda: SuccessTeam.objects.filter(members__is_active=True),
    ),
    Point(
        _("A customer with its people"),
        _("Those who ask for changes, and who authorises them."),
        "building",
        "admin:accounts_organisation_add",
        lambda: Organisation.objects.filter(
            Q(people__is_active=True), approvers__is_active=True, is_active=True
        ),
    ),
]
"""In the order in which one needs the other; each app enters its own when it starts."""

IN_USE: list[Callable[[], QuerySet]] = []
"""What shows, by finding anything, that an installation is new no more; entered by apps."""


def missing(user: User) -> list[Told]:
    """Return all points while one is not done, for administrators of a new installation.

    One query. Where there has been a change, what is missing is said of the changes that wait.
    """
    if not user.has_role(Role.ADMINISTRATOR):
        return []
    kept = {f"point_{number}": Exists(point.found()) for number, point in enumerate(POINTS)}
    used = {f"use_{number}": Exists(found()) for number, found in enumerate(IN_USE)}
    found: Any = User.objects.filter(pk=user.pk).values(**kept, **used).get()
    if any(found[name] for name in used):
        return []
    told = [Told(point, found[f"point_{number}"]) for number, point in enumerate(POINTS)]
    return [] if all(one.done for one in told) else told
