"""What happened on a board: one append-only row per step."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from changes.models import Change

from ..process import past_words
from ..states import ItemState, MeetingState
from .agenda import AgendaItem
from .base import APPEND_ONLY
from .board import Board
from .meeting import Meeting

STATES = {state.value: state.label for kind in (MeetingState, ItemState) for state in kind}


class BoardEvent(models.Model):
    """One act of one person (or, without an actor, of the product) on a board.

    As ``changes.Event`` is for a change; the row keeps the actor's name and address as they were.
    Of a vote it says that it was cast, never for what nor why: that stands with the vote alone.
    A calendar address is a person's own, of no board.
    """

    board = models.ForeignKey(
        Board, on_delete=models.PROTECT, related_name="events", null=True, db_index=False
    )
    meeting = models.ForeignKey(
        Meeting, on_delete=models.PROTECT, related_name="events", null=True, db_index=False
    )
    item = models.ForeignKey(AgendaItem, on_delete=models.PROTECT, related_name="events", null=True)
    verb = models.CharField(_("step"), max_length=40)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="board_events",
        null=True,
        db_index=False,
    )
    actor_name = models.CharField(max_length=150, blank=True)
    actor_email = models.EmailField(blank=True)
    at = models.DateTimeField(_("when"), auto_now_add=True)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    reason = models.TextField(_("why"), blank=True)

    class Meta:
        verbose_name = _("event of a board")
        verbose_name_plural = _("events of boards")
        ordering = ("pk",)
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["board", "-id"], name="crb_event_board"),
            models.Index(fields=["meeting", "-id"], name="crb_event_meeting"),
            models.Index(fields=["actor", "-id"], name="crb_event_actor"),
        ]
        triggers: ClassVar[list[Any]] = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def act(self) -> str:
        """What was done, in words."""
        return str(past_words(self.verb))

    @property
    def reference(self) -> str:
        """What the change is called on whose item the step was taken."""
        return Change(pk=self.item.change_id).reference if self.item else ""

    @property
    def led_to(self) -> str:
        """The state that the step led to, in words; empty if it moved nothing."""
        return str(STATES.get(self.to_state, "")) if self.from_state != self.to_state else ""
