"""Plain values that the page components are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..texts import Text


class StageStatus(StrEnum):
    """How far a stage of a process has come."""

    DONE = "done"
    CURRENT = "current"
    AHEAD = "ahead"
    SKIPPED = "skipped"
    STOPPED = "stopped"


STAGE_WORDS: dict[StageStatus, Text] = {
    StageStatus.DONE: _("done"),
    StageStatus.CURRENT: _("now"),
    StageStatus.AHEAD: _("to come"),
    StageStatus.SKIPPED: _("not needed"),
    StageStatus.STOPPED: _("ended here"),
}


@dataclass(frozen=True)
class Stage:
    """One stage of a stage bar."""

    label: Text
    status: StageStatus
    note: Text = ""
    url: str = ""

    @property
    def words(self) -> Text:
        """The status in words, for those who cannot see the mark."""
        return STAGE_WORDS[self.status]

    @property
    def icon(self) -> str:
        """The icon of the mark; a stage to come shows its number instead."""
        return {
            StageStatus.DONE: "check",
            StageStatus.CURRENT: "player-play",
            StageStatus.SKIPPED: "minus",
            StageStatus.STOPPED: "x",
        }.get(self.status, "")


@dataclass(frozen=True)
class TimelineItem:
    """One thing that happened: who, what, when and why."""

    when: datetime
    text: Text
    person: Any = None
    reason: Text = ""
    icon: str = "point"
    tone: str = "grey"
    url: str = ""


@dataclass(frozen=True)
class Tab:
    """One tab of a row of tabs that are pages of their own."""

    label: Text
    url: str
    icon: str = ""
    count: int | str | None = None
    active: bool = False


@dataclass(frozen=True)
class Series:
    """One line, or one set of bars, of a chart.

    ``links`` lead from its table to the lists behind it; without ``is_drawn`` it stands in the
    table only.
    """

    label: Text
    values: Sequence[float | int | None]
    tone: str = "blue"
    links: Sequence[str] = ()
    is_drawn: bool = True
