"""What a group of people around a change is, and the shape of those who hold a role.

``who`` names them for a loaded change, ``changes`` is the condition for the changes of which a
person is one, and ``objects`` says of one person and one change why they are not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from accounts.standing import Anybody
from expansive_cm.statements import ObjectStatement
from expansive_cm.workflow.decisions import Check, Refusal, first, refuse, separation

from ..models import Change
from .parts import Kind, Part, holders_of, name_of_roles
from .past import Past
from .who import Who


@dataclass(frozen=True)
class Group:
    """Some people, depending on the change.

    ``changes`` returns None for a person who can never be one of them, so that nothing is asked.
    ``belongs`` objects by who a person is, ``apart`` by what they did before.
    """

    who: Callable[[Change], Who]
    changes: Callable[[User | Anybody], Q | None]
    belongs: Callable[[User, Change], Check]
    apart: Callable[[User, Change], Check] = lambda user, change: None
    part: Part | None = None
    """What the administration gives that makes somebody one of them; None where a change does."""
    falls_to_part: Callable[[], Q] = Q
    """Which changes wait for those who hold the part, where others come before them."""
    one: Callable[[Change], User | None] | None = None
    """Who of many takes it, as long as they can; None where it is all of them."""
    behind: Callable[[Change], list[User]] | None = None
    """Who is told where mail does not reach the one who takes it."""
    bars: tuple[Past, ...] = ()
    """What those who hold the part must not have done before."""

    def objects(self, user: User, change: Change) -> Check:
        """Return why the person is not one of them, None when they are."""
        return first(self.belongs(user, change), self.apart(user, change))

    def members(self, change: Change) -> list[User]:
        """Return the persons; costs a query at most."""
        return self.who(change).members()

    def told(self, change: Change) -> list[User]:
        """Return who is told by mail: the one who takes it, unless mail does not reach them.

        Costs a query or two.
        """
        if self.one and self.behind:
            one = self.one(change)
            if one and one.mail_failed_at:
                return self.behind(change)
        return self.members(change)

    def without(self, earlier: Past, rule: Callable[[], str]) -> "Group":
        """Leave out who did something before; ``rule`` is the duty that must be separate."""

        def who(change: Change) -> Who:
            found = self.who(change)
            return replace(found, except_for=found.except_for | earlier.keys(change))

        def changes(user: User | Anybody) -> Q | None:
            found = self.changes(user)
            return None if found is None else found & ~earlier.changes(user)

        def apart(user: User, change: Change) -> Check:
            return first(self.apart(user, change), not_earlier(user, change, earlier, rule()))

        return replace(self, who=who, changes=changes, apart=apart, bars=(*self.bars, earlier))


def not_earlier(user: User, change: Change, earlier: Past, rule: str) -> Check:
    """Object when the person did what must be separate from this."""
    act = earlier.act(user, change)
    return separation(rule, act) if act else None


def holds_role(user: User, *roles: Role) -> Check:
    """Object when the person holds none of these roles."""
    if user.has_role(*roles):
        return None
    return refuse(
        Refusal.PERSON, _("This is for people with the role: %s.") % name_of_roles(*roles)
    )


@cache
def _holding(*roles: Role) -> ObjectStatement[User]:
    return ObjectStatement(lambda: holders_of(*roles))


def with_role(*roles: Role) -> Group:
    """Everybody with one of these roles."""
    return Group(
        lambda change: Who(name_of_roles(*roles), candidates=_holding(*roles).objects),
        lambda user: Q() if user.has_role(*roles) else None,
        lambda user, change: holds_role(user, *roles),
        part=Part(Kind.ROLE, roles),
    )
