"""The agenda beside the item, and the consent items as one batch."""

from dataclasses import dataclass
from functools import cached_property

from accounts.models import User

from .. import permissions, queries
from ..consent import consent_side
from ..consequences import consequences
from ..models import AgendaItem, AgendaVersion, Meeting
from ..permissions import Decision
from ..states import ItemState
from ..voting import Choice, Tally
from . import AgendaRow


@dataclass(frozen=True)
class Placed:
    """A line of the agenda with its number and where it can go from there."""

    row: AgendaRow
    number: int
    up: bool = False
    down: bool = False

    @property
    def is_movable(self) -> bool:
        return self.up or self.down


class AgendaCard:
    """The agenda of a meeting as one person sees it."""

    def __init__(
        self, meeting: Meeting, rows: list[AgendaRow], user: User, version: AgendaVersion | None
    ) -> None:
        self.meeting = meeting
        self.rows = rows
        self.version = version
        runs = meeting.is_led_by(user)
        self.may_publish = runs and bool(permissions.can_publish_agenda(user, meeting))
        self.may_add_late = runs and bool(permissions.can_add_late(user, meeting))
        self.may_reorder = runs and bool(permissions.can_reorder_agenda(user, meeting))

    @cached_property
    def lines(self) -> list[Placed]:
        """What is discussed, in order."""
        movable = [row.item.pk for row in self.rows if _is_movable(row.item)]
        placed = []
        for number, row in enumerate(self.rows, 1):
            if row.item.is_consent:
                continue
            moves = self.may_reorder and row.item.pk in movable
            up = moves and row.item.pk != movable[0]
            down = moves and row.item.pk != movable[-1]
            placed.append(Placed(row, number, up, down))
        return placed

    @cached_property
    def consent_lines(self) -> list[Placed]:
        """What the members agree on, listed last."""
        return [Placed(row, n) for n, row in enumerate(self.rows, 1) if row.item.is_consent]

    @property
    def has_new_order(self) -> bool:
        """Whether somebody puts the agenda in order, which becomes a version in a while."""
        step = getattr(self.meeting, "reordered_at", None)
        return bool(
            self.version and self.meeting.is_open and step and self.version.published_at < step
        )

    @property
    def open_consent(self) -> int:
        """How many consent items have still to be recorded."""
        return sum(placed.row.item.is_open for placed in self.consent_lines)

    @property
    def minutes(self) -> int:
        """The sum of the time boxes of what stands on the agenda; a ballot takes nobody's time."""
        if self.meeting.is_ballot:
            return 0
        wanted = (ItemState.OPEN, ItemState.DECIDED)
        return sum(row.item.time_box or 0 for row in self.rows if row.item.state in wanted)

    @property
    def is_too_long(self) -> bool:
        return self.minutes > self.meeting.length_minutes


def _is_movable(item: AgendaItem) -> bool:
    return item.is_open and not item.is_consent


@dataclass(frozen=True)
class BatchLine:
    """One consent item: what would be recorded, and whether it still can be.

    ``side`` is empty for those who may not know how the members voted.
    """

    item: AgendaItem
    count: Tally
    number: int
    side: Choice | None
    is_lost: bool
    promise: str
    pull: Decision


class ConsentBatch:
    """The consent items with a preview of what the chair records at once."""

    def __init__(self, card: AgendaCard, user: User) -> None:
        self.meeting = card.meeting
        self.user = user
        self.promises = consequences(card.meeting.board.today)
        self.record = permissions.can_record_consent(user, card.meeting)
        self.runs_meeting = card.meeting.is_led_by(user)
        self.lines = [
            self._line(placed) for placed in card.consent_lines if placed.row.item.is_open
        ]

    def _line(self, placed: Placed) -> BatchLine:
        item, count = placed.row.item, placed.row.count
        side = consent_side(count, self.meeting.board.consent_count)
        shown = side if side and self._shows_outcome(item, count) else None
        return BatchLine(
            item=item,
            count=count,
            number=placed.number,
            side=shown,
            is_lost=side is None,
            promise=self.promises[shown] if shown else "",
            pull=permissions.can_pull_from_consent(self.user, item),
        )

    def _shows_outcome(self, item: AgendaItem, count: Tally) -> bool:
        """Nobody can agree to what they do not know: in the meeting who decides sees it."""
        decides = self.user.pk in count.eligible
        return (self.meeting.is_running and decides) or permissions.tally_open_to(
            self.user, item, count
        )

    @property
    def ready(self) -> int:
        """How many would be recorded."""
        return sum(not line.is_lost for line in self.lines)


def shows_batch(
    items: list[AgendaItem], user: User, chosen: AgendaItem | None, wanted: int | None
) -> bool:
    """Whether a page on which no item was asked for shows the batch.

    It does when the consent items are all that is left, and this person's vote is not missing.
    """
    if wanted is not None or chosen is None or not (chosen.is_consent and chosen.is_open):
        return False
    return user.pk not in queries.tally_of(chosen).missing
