"""The states of a meeting and of an item on its agenda, with the legal moves between them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MeetingKind(models.TextChoices):
    """How a meeting came about."""

    REGULAR = "regular", _("Regular meeting")
    EXTRAORDINARY = "extraordinary", _("Extraordinary meeting")
    BALLOT = "ballot", _("Ballot without a meeting")


class MeetingState(models.TextChoices):
    """Where a meeting is in its life."""

    SCHEDULED = "scheduled", _("Scheduled")
    RUNNING = "running", _("Running")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


class ItemState(models.TextChoices):
    """What has become of a change on an agenda."""

    OPEN = "open", _("Open")
    DECIDED = "decided", _("Decided")
    DEFERRED = "deferred", _("Deferred")
    DROPPED = "dropped", _("Taken off the agenda")


# A slip is undone: an outcome that is taken back opens its item again, and a ballot that it closed.
MEETING_MOVES: dict[MeetingState, tuple[MeetingState, ...]] = {
    MeetingState.SCHEDULED: (MeetingState.RUNNING, MeetingState.CANCELLED),
    MeetingState.RUNNING: (MeetingState.CLOSED,),
    MeetingState.CLOSED: (MeetingState.RUNNING,),
    MeetingState.CANCELLED: (),
}
ITEM_MOVES: dict[ItemState, tuple[ItemState, ...]] = {
    ItemState.OPEN: (ItemState.DECIDED, ItemState.DEFERRED, ItemState.DROPPED),
    ItemState.DECIDED: (ItemState.OPEN,),
    ItemState.DEFERRED: (),
    ItemState.DROPPED: (),
}
NOT_CLOSED = (MeetingState.SCHEDULED, MeetingState.RUNNING)
"""The states of a meeting in which members may vote and its agenda may grow."""


class Mark(models.TextChoices):
    """What the chair notes of somebody's attendance, in the order in which it is offered."""

    PRESENT = "present", _("Present")
    LATE = "late", _("Late")
    TELEPHONE = "telephone", _("By telephone")
    LEFT = "left", _("Left")
    EXCUSED = "excused", _("Excused")


HERE = (Mark.PRESENT, Mark.LATE, Mark.TELEPHONE)
"""The marks of whoever is there now."""
AWAY = (Mark.LEFT, Mark.EXCUSED)
"""The marks of whoever is not, and so does not vote."""
WAS_THERE = (*HERE, Mark.LEFT)
"""The marks of whoever took part, be it for a while."""
