"""Boards, who sits on them, and who stands in for whom."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import (
    Exists,
    Expression,
    F,
    FilteredRelation,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    Value,
)
from django.db.models.functions import Cast
from django.utils import formats, timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from accounts.models import User, validate_time_zone
from accounts.roles import Role
from changes.spans import day_in
from expansive_cm.statements import Given, ObjectStatement

from ..schedule import HolidayPolicy, Rhythm, is_known_region
from ..voting import QuorumRule
from .base import NO_DELETE

if TYPE_CHECKING:
    from .seat import KeptSeat


def validate_holiday_region(region: str) -> None:
    """Refuse a region whose holidays are not known."""
    if not is_known_region(region):
        raise ValidationError(
            _("%(region)s is not a known region; examples are GB-ENG and DE-BY."),
            params={"region": region},
        )


class Emergencies(models.TextChoices):
    """How a board deals with what cannot wait for its next meeting."""

    BALLOT = "ballot", _("The board votes first, in a ballot that is opened at once")
    REVIEW = "review", _("Its chair or deputy may let them go ahead, and the board reviews them")


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
        help_text=_("Empty where no holidays are observed."),
    )
    holiday_policy = models.CharField(
        _("on a holiday"),
        max_length=30,
        choices=[
            (HolidayPolicy.NEXT_WORKING_DAY.value, _("Meets on the next working day, same time")),
            (HolidayPolicy.PREVIOUS_WORKING_DAY.value, _("Meets on the working day before")),
            (HolidayPolicy.MEET_ANYWAY.value, _("Meets all the same")),
        ],
        default=HolidayPolicy.NEXT_WORKING_DAY.value,
        db_default=HolidayPolicy.NEXT_WORKING_DAY.value,
    )
    cutoff_days = models.PositiveSmallIntegerField(
        _("cut-off: working days before the meeting"),
        default=2,
        db_default=2,
        validators=[MaxValueValidator(30)],
        help_text=_("Then the agenda is published; what comes later goes to the next meeting."),
    )
    quorum_count = models.PositiveSmallIntegerField(
        _("quorum: at least this many votes"), default=3, validators=[MinValueValidator(1)]
    )
    quorum_share = models.PositiveSmallIntegerField(
        _("quorum: per cent of the members who are not recused"),
        default=50,
        validators=[MaxValueValidator(100)],
    )
    hides_votes = models.BooleanField(
        _("votes are hidden until one has voted oneself"), default=True, db_default=True
    )
    emergencies = models.CharField(
        _("emergency changes"),
        max_length=10,
        choices=Emergencies.choices,
        default=Emergencies.BALLOT,
        db_default=Emergencies.BALLOT,
    )
    consent_count = models.PositiveSmallIntegerField(
        _("consent: at least this many matching votes"),
        default=3,
        db_default=3,
        help_text=_(
            "Items on which so many members agree before the meeting, with quorum, no other vote "
            "and no question, are offered as one batch. 0: never."
        ),
    )
    history = Records(m2m_fields=[organisations])

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
            holiday_policy=HolidayPolicy(self.holiday_policy),
        )

    @property
    def quorum(self) -> QuorumRule:
        return QuorumRule(self.quorum_count, self.quorum_share)

    @property
    def today(self) -> date:
        """The day it is now where the board meets."""
        return timezone.localdate(timezone=ZoneInfo(self.zone))

    @cached_property
    def seats_today(self) -> list["Seat"]:
        """Who sits on the board today, read once per loaded board."""
        return self.members_on(self.today)

    def members_on(self, day: date) -> list["Seat"]:
        """Return who sits on the board on a day, in one query.

        These are active people who hold the role; where a member is absent on that day, the
        alternate takes the seat.
        """
        members = MEMBERS_ON.objects(board=self.pk, day=day)
        for membership in members:
            membership.board = self
        return [_seat(membership) for membership in members]


def able(person: OuterRef) -> models.QuerySet[User]:
    """The person, if active, of Expansive's own people and still in the role of a member."""
    return User.objects.filter(
        pk=person, is_active=True, organisation=None, groups__name=Role.CRB_MEMBER
    )


def day_there(now: datetime | Expression, board: str = "") -> Cast:
    """The day it is at a moment where a board meets, as an annotation of boards.

    Of rows that belong to one, ``board`` is the way to it, such as ``meeting__board__``.
    """
    return day_in(F(f"{board}zone"), now)


