"""Who lets a change pass a freeze or maintenance window: somebody without a part in its plan.

An override is an approval more, so it is a second person's, like an authorisation: whoever asked
for the change, planned it, or puts it in place does not give it. Only where nobody else holds the
role that the window names may they, and that is recorded.
"""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import Role
from expansive_cm.texts import Text
from expansive_cm.workflow.decisions import Check, first

from ..models import Change, Window
from . import past
from .group import not_earlier
from .parts import holders_of

PARTS: tuple[tuple[past.Past, Text], ...] = (
    (past.ASKERS, gettext_lazy("whoever allows it must not have asked for the change.")),
    (past.PLANNERS, gettext_lazy("whoever allows it must not have planned it.")),
    (past.EXECUTORS, gettext_lazy("whoever allows it must not execute the change.")),
    (past.DEPLOYERS, gettext_lazy("whoever allows it must not deploy the change.")),
)
"""What bars somebody from letting a change pass, and the rule."""


def involved(change: Change) -> set[int | None]:
    """Return everybody who has, or had, such a part in a change."""
    return {key for earlier, _rule in PARTS for key in earlier.keys(change)}


def another_can(change: Change, window: Window, besides: Iterable[int | None] = ()) -> bool:
    """Whether somebody without a part in it holds the role. ``besides`` are to have one."""
    others = holders_of(Role(window.override_role))
    return others.exclude(pk__in=[key for key in {*involved(change), *besides} if key]).exists()


def objection(user: User, change: Change, window: Window) -> Check:
    """Object to who has a part in the change, where another could let it pass."""
    found = first(*(not_earlier(user, change, one, str(rule)) for one, rule in PARTS))
    return found if found is not None and another_can(change, window) else None
