"""Meetings, who is invited and who was there."""

from datetime import date as Day
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from accounts.history_rows import Records
from accounts.models import User, validate_time_zone
from expansive_cm.database.saved import Saved
from expansive_cm.statements import Given, Statement

from ..schedule import cutoff_of, to_utc
from ..states import (
    MEETING_MOVES,
    NOT_CLOSED,
    MeetingKind,
    MeetingState,
)
from .base import APPEND_ONLY, NO_DELETE, legal_moves
from .board import Board, Membership, Seat

if TYPE_CHECKING:
    from .attendance import Roster

NEAR = timedelta(hours=1)
"""So long before its start a meeting is about to begin."""


class Meeting(Saved):
    """One meeting: its local date, time and zone are what counts; UTC follows from them.

    A ballot without a meeting is kept here too: it is running from the moment the chair opens
    it, and nobody votes after its deadline.
    """

    board = models.ForeignKey(Board, on_delete=models.PROTECT, related_name="meetings")
    kind = models.CharField(
        _("kind"),
        max_length=20,
        choices=MeetingKind.choices,
        default=MeetingKind.REGULAR,
        db_default=MeetingKind.REGULAR,
    )
    purpose = models.TextField(
        _("why it was called"), max_length=2000, blank=True, default="", db_default=""
    )
    deadline = models.DateTimeField(_("votes until"), null=True, blank=True)
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
    move_reason = models.TextField(
        _("why it was moved"), max_length=2000, blank=True, default="", db_default=""
    )
    sequence = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text=_("Counts what invitees are told.")
    )
    agenda_published_at = models.DateTimeField(_("agenda published"), null=True, blank=True)
    current_item = models.ForeignKey(
        "crb.AgendaItem",
        verbose_name=_("current item"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    current_since = models.DateTimeField(_("current item since"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    history = Records()

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ("-starts_at", "-pk")
        constraints: ClassVar[list[Any]] = [
            # With a condition it is no key to PostgreSQL. Where a trigger comes before an update,
            # it locks a row of which a key is written, changed or not, against all who refer
            # to it: a meeting that was saved and a vote on its items waited for each other.
            models.UniqueConstraint(
                fields=["board", "nominal_on"],
                condition=Q(nominal_on__isnull=False),
                name="crb_meeting_once",
            ),
            models.UniqueConstraint(
                fields=["board"],
                condition=Q(state="running") & ~Q(kind="ballot"),
                name="crb_meeting_one_held",
            ),
            models.CheckConstraint(
                condition=Q(state__in=MeetingState.values), name="crb_meeting_known_state"
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(cancel_reason=""),
                name="crb_meeting_cancelled_why",
            ),
            models.CheckConstraint(
                condition=Q(kind="regular") | ~Q(purpose=""), name="crb_meeting_called_why"
            ),
            models.CheckConstraint(
                condition=~Q(kind="ballot") | Q(deadline__isnull=False),
                name="crb_meeting_ballot_ends",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["board", "state", "starts_at"], name="crb_meeting_next"),
            models.Index(fields=["starts_at"], name="crb_meeting_when"),
        ]
        triggers: ClassVar[list[Any]] = [
            legal_moves(MEETING_MOVES),
            pgtrigger.Protect(
                name="only_ballots_reopen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="closed", new__state="running")
                & ~pgtrigger.Q(new__kind="ballot"),
            ),
            NO_DELETE,
        ]

    def __str__(self) -> str:
        if self.is_ballot:
            day = date_format(self.date, "j F Y")
            words = _("%(board)s, ballot until %(day)s")
            return str(words) % {"board": self.board, "day": day}
        return f"{self.board}, {date_format(self.date, 'j F Y')}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Compute the moment from local date, time and zone, so that they never disagree."""
        self.set_moment()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the address of the meeting's page."""
        return reverse("crb:meeting", args=[self.pk])

    def set_moment(self) -> None:
        """Compute the moment; a plan that is only being tried out needs it before it is saved."""
        self.starts_at = to_utc(self.date, self.start, self.zone)

    @property
    def is_ballot(self) -> bool:
        """Whether this is a ballot without a meeting."""
        return self.kind == MeetingKind.BALLOT

    @property
    def tzinfo(self) -> ZoneInfo:
        """The time zone in which the meeting's date and time are meant."""
        return ZoneInfo(self.zone)

    @property
    def is_regular(self) -> bool:
        """Whether this belongs to the board's rhythm."""
        return self.kind == MeetingKind.REGULAR

    @property
    def is_over(self) -> bool:
        """Whether this is a ballot whose deadline has passed: nobody votes any more."""
        return self.deadline is not None and self.deadline <= timezone.now()

    @property
    def ends_at(self) -> datetime:
        """When the meeting is planned to end."""
        return self.starts_at + timedelta(minutes=self.length_minutes)

    @property
    def is_today(self) -> bool:
        """Whether the meeting's day is today, where the board meets."""
        return self.date == timezone.localdate(timezone=self.tzinfo)

    @property
    def counted_on(self) -> Day:
        """The day on which what was decided counts: that of ``periods.counted_on``."""
        if self.started_at is None:
            return self.date
        return min(self.date, timezone.localdate(self.started_at, self.tzinfo))

    @property
    def is_near(self) -> bool:
        """Whether the meeting is about to begin, or should have begun: opening it is next."""
        return self.starts_at - NEAR <= timezone.now()

    @property
    def cutoff_at(self) -> datetime:
        """When the agenda is published by itself; what comes later goes to the next meeting."""
        board = self.board
        return cutoff_of(self.date, self.start, self.zone, board.cutoff_days, board.holiday_region)

    @property
    def is_cutoff_over(self) -> bool:
        """Whether the agenda is to be published as soon as may be."""
        return self.cutoff_at <= timezone.now()

    @property
    def is_published(self) -> bool:
        """Whether the agenda is published: then it changes only by what somebody does."""
        return self.agenda_published_at is not None

    @property
    def is_open(self) -> bool:
        """Whether members may vote and its agenda may grow."""
        return self.state in NOT_CLOSED

    @property
    def is_running(self) -> bool:
        return self.state == MeetingState.RUNNING

    @cached_property
    def members(self) -> list[Seat]:
        """Who sits on the board on the day of the meeting, read once per loaded meeting.

        Once it has begun: who sat there then. In a ballot that is who sat there when it closed.
        """
        from .seat import kept_seats

        return (self.keeps_seats and kept_seats(self)) or self.board.members_on(self.date)

    @cached_property
    def terms(self) -> dict[int, list[tuple[Day, Day | None]]]:
        """First and last day of each term on the board, by person; read once per loaded meeting."""
        found: dict[int, list[tuple[Day, Day | None]]] = {}
        for user, begins, ends in TERMS.rows(board=self.board_id):
            found.setdefault(user, []).append((begins, ends))
        return found

    @cached_property
    def roster(self) -> "Roster":
        """Who said that they are here, and what the chair marked; read once per loaded meeting."""
        from .attendance import Roster, roster_of

        begun = self.state in (MeetingState.RUNNING, MeetingState.CLOSED) and not self.is_ballot
        return roster_of(self) if begun else Roster()

    @property
    def away(self) -> set[int]:
        """Who was marked as not being there, while it is held: they do not vote."""
        return self.roster.away if self.is_running else set()

    @property
    def keeps_seats(self) -> bool:
        """Whether it no longer matters what becomes of those who sit here."""
        return self.state == MeetingState.CLOSED or (self.is_running and not self.is_ballot)

    @cached_property
    def seats_now(self) -> list[Seat]:
        """Who sits on the board today: minutes and actions outlive the terms of members."""
        today = self.board.today
        same = today == self.date and not self.keeps_seats
        return self.members if same else self.board.members_on(today)

    @cached_property
    def led_by(self) -> dict[int, User]:
        """Who opens, leads and ends it, by key: the chair and the deputy of its day.

        Whoever leads the board today does so too where none of these is left, or when their day
        is over and it still runs: it must not wait for somebody who is away.
        """
        own = {one.user_id: one.user for one in self.members if one.runs_meetings and one.is_able}
        if own and not (self.is_running and self._day_is_over):
            return own
        now = {one.user_id: one.user for one in self.seats_now if one.runs_meetings}
        return {**own, **now}

    @property
    def _day_is_over(self) -> bool:
        return self.is_over if self.is_ballot else self.date < self.board.today

    def is_led_by(self, user: User) -> bool:
        """Whether this person opens, leads and ends the meeting."""
        return user.is_active and user.pk in self.led_by

    def seat_of(self, user: User) -> Seat | None:
        """Return the person's seat at this meeting."""
        return next((seat for seat in self.members if seat.user_id == user.pk), None)

    @transition(field=state, source=MeetingState.SCHEDULED, target=MeetingState.RUNNING)
    def begin(self) -> None:
        self.started_at = timezone.now()

    @transition(field=state, source=MeetingState.RUNNING, target=MeetingState.CLOSED)
    def close(self) -> None:
        self.closed_at = timezone.now()

    @transition(field=state, source=MeetingState.CLOSED, target=MeetingState.RUNNING)
    def reopen(self) -> None:
        """A ballot, which closes by itself with its last item."""
        self.closed_at = None

    @transition(field=state, source=MeetingState.SCHEDULED, target=MeetingState.CANCELLED)
    def cancel(self, reason: str) -> None:
        self.cancel_reason, self.cancelled_at = reason, timezone.now()


TERMS = Statement(
    lambda: Membership.objects.filter(board=Given("board")).values_list(
        "user_id", "starts_on", "ends_on"
    ),
    planned_once=True,
)


class Attendance(models.Model):
    """Somebody was at a meeting, from this moment on."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="attendances")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="board_attendances"
    )
    for_member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("as the alternate of"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
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


class Invitation(models.Model):
    """What one person has been told about one meeting: the last sequence number mailed."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="invitations")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="board_invitations"
    )
    sequence = models.PositiveIntegerField(_("sequence"))
    sent_at = models.DateTimeField(_("sent"))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    declined_at = models.DateTimeField(_("declined by calendar"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["meeting", "user"], name="crb_invitation_once")
        ]
        triggers: ClassVar[list[Any]] = [NO_DELETE]

    def __str__(self) -> str:
        return f"{self.user} · {self.meeting}"


class CalendarFeed(models.Model):
    """A secret address under which a person's calendar reads their meetings.

    Only the hash of its token is stored.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feeds"
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    made_after = models.BigIntegerField(null=True, editable=False)
    """The last row of history of its person then: what came later, whatever the clock said."""
    last_read_at = models.DateTimeField(_("last read"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("calendar address")
        verbose_name_plural = _("calendar addresses")
        ordering = ("-pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(revoked_at=None), name="crb_feed_one_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