def _seat(membership: Any) -> "Seat":
    if membership.alternate_is_able:
        return Seat(membership, membership.stand_in.alternate, absent=membership.user)
    return Seat(membership, membership.user, is_away=membership.absence_id is not None)


def _members_on() -> models.QuerySet["Membership"]:
    day = Given("day", models.DateField())
    at_that_time = Q(absences__starts_on__lte=day, absences__ends_on__gte=day)
    stand_in = FilteredRelation("absences", condition=at_that_time & Q(absences__withdrawn_at=None))
    term = Q(starts_on__lte=day) & (Q(ends_on=None) | Q(ends_on__gte=day))
    found: Any = (
        Membership.objects.filter(term, board=Given("board"))
        .annotate(
            stand_in=stand_in,
            absence_id=F("stand_in__pk"),
            alternate_id=F("stand_in__alternate"),
            is_able=Exists(able(OuterRef("user"))),
            alternate_is_able=Exists(able(OuterRef("stand_in__alternate"))),
        )
        .filter(Q(is_able=True) | Q(alternate_is_able=True))
    )
    # The check does not know that a filtered relation can be joined.
    rows: models.QuerySet[Membership] = found.select_related("user", "stand_in__alternate")
    return rows


MEMBERS_ON = ObjectStatement(_members_on)
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
    history = Records()

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
        if self.pk is not None:
            self._keep_held_meetings()

    def _keep_held_meetings(self) -> None:
        """Refuse that a term ceases to cover a meeting that was held: its figures rest on it."""
        held = self.board.meetings.filter(kept_seats__membership=self)
        sat = held.aggregate(first=Min("date"), last=Max("date"))
        if sat["first"] and self.starts_on and self.starts_on > sat["first"]:
            message = _("They sat at the meeting of %(day)s: the term begins then or before.")
            raise _on_a_day("starts_on", message, sat["first"])
        if sat["last"] and self.ends_on and self.ends_on < sat["last"]:
            message = _("They sat at the meeting of %(day)s: the term ends then or later.")
            raise _on_a_day("ends_on", message, sat["last"])


def _on_a_day(field: str, message: Any, day: date) -> ValidationError:
    words = {"day": formats.date_format(day)}
    return ValidationError({field: ValidationError(message, params=words)})


class Absence(models.Model):
    """A member is away from one day to another, both included; perhaps somebody stands in."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="absences")
    starts_on = models.DateField(_("first day away"))
    ends_on = models.DateField(_("last day away"))
    alternate = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("alternate"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Votes in the member's place. Empty if nobody stands in."),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ("starts_on", "pk")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="crb_absence_dates"
            ),
            ExclusionConstraint(
                name="crb_absence_once",
                expressions=[("membership", RangeOperators.EQUAL), (TERM, RangeOperators.OVERLAPS)],
                condition=Q(withdrawn_at=None),
                violation_error_message=_("An absence is already recorded for that time."),
            ),
        ]
        triggers: ClassVar[list[Any]] = [NO_DELETE]

    def __str__(self) -> str:
        return f"{self.membership}: {self.starts_on} – {self.ends_on}"


@dataclass(frozen=True)
class Seat:
    """Who sits at the table on one day: a member, or the alternate of one who is absent."""

    membership: Membership
    user: User
    absent: User | None = None
    is_away: bool = False
    """Whether the member is absent on that day and nobody stands in."""
    kept: "KeptSeat | None" = None
    """As it was kept, once the meeting has begun: what the person was then."""

    @property
    def is_able(self) -> bool:
        """Whether whoever sits here is still active and holds the role."""
        return self.kept is None or bool(getattr(self.kept, "is_able"))  # noqa: B009 - annotated

    @property
    def user_id(self) -> int:
        return self.user.pk

    @property
    def is_chair(self) -> bool:
        """Whether this is the chair in person: the deputy, not an alternate, stands in there."""
        return (self.kept or self.membership).is_chair and self.absent is None

    @property
    def is_deputy(self) -> bool:
        return (self.kept or self.membership).is_deputy and self.absent is None

    @property
    def runs_meetings(self) -> bool:
        """Whether this person opens and closes meetings and records outcomes."""
        return self.is_chair or self.is_deputy

    @property
    def ends_on(self) -> date | None:
        """The last day of the member's term."""
        return self.membership.ends_on
