"""Boards and who sits on them."""

from datetime import date
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models import validate_time_zone
from accounts.roles import Role

from ..schedule import Rhythm, is_known_region
from ..voting import QuorumRule


def validate_holiday_region(region: str) -> None:
    """Refuse a region whose holidays are not known."""
    if not is_known_region(region):
        raise ValidationError(
            _("%(region)s is not a known region; examples are GB-ENG and DE-BY."),
            params={"region": region},
        )


class Board(models.Model):
    """A Change Request Board and its rhythm."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    name = models.CharField(_("name"), max_length=100, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    organisations: Any = models.ManyToManyField(
        "accounts.Organisation",
        verbose_name=_("only for these customers"),
        related_name="boards",
        blank=True,
        help_text=_("Leave empty for the board of all customers without one of their own."),
    )
    zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/London", validators=[validate_time_zone]
    )
    weekday = models.PositiveSmallIntegerField(
        _("weekday"), choices=Weekday.choices, default=Weekday.TUESDAY
    )
    start = models.TimeField(_("start"), help_text=_("Local time in the board's zone."))
    length_minutes = models.PositiveSmallIntegerField(
        _("length in minutes"),
        default=90,
        validators=[MinValueValidator(5), MaxValueValidator(24 * 60)],
    )
    interval_days = models.PositiveSmallIntegerField(
        _("days from meeting to meeting"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
    )
    first_date = models.DateField(
        _("first date"), help_text=_("Meetings begin on the first such weekday from here on.")
    )
    holiday_region = models.CharField(
        _("holidays of"),
        max_length=10,
        blank=True,
        default="GB-ENG",
        validators=[validate_holiday_region],
        help_text=_("On a holiday the board meets on the next working day at the same time."),
    )
    quorum_count = models.PositiveSmallIntegerField(
        _("quorum: at least this many votes"), default=3, validators=[MinValueValidator(1)]
    )
    quorum_share = models.PositiveSmallIntegerField(
        _("quorum: per cent of the members who are not recused"),
        default=50,
        validators=[MaxValueValidator(100)],
    )
    history = HistoricalRecords(m2m_fields=[organisations])

    class Meta:
        verbose_name = _("board")
        verbose_name_plural = _("boards")
        ordering = ("name",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(interval_days__gte=1), name="crb_board_interval_positive"
            ),
            models.CheckConstraint(
                condition=Q(quorum_count__gte=1, quorum_share__lte=100), name="crb_board_quorum"
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="crb_board_weekday"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rhythm(self) -> Rhythm:
        """What decides the dates of the meetings."""
        return Rhythm(
            zone=self.zone,
            weekday=self.weekday,
            start=self.start,
            first_date=self.first_date,
            interval_days=self.interval_days,
            holiday_region=self.holiday_region,
        )

    @property
    def quorum(self) -> QuorumRule:
        return QuorumRule(self.quorum_count, self.quorum_share)

    @property
    def today(self) -> date:
        """The day it is now where the board meets."""
        return timezone.localdate(timezone=ZoneInfo(self.zone))

    def members_on(self, day: date) -> list["Membership"]:
        """Return who sits on the board on a day: active people who still hold the role."""
        term = Q(starts_on__lte=day) & (Q(ends_on=None) | Q(ends_on__gte=day))
        return list(
            self.memberships.filter(
                term, user__is_active=True, user__groups__name=Role.CRB_MEMBER
            ).select_related("user")
        )


TERM = Func(F("starts_on"), F("ends_on"), Value("[]"), function="daterange")


class Membership(models.Model):
    """One person's term on a board. A second term is a second membership."""

    board = models.ForeignKey(Board, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("member"),
        on_delete=models.PROTECT,
        related_name="board_memberships",
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(
        _("until"), null=True, blank=True, help_text=_("The last day; empty for no end yet.")
    )
    is_chair = models.BooleanField(_("chair"), default=False)
    is_deputy = models.BooleanField(_("deputy chair"), default=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("-is_chair", "-is_deputy", "user__display_name")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="crb_membership_term",
                violation_error_message=_("The term ends before it begins."),
            ),
            models.CheckConstraint(
                condition=~Q(is_chair=True, is_deputy=True),
                name="crb_membership_chair_or_deputy",
                violation_error_message=_("The chair is not their own deputy."),
            ),
            ExclusionConstraint(
                name="crb_membership_once",
                expressions=[
                    ("board", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (TERM, RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("This person already has a term at that time."),
            ),
            ExclusionConstraint(
                name="crb_membership_one_chair",
                expressions=[("board", RangeOperators.EQUAL), (TERM, RangeOperators.OVERLAPS)],
                condition=Q(is_chair=True),
                violation_error_message=_("The board already has a chair at that time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.board}"

    def clean(self) -> None:
        """Refuse a term that ends before it begins, before the database is asked about it."""
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The term ends before it begins.")})

    @property
    def runs_meetings(self) -> bool:
        """Whether this member opens and closes meetings and records outcomes."""
        return self.is_chair or self.is_deputy
