"""Meetings, what is on their agendas and who was there."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition
from simple_history.models import HistoricalRecords

from accounts.models import User, validate_time_zone

from ..schedule import to_utc
from ..states import ITEM_MOVES, MEETING_MOVES, NOT_CLOSED, ItemState, MeetingState
from .base import APPEND_ONLY, NO_DELETE, legal_moves
from .board import Board, Membership


class Meeting(models.Model):
    """One meeting: its local date, time and zone are what counts; UTC follows from them."""

    board = models.ForeignKey(Board, on_delete=models.PROTECT, related_name="meetings")
    nominal_on = models.DateField(
        _("day by rhythm"),
        null=True,
        blank=True,
        help_text=_("The day before holidays were minded; empty outside the series."),
    )
    date = models.DateField(_("date"))
    start = models.TimeField(_("start"))
    zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    length_minutes = models.PositiveSmallIntegerField(_("length in minutes"))
    starts_at = models.DateTimeField(_("starts"), editable=False)
    holiday = models.CharField(_("moved because of"), max_length=100, blank=True)
    state = FSMField(
        _("state"),
        choices=MeetingState.choices,
        default=MeetingState.SCHEDULED,
        protected=True,
        max_length=20,
    )
    started_at = models.DateTimeField(_("opened"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    cancel_reason = models.TextField(_("why it was cancelled"), max_length=2000, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ("-starts_at", "-pk")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["board", "nominal_on"], name="crb_meeting_once"),
            models.UniqueConstraint(
                fields=["board"], condition=Q(state="running"), name="crb_meeting_one_running"
            ),
            models.CheckConstraint(
                condition=Q(state__in=MeetingState.values), name="crb_meeting_known_state"
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(cancel_reason=""),
                name="crb_meeting_cancelled_why",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["board", "state", "starts_at"], name="crb_meeting_next")
        ]
        triggers: ClassVar[list[Any]] = [
            legal_moves(MEETING_MOVES),
            NO_DELETE,
        ]

    def __str__(self) -> str:
        return f"{self.board}, {date_format(self.date, 'j F Y')}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Compute the moment from local date, time and zone, so that they never disagree."""
        self.starts_at = to_utc(self.date, self.start, self.zone)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the address of the meeting's page."""
        return reverse("crb:meeting", args=[self.pk])

    @property
    def ends_at(self) -> datetime:
        """When the meeting is planned to end."""
        return self.starts_at + timedelta(minutes=self.length_minutes)

    @property
    def is_open(self) -> bool:
        """Whether members may vote and its agenda may grow."""
        return self.state in NOT_CLOSED

    @property
    def is_running(self) -> bool:
        return self.state == MeetingState.RUNNING

    @cached_property
    def members(self) -> list[Membership]:
        """Who sits on the board on the day of the meeting, read once per loaded meeting."""
        return self.board.members_on(self.date)

    def seat_of(self, user: User) -> Membership | None:
        """Return the person's seat at this meeting."""
        return next((seat for seat in self.members if seat.user_id == user.pk), None)

    @transition(field=state, source=MeetingState.SCHEDULED, target=MeetingState.RUNNING)
    def begin(self) -> None:
        self.started_at = timezone.now()

    @transition(field=state, source=MeetingState.RUNNING, target=MeetingState.CLOSED)
    def close(self) -> None:
        self.closed_at = timezone.now()

    @transition(field=state, source=MeetingState.SCHEDULED, target=MeetingState.CANCELLED)
    def cancel(self, reason: str) -> None:
        self.cancel_reason, self.cancelled_at = reason, timezone.now()


class AgendaItem(models.Model):
    """One visit of a change to the board. A deferred change gets a new item, voted on anew."""

    class Kind(models.TextChoices):
        RETURNING = "returning", _("Returning with answers")
        CARRIED = "carried", _("Carried over")
        NEW = "new", _("New")

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="items")
    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="agenda_items"
    )
    path = models.PositiveSmallIntegerField(_("path"), default=1, editable=False)
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = FSMField(
        _("state"),
        choices=ItemState.choices,
        default=ItemState.OPEN,
        protected=True,
        max_length=20,
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    remark = models.TextField(_("remark"), max_length=2000, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("agenda item")
        verbose_name_plural = _("agenda items")
        ordering = ("position", "pk")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["change"], condition=Q(state="open"), name="crb_item_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ItemState.values), name="crb_item_known_state"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["meeting", "position"], name="crb_item_agenda")
        ]
        triggers: ClassVar[list[Any]] = [
            legal_moves(ITEM_MOVES),
            NO_DELETE,
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.change}"

    def get_absolute_url(self) -> str:
        """Return where the item stands on its meeting's page."""
        return f"{reverse('crb:meeting', args=[self.meeting_id])}#item-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == ItemState.OPEN

    def _settle(self, remark: str) -> None:
        self.settled_at, self.remark = timezone.now(), remark

    @transition(field=state, source=ItemState.OPEN, target=ItemState.DECIDED)
    def decide(self, remark: str = "") -> None:
        self._settle(remark)

    @transition(field=state, source=ItemState.OPEN, target=ItemState.DEFERRED)
    def defer(self, remark: str) -> None:
        self._settle(remark)

    @transition(field=state, source=ItemState.OPEN, target=ItemState.DROPPED)
    def drop(self, remark: str) -> None:
        self._settle(remark)


class Attendance(models.Model):
    """Somebody was at a meeting, from this moment on."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="attendances")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="board_attendances"
    )
    arrived_at = models.DateTimeField(_("arrived"), auto_now_add=True)

    class Meta:
        verbose_name = _("attendance")
        verbose_name_plural = _("attendances")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["meeting", "user"], name="crb_attendance_once")
        ]
        triggers: ClassVar[list[Any]] = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.user} · {self.meeting}"
