"""Who is there: what the chair marks of others, and what people say themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete

from ..models import Attendance, AttendanceMark, Meeting, Standing
from ..models.attendance import steps
from ..permissions import can_mark_attendance
from ..states import HERE, Mark
from .core import save, take_step

MOST_GUESTS = 30
MOST_MARKS = 60
"""How often one person is marked at one meeting, and how often guests are for each of them."""
MISTAKE = timedelta(minutes=10)
"""So long a mark as away can be taken back that its person has answered since."""
LONGEST_NAME = sure(AttendanceMark._meta.get_field("guest").max_length)


def mark_attendance(
    meeting: Meeting,
    *,
    actor: User,
    mark: str,
    user: User | None = None,
    guest: str = "",
    is_presenter: bool = False,
    at: datetime | None = None,
    seen: int | None = None,
) -> AttendanceMark:
    """Mark where one person stands at a running meeting. The chair or the deputy.

    The person is ``user``, who has a seat, presents an item or is there already, or a guest by
    name, who is not excused. ``at`` is since when; without it late and left are so from now on.
    ``seen`` is ``Standing.seen`` as the page showed it: of two who mark somebody at once, the
    second is told, unless both say the same, which is marked once. Raises StepForbidden,
    StepIllegal when the meeting is not running or the person may not be marked so, ChangeStale,
    and StepIncomplete for an unknown mark, an impossible time, and a name that is missing, too
    long or one too many.
    Effects: the mark with its history. Votes that were cast stay; who is marked as away does not
    vote until somebody, perhaps they themselves, says that they are back.
    """
    if mark not in Mark.values:
        raise StepIncomplete(_("Choose one of the marks."), ["mark"])
    name = _name(guest) if user is None else ""
    with take_step("mark_attendance", meeting, actor=actor) as step:
        fresh = step.on
        standing = fresh.roster.of(user, name)
        last = standing.last
        presents = is_presenter and not standing.is_presenter
        if last is not None and last.mark == mark and at in (None, last.at) and not presents:
            step.happened = False
            return last
        _require_unmoved(standing, seen)
        _check_number(fresh, user)
        if user is None:
            _check_guest(fresh, standing, mark)
            is_presenter = is_presenter or standing.is_presenter
        else:
            _check_person(fresh, user, mark)
        if at is not None:
            _check_time(fresh, standing, mark, at)
        return _append(fresh, standing, mark, at, actor=actor, is_presenter=is_presenter)


def take_back_mark(
    meeting: Meeting,
    *,
    actor: User,
    user: User | None = None,
    guest: str = "",
    seen: int | None = None,
) -> AttendanceMark:
    """Take back the last mark of somebody at a running meeting. The chair or the deputy.

    The mark before it, or what the person said themselves, counts again; a guest without any is
    no longer listed. What a member said after a mark is not taken back: it is theirs. But a mark
    as away that was a mistake, which they answered by saying that they are here, is taken back with
    that answer for a few minutes: the minutes then say neither, and the member is there. Raises
    StepForbidden, StepIllegal and ChangeStale. Effects: the mark, with its history, counts no more.
    """
    with take_step("take_back_mark", meeting, actor=actor, rule=can_mark_attendance) as step:
        standing = step.on.roster.of(user, guest)
        _require_unmoved(standing, seen)
        last = standing.last
        if last is None:
            raise StepIllegal(_("There is no mark to take back."))
        taken = [last]
        if last.is_own and last.user_id != actor.pk:
            taken = [_mistaken(standing), last]
        for one in taken:
            one.withdrawn_at = timezone.now()
            save(one, actor=actor, reason="took the mark back")
    return taken[0]


def _mistaken(standing: Standing) -> AttendanceMark:
    """Return the mark that somebody answered, as long as it can have been a mistake."""
    away = standing.contradicted
    if away is None:
        raise StepIllegal(_("They said so themselves: mark what you see instead."))
    if timezone.now() - away.set_at > MISTAKE:
        raise StepIllegal(_("This is too long ago to be taken back as a mistake."))
    return away


def attend(meeting: Meeting, user: User) -> Attendance:
    """Note that a person is at a running meeting, and whom they stand in for.

    Their arrival is noted once. Who was marked as away since says by it that they are back.
    """
    return _attend(meeting, user)[0]


def join_meeting(meeting: Meeting, *, actor: User) -> Attendance:
    """Record that a member is there; said twice it is recorded once.

    Who was marked as away is back by saying so.
    """
    with take_step("join_meeting", meeting, actor=actor) as step:
        found, step.happened = _attend(step.on, actor)
    return found


def _attend(meeting: Meeting, user: User) -> tuple[Attendance, bool]:
    """Note it, and say whether it is news."""
    seat = meeting.seat_of(user)
    standing_in = {"for_member": seat.absent if seat else None}
    found, is_new = Attendance.objects.get_or_create(
        meeting=meeting, user=user, defaults=standing_in
    )
    standing = meeting.roster.of(user)
    is_back = standing.is_away
    if is_back:
        _append(meeting, standing, Mark.PRESENT, _now(meeting, standing), actor=user)
    return found, is_new or is_back


def _append(
    meeting: Meeting,
    standing: Standing,
    mark: str,
    at: datetime | None,
    *,
    actor: User,
    is_presenter: bool = False,
) -> AttendanceMark:
    returns = mark in HERE and standing.mark == Mark.LEFT
    if at is None and (mark in (Mark.LATE, Mark.LEFT) or returns):
        at = _now(meeting, standing)
    seat = meeting.seat_of(standing.user) if standing.user else None
    made = AttendanceMark(
        meeting=meeting,
        user=standing.user,
        for_member=seat.absent if seat else None,
        guest=standing.guest,
        is_presenter=is_presenter,
        mark=mark,
        at=at,
        set_by=actor,
    )
    return save(made, actor=actor, reason=f"marked: {mark}")


def _require_unmoved(standing: Standing, seen: int | None) -> None:
    if seen is None or seen == standing.seen:
        return
    words = _("In the meantime %(name)s was marked by %(by)s. Look again before you mark them.")
    last = standing.last
    by = last.set_by if last else _("somebody else")
    raise ChangeStale(words % {"name": standing.user or standing.guest, "by": by})


def _name(guest: str) -> str:
    name = " ".join(guest.split())
    if not name:
        raise StepIncomplete(_("Give the name of the guest."), ["guest"])
    if len(name) > LONGEST_NAME or not name.isprintable():
        words = _("Give a name of at most %d characters, without special signs.") % LONGEST_NAME
        raise StepIncomplete(words, ["guest"])
    return name


def _check_number(meeting: Meeting, user: User | None) -> None:
    """Refuse to mark without an end; what was taken back counts, as it is kept."""
    most = MOST_MARKS if user is not None else MOST_MARKS * MOST_GUESTS
    if meeting.attendance_marks.filter(user=user).count() >= most:
        raise StepIllegal(_("%d marks are the most: this meeting has them.") % most)


def _check_guest(meeting: Meeting, standing: Standing, mark: str) -> None:
    if mark == Mark.EXCUSED:
        raise StepIncomplete(_("A guest is not expected, and so not excused."), ["mark"])
    if not standing.marks and len(meeting.roster.guests) >= MOST_GUESTS:
        raise StepIncomplete(_("A meeting has at most %d guests.") % MOST_GUESTS, ["guest"])


def _check_person(meeting: Meeting, user: User, mark: str) -> None:
    """Refuse who has nothing to do with the meeting, and that somebody comes who no longer may."""
    seat = meeting.seat_of(user)
    known = seat is not None or user.pk in meeting.roster.people
    if not known and not meeting.items.filter(presenter=user).exists():
        raise StepIllegal(
            _("%s has no seat here and presents nothing. Add them as a guest.") % user
        )
    able = seat.is_able if seat else user.is_active
    if mark in HERE and not able and not meeting.roster.of(user).is_here:
        raise StepIllegal(_("%s may no longer take part: their account or role has ended.") % user)


def _moments(meeting: Meeting, before: Sequence[AttendanceMark]) -> list[datetime]:
    """When the meeting was opened, and the moments of what was marked before."""
    known = [meeting.started_at, *(one.at for one in before)]
    return [one for one in known if one is not None]


def _now(meeting: Meeting, standing: Standing) -> datetime:
    """Now, but never before what came before: the clock may have been set back since."""
    return max([timezone.now(), *_moments(meeting, standing.steps)])


def _check_time(meeting: Meeting, standing: Standing, mark: str, at: datetime) -> None:
    """Refuse a time that somebody gives and at which it cannot have been."""
    *before, _this = steps([*standing.marks, AttendanceMark(mark=mark, at=at)])
    minute = at.replace(second=59, microsecond=999_999)  # people give it without seconds
    if not all(moment <= minute for moment in _moments(meeting, ())) or at > timezone.now():
        raise StepIncomplete(_("Give a time between the opening of the meeting and now."), ["at"])
    if any(moment > minute for moment in _moments(meeting, before)):
        raise StepIncomplete(_("This is before what was marked last. Check the time."), ["at"])
