"""Those who must act on a change: a group with a name, or persons; and why there are none."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from accounts.models import User
from expansive_cm.texts import Text


@dataclass(frozen=True)
class Lacking:
    """Why it is nobody's turn, and whether an administrator has to help."""

    text: Text
    is_stuck: bool = True


NOBODY_HOLDS_IT = Lacking(
    gettext_lazy("Nobody holds this part at present: an administrator can name somebody.")
)
ALL_BARRED = Lacking(
    gettext_lazy(
        "Separation of duties bars everybody who holds this part: "
        "an administrator can name somebody else."
    )
)


@dataclass(frozen=True)
class Who:
    """Those who must act, as a group with a name, or as persons."""

    name: Text = ""
    people: tuple[User, ...] = ()
    candidates: Callable[[], list[User]] | None = None
    """Reads the group, in one query."""
    except_for: frozenset[int | None] = frozenset()

    def members(self) -> list[User]:
        """Return the persons; costs a query for a group."""
        return [person for person in self.asked_for() if person.pk not in self.except_for]

    def asked_for(self) -> list[User]:
        """Return everybody in the group before anybody is left out."""
        if self.candidates is None:
            return [person for person in self.people if person is not None and person.is_active]
        return self.candidates()

    def lacking(self) -> Lacking:
        """Say why there are no members; costs a query for a group."""
        return ALL_BARRED if self.asked_for() else NOBODY_HOLDS_IT
