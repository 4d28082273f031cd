"""Who was at each of some meetings: in person, by an alternate, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import User

from .models import Attendance, AttendanceMark, Board, Meeting, Membership
from .models.attendance import roster
from .presence import Presence


@dataclass(frozen=True)
class Entry:
    """One member's seat at one meeting."""

    member: User
    presence: Presence
    alternate: User | None = None


@dataclass(frozen=True)
class Roll:
    """The seats of one meeting; ``own`` is that of the member who was asked for."""

    meeting: Meeting
    entries: list[Entry]
    own: Entry | None = None

    def _of(self, presence: Presence) -> list[Entry]:
        return [entry for entry in self.entries if entry.presence == presence]

    @property
    def present(self) -> list[Entry]:
        return self._of(Presence.PRESENT)

    @property
    def alternates(self) -> list[Entry]:
        return self._of(Presence.ALTERNATE)

    @property
    def absent(self) -> list[Entry]:
        return self._of(Presence.ABSENT)


def with_attendances(meetings: QuerySet[Meeting]) -> QuerySet[Meeting]:
    """Load who came with the meetings."""
    people = Attendance.objects.select_related("user", "for_member")
    marks = AttendanceMark.objects.filter(withdrawn_at=None).select_related("user", "for_member")
    return meetings.prefetch_related(
        Prefetch("attendances", people), Prefetch("attendance_marks", marks)
    )


def call(board: Board, meetings: Sequence[Meeting], member: User | None = None) -> list[Roll]:
    """Return who of the members in term was at each meeting. One query for all of them."""
    if not meetings:
        return []
    first, last = min(one.date for one in meetings), max(one.date for one in meetings)
    terms = board.memberships.filter(
        Q(ends_on=None) | Q(ends_on__gte=first), starts_on__lte=last
    ).select_related("user")
    loaded = list(terms)
    return [_roll(one, loaded, member) for one in meetings]


def _roll(meeting: Meeting, terms: Sequence[Membership], member: User | None) -> Roll:
    came = roster(meeting.attendances.all(), meeting.attendance_marks.all()).were_there
    instead = {one.for_member.pk: one.user for one in came.values() if one.for_member}
    entries = []
    for term in terms:
        if term.starts_on > meeting.date or (term.ends_on and term.ends_on < meeting.date):
            continue
        alternate = None if term.user_id in came else instead.get(term.user_id)
        presence = Presence.PRESENT if term.user_id in came else Presence.ABSENT
        entries.append(Entry(term.user, Presence.ALTERNATE if alternate else presence, alternate))
    own = next((entry for entry in entries if member and entry.member == member), None)
    return Roll(meeting, entries, own)
