"""Who was there: meetings held during a member's term, and how the member's seat was taken.

Of the meetings held (closed; not ballots) during a member's term, those at which the member was
present, and those at which an alternate sat in the member's place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.statements import Statement

from .models import Board, KeptSeat, Meeting, Membership
from .models.attendance import took_part
from .periods import GIVEN, Period, counted_on
from .states import MeetingKind, MeetingState


def held(board: Board, since: date | None = None, until: date | None = None) -> QuerySet[Meeting]:
    """Meetings that took place: closed ones, without ballots."""
    found = board.meetings.filter(state=MeetingState.CLOSED).exclude(kind=MeetingKind.BALLOT)
    found = found.alias(counted=counted_on(board))
    if since is not None:
        found = found.filter(counted__gte=since)
    return found if until is None else found.filter(counted__lte=until)


def in_term_of(meetings: QuerySet[Meeting], member: User) -> QuerySet[Meeting]:
    """Meetings during a person's term."""
    term = Q(starts_on__lte=OuterRef("date")) & (Q(ends_on=None) | Q(ends_on__gte=OuterRef("date")))
    terms = Membership.objects.filter(term, board=OuterRef("board"), user=member)
    return meetings.filter(Exists(terms))


class Presence(models.TextChoices):
    """How a member's seat was taken at a meeting."""

    PRESENT = "present", _("Present")
    ALTERNATE = "alternate", _("Alternate present")
    ABSENT = "absent", _("Absent")


def with_presence(
    meetings: QuerySet[Meeting], member: User, presence: str = ""
) -> QuerySet[Meeting]:
    """Meetings during a person's term at which their seat was taken that way."""
    present = took_part(OuterRef("pk"), user=member)
    alternate = took_part(OuterRef("pk"), for_member=member)
    found = in_term_of(meetings, member)
    if presence == Presence.PRESENT:
        return found.filter(present)
    if presence == Presence.ALTERNATE:
        return found.filter(~present, alternate)
    return found.filter(~present, ~alternate) if presence == Presence.ABSENT else found


@dataclass(frozen=True)
class MemberAttendance:
    """One member's meetings in a period; alternates with how often they came."""

    user_id: int
    name: str
    held: int
    present: int
    alternate: int
    alternates: tuple[tuple[str, int], ...] = ()

    @property
    def absent(self) -> int:
        return self.held - self.present - self.alternate

    @property
    def share(self) -> int:
        """Per cent of the meetings at which the member was present."""
        return round(100 * self.present / self.held) if self.held else 0


def seats_held(board: Board, period: Period) -> QuerySet[Membership]:
    """One row per member and meeting held during the member's term."""
    there = OuterRef("board__meetings")
    day = counted_on(board, "board__meetings__")
    was_held = Q(
        GreaterThanOrEqual(day, period.since),
        LessThanOrEqual(day, period.until),
        board__meetings__state=MeetingState.CLOSED,
    )
    not_ballot = Q(board__meetings__kind__in=[MeetingKind.REGULAR, MeetingKind.EXTRAORDINARY])
    in_term = Q(board__meetings__date__gte=F("starts_on")) & (
        Q(ends_on=None) | Q(board__meetings__date__lte=F("ends_on"))
    )
    return (
        Membership.objects.filter(was_held & not_ballot & in_term, board=board)
        .annotate(
            is_present=took_part(there, user=OuterRef("user")),
            has_alternate=took_part(there, for_member=OuterRef("user")),
        )
        .order_by()
    )


SEATS: Mapping[str, Any] = {
    "held": Count("pk"),
    "present": Count("pk", filter=Q(is_present=True)),
    "alternate": Count("pk", filter=Q(is_present=False, has_alternate=True)),
}


def attendance(board: Board, period: Period) -> list[MemberAttendance]:
    """Each member's attendance, by name, with those who stood in. Two queries."""
    stood_in: dict[int, list[tuple[str, int]]] = {}
    for member, name, number in _stood_in(board.pk, board.zone).rows(**period.days):
        stood_in.setdefault(member, []).append((name, number))
    return [
        MemberAttendance(member, name, held, present, alternate, tuple(stood_in.get(member, ())))
        for member, name, held, present, alternate in _attended(board.pk, board.zone).rows(
            **period.days
        )
    ]


@lru_cache(maxsize=64)
def _attended(key: int, zone: str) -> Statement:
    """Each member of a board, with how often their seat was taken and how."""

    def attended() -> "QuerySet[Membership, Any]":
        seats = seats_held(Board(pk=key, zone=zone), GIVEN)
        rows = seats.values_list("user_id", "user__display_name").annotate(**SEATS)
        return rows.order_by("user__display_name", "user_id")

    return Statement(attended)


@lru_cache(maxsize=64)
def _stood_in(key: int, zone: str) -> Statement:
    """Each member of a board and who came in their place, with how often."""

    def stood_in() -> "QuerySet[KeptSeat, Any]":
        came = KeptSeat.objects.filter(
            took_part(OuterRef("meeting"), user=OuterRef("user")),
            meeting__in=held(Board(pk=key, zone=zone), GIVEN.since, GIVEN.until),
            absent__isnull=False,
        )
        rows = came.values_list("absent", "user__display_name").annotate(number=Count("pk"))
        return rows.order_by("user__display_name")

    return Statement(stood_in)
