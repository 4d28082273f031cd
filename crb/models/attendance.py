"""Who is at a meeting: what people said themselves, and what the chair marked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement

from ..states import AWAY, HERE, WAS_THERE, Mark
from .base import NO_DELETE
from .meeting import Attendance, Meeting


class AttendanceMark(models.Model):
    """Where one person stands at a meeting, from one moment on: the latest that stands counts.

    A member who was marked as away and says that they are here writes one too. A guest without
    an account goes by name.
    """

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="attendance_marks")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    for_member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("as the alternate of"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    guest = models.CharField(_("name of the guest"), max_length=80, blank=True)
    is_presenter = models.BooleanField(_("presents"), default=False)
    mark = models.CharField(_("mark"), max_length=20, choices=Mark.choices)
    at = models.DateTimeField(_("since"), null=True, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("marked by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    set_at = models.DateTimeField(_("marked"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("mark of attendance")
        verbose_name_plural = _("marks of attendance")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest="") | Q(user__isnull=True) & ~Q(guest=""),
                name="crb_mark_of_whom",
            ),
            models.CheckConstraint(
                condition=~Q(mark__in=("late", "left")) | Q(at__isnull=False),
                name="crb_mark_when",
            ),
            models.CheckConstraint(condition=Q(mark__in=Mark.values), name="crb_mark_known"),
        ]
        triggers: ClassVar[list[Any]] = [NO_DELETE]

    def __str__(self) -> str:
        return f"{self.user or self.guest} · {self.meeting}: {self.get_mark_display()}"

    @property
    def is_own(self) -> bool:
        """Whether the person said so themselves."""
        return self.user_id is not None and self.user_id == self.set_by_id


@dataclass
class Standing:
    """One person at one meeting: what they said on arriving, and the marks since."""

    user: User | None = None
    guest: str = ""
    own: Attendance | None = None
    marks: list[AttendanceMark] = field(default_factory=list)

    @property
    def last(self) -> AttendanceMark | None:
        return self.marks[-1] if self.marks else None

    @property
    def seen(self) -> int:
        """What tells this standing from the next one, for a form; 0 before any mark."""
        return self.last.pk if self.last else 0

    @property
    def mark(self) -> str:
        """Where they stand: the last mark or, without any, what they said on arriving."""
        if self.last is not None:
            return self.last.mark
        return Mark.PRESENT if self.own is not None else ""

    @property
    def is_here(self) -> bool:
        return self.mark in HERE

    @property
    def is_away(self) -> bool:
        """Whether they were marked as not there: until they say otherwise, they do not vote."""
        return self.mark in AWAY

    @property
    def was_there(self) -> bool:
        return self.mark in WAS_THERE

    @property
    def is_presenter(self) -> bool:
        return any(one.is_presenter for one in self.marks)

    @property
    def for_member(self) -> User | None:
        """In whose place they are there."""
        known = [self.own, *self.marks]
        return next((one.for_member for one in known if one and one.for_member_id), None)

    @property
    def said(self) -> Any:
        """When they said last that they are there, or None."""
        own = [one.at or one.set_at for one in self.marks if one.is_own and one.mark in HERE]
        return own[-1] if own else self.own and self.own.arrived_at

    @property
    def contradicted(self) -> AttendanceMark | None:
        """The mark as away that the person answered at once by saying that they are here.

        None where they would be away without both, by what was marked before.
        """
        if len(self.marks) < 2:
            return None
        *before, away, answer = self.marks
        answered = answer.is_own and answer.mark in HERE
        if not answered or away.is_own or away.mark not in AWAY:
            return None
        return None if before and before[-1].mark in AWAY else away

    @property
    def steps(self) -> list[AttendanceMark]:
        """The marks without those that a later one puts right: came, left, came back."""
        return steps(self.marks)


def steps(marks: Iterable[AttendanceMark]) -> list[AttendanceMark]:
    """Return marks without those that a later one of the same kind puts right."""
    kept: list[AttendanceMark] = []
    for one in marks:
        while kept and _puts_right(one, kept[-1]):
            kept.pop()
        kept.append(one)
    return kept


def _puts_right(mark: AttendanceMark, before: AttendanceMark) -> bool:
    if Mark.EXCUSED in (mark.mark, before.mark):
        return True
    return (mark.mark in HERE) == (before.mark in HERE)


@dataclass
class Roster:
    """Everybody of whom something is known: people by key, guests by name in lower case."""

    people: dict[int, Standing] = field(default_factory=dict)
    guests: dict[str, Standing] = field(default_factory=dict)

    @property
    def here(self) -> dict[int, Standing]:
        return {pk: one for pk, one in self.people.items() if one.is_here}

    @property
    def were_there(self) -> dict[int, Standing]:
        return {pk: one for pk, one in self.people.items() if one.was_there}

    @property
    def away(self) -> set[int]:
        return {pk for pk, one in self.people.items() if one.is_away}

    def of(self, user: User | None, guest: str = "") -> Standing:
        """Return where somebody stands, also if nothing is known of them yet."""
        if user is not None:
            return self.people.get(user.pk) or Standing(user=user)
        return self.guests.get(guest.lower()) or Standing(guest=guest)


def roster_of(meeting: Meeting) -> Roster:
    """Read who is at a meeting, in two queries."""
    return roster(ARRIVALS.objects(meeting=meeting.pk), MARKS.objects(meeting=meeting.pk))


ARRIVALS = ObjectStatement(
    lambda: Attendance.objects.filter(meeting=Given("meeting")).select_related("user", "for_member")
)
MARKS = ObjectStatement(
    lambda: AttendanceMark.objects.filter(
        meeting=Given("meeting"), withdrawn_at=None
    ).select_related("user", "for_member", "set_by")
)


def roster(arrivals: Iterable[Attendance], marks: Iterable[AttendanceMark]) -> Roster:
    """Put together what people said and what was marked, in the order of writing."""
    found = Roster()
    for one in arrivals:
        found.people[one.user_id] = Standing(user=one.user, own=one)
    for mark in marks:
        if mark.user is not None:
            standing = found.people.setdefault(mark.user.pk, Standing(user=mark.user))
        else:
            key = mark.guest.lower()
            standing = found.guests.setdefault(key, Standing(guest=mark.guest))
        standing.marks.append(mark)
    return found


# As conditions of queries


def marked(meeting: OuterRef, **who: Any) -> QuerySet[AttendanceMark]:
    """The marks that count: the last one that stands, of each person at a meeting."""
    later = AttendanceMark.objects.filter(
        meeting=OuterRef("meeting"),
        user=OuterRef("user"),
        pk__gt=OuterRef("pk"),
        withdrawn_at=None,
    )
    marks = AttendanceMark.objects.filter(meeting=meeting, withdrawn_at=None, **who)
    return marks.filter(~Exists(later))


def took_part(meeting: OuterRef, **who: Any) -> Q:
    """The condition that somebody was at a meeting: ``Standing.was_there`` as SQL."""
    said = Attendance.objects.filter(meeting=meeting, **who)
    any_mark = AttendanceMark.objects.filter(
        meeting=OuterRef("meeting"), user=OuterRef("user"), withdrawn_at=None
    )
    unmarked = Exists(said.filter(~Exists(any_mark)))
    return Q(Exists(marked(meeting, **who).filter(mark__in=WAS_THERE))) | Q(unmarked)
