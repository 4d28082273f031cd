"""The menus above a list: a field of its filters each, with days where it has some."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.forms.boundfield import BoundField

from expansive_cm.ui.forms import choices_of

MENU_DRAWN = 12
GROWING = frozenset({"organisation", "requester", "service", "owner", "label"})
"""A menu that grows with use is no part of the page once it has more than that to choose from: it
is asked for when somebody opens it. The others, the states among them, are always there."""
UNREAD = frozenset({"label"})
"""Menus that are not even read before that, unless something in them is chosen."""


@dataclass(frozen=True)
class Menu:
    """A field that is drawn as a menu."""

    field: BoundField | None
    title: Any = ""
    days: Sequence[BoundField] = ()
    """The fields for the first and the last day, where it has them."""

    @property
    def label(self) -> Any:
        """What it is called."""
        return self.title or (self.field.label if self.field else "")

    @property
    def wrong_id(self) -> str:
        """Where the page says what is wrong with a day."""
        return f"{self.days[0].name.partition('_')[0]}-wrong"

    @property
    def is_wrong(self) -> bool:
        """Whether a day in it is none, which must be seen."""
        return any(day.errors for day in self.days)

    @property
    def is_long(self) -> bool:
        """Whether the list's page leaves out what is not chosen, until the menu is opened."""
        if self.field is None or self.field.name not in GROWING:
            return False
        if self.field.name in UNREAD and not self.field.value():
            return True
        return len(choices_of(self.field.form, self.field.name)) > MENU_DRAWN
