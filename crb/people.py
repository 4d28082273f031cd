"""Expansive's own people, as a page offers them for one thing or another."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import STAFF_ROLES, Role
from changes.models import Change
from expansive_cm.statements import ObjectStatement

from .models import Meeting

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Asked(TypedDict):
        is_asked: bool

    Person = WithAnnotations[User, _Asked]

ASKED_ROLES = STAFF_ROLES | {Role.APPROVER}
"""Whoever holds one of these can be asked a question or given an action."""


def _everybody() -> "QuerySet[Person]":
    groups = User.groups.through.objects.filter(user=OuterRef("pk"))
    asked = Exists(groups.filter(group__name__in=ASKED_ROLES))
    own = User.objects.filter(Exists(groups), is_active=True, organisation=None)
    return own.annotate(is_asked=asked).order_by("display_name", "pk")


EVERYBODY = ObjectStatement(_everybody)


class OwnPeople:
    """Expansive's own people, read once for all forms of a page, and only if one needs them."""

    @cached_property
    def everybody(self) -> "list[Person]":
        """Active people who belong to any group, by name. One query."""
        return EVERYBODY.objects()

    @property
    def presenters(self) -> "list[Person]":
        """Who can present an item."""
        return self.everybody

    @property
    def with_role(self) -> "list[Person]":
        return [one for one in self.everybody if one.is_asked]

    def answerers(self, change: Change) -> list[User]:
        """Who can be asked: the requester first, the owner, then the others."""
        asked = (change.requester, change.owner)
        first = [person for person in asked if person is not None and person.is_active]
        named = {person.pk for person in first}
        return [*first, *(one for one in self.with_role if one.pk not in named)]

    def owners(self, meeting: Meeting) -> list[tuple[Any, Sequence[User]]]:
        """Who can be given an action: those at the table first, then the others."""
        seated = {seat.user_id for seat in meeting.members}
        groups = [
            (_("The board"), [one for one in self.with_role if one.pk in seated]),
            (_("Others"), [one for one in self.with_role if one.pk not in seated]),
        ]
        return [(label, group) for label, group in groups if group]
