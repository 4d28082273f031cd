"""The board of the demonstration: its members, a year of meetings, the votes on each change.

The board meets every other week on the weekday of the meeting that is running while somebody
looks at the demonstration: today's or, at the weekend, on a holiday and early in the morning,
that of the last working day.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from zlib import crc32

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from changes.models import BoardDecision, Change
from crb import lifecycle, queries
from crb.models import AgendaItem, Board, Meeting, Membership, Seat
from crb.schedule import Rhythm, cutoff_of, holiday_on, slot
from crb.states import Mark
from expansive_cm.sure import sure

from .catalogue import LONDON, weekday
from .diary import Diary
from .minutes import CALLED, EARLIER, LATEST, enter_minutes
from .people import ALTERNATE, People, saved
from .world import Step, World

DAYS_BETWEEN = 14
PAST_MEETINGS = 27
REGION = "GB-ENG"
EXTRAORDINARY, EXTRAORDINARY_MINUTES = 32, 45
"""An extraordinary meeting so many days before the running one, and how long it was."""
CANCELLED = 308
"""The meeting so many days before the running one was cancelled."""
STOOD_IN = 56
"""At the meeting so many days before the running one an alternate sat in a member's place."""
MINUTES = {28: EARLIER, EXTRAORDINARY: CALLED, 14: LATEST}
"""What the chair wrote after the meetings so many days before the running one."""
FIRST_OUTCOME, MINUTES_OF_OUTCOMES = 10, 70
REMARKS = (
    "Good case, clearly described.",
    "The effort is reasonable.",
    "",
    "Other customers will use it too.",
    "",
)
DOUBTS = (
    "I would rather see the figures first.",
    "I am not convinced that this is ours to solve.",
    "No strong view.",
)
LATE_REASONS = (
    "The customer's deadline is before the next meeting.",
    "It belongs together with another item of this agenda.",
    "Short, and its preparation is complete.",
)
NOTES = "Begin with what the customer gains; the cost was asked about last time."
VOTES_SO_FAR = (
    ("accepted",) * 7,
    ("rejected", "accepted", "accepted", "rejected", "abstain"),
    ("accepted_as_priority", "information_required"),
)
"""In the running meeting: one item decided but for its record, one contested, one begun."""


def rhythm_for(now: datetime) -> Rhythm:
    """Return the rhythm whose running meeting began a while before now, on a working day."""
    local = now.astimezone(LONDON)
    begins = local - timedelta(minutes=50)
    earliest, latest = time(8), time(16, 30)
    day = local.date()
    if begins.date() < day or begins.time() < earliest:
        day -= timedelta(days=1)
        begins = datetime.combine(day, latest, LONDON)
    while weekday(day) != day or holiday_on(day, REGION):
        day -= timedelta(days=1)
    start = min(time(begins.hour, begins.minute // 30 * 30), latest)
    return Rhythm(
        zone="Europe/London",
        weekday=day.weekday(),
        start=max(start, earliest),
        first_date=day - timedelta(days=DAYS_BETWEEN * PAST_MEETINGS),
        interval_days=DAYS_BETWEEN,
        holiday_region=REGION,
    )


def meeting_time(rhythm: Rhythm, ago: float) -> datetime:
    """Return when the meeting began whose turn was so many days before the running one."""
    if round(ago) == EXTRAORDINARY:
        return datetime.combine(extraordinary_day(rhythm), rhythm.start, LONDON)
    number = PAST_MEETINGS - round(ago) // DAYS_BETWEEN
    return slot(rhythm, rhythm.first_date + timedelta(days=DAYS_BETWEEN * number)).starts_at


def extraordinary_day(rhythm: Rhythm) -> date:
    """Return the working day of the extraordinary meeting, between two of the rhythm."""
    running = rhythm.first_date + timedelta(days=DAYS_BETWEEN * PAST_MEETINGS)
    day = weekday(running - timedelta(days=EXTRAORDINARY))
    while weekday(day) != day or holiday_on(day, REGION):
        day -= timedelta(days=1)
    return day


def outcome_time(rhythm: Rhythm, ago: float, seed: str) -> datetime:
    """Return when, in that meeting, a change had its turn."""
    spread = MINUTES_OF_OUTCOMES
    if round(ago) == EXTRAORDINARY:
        spread = EXTRAORDINARY_MINUTES - 2 * FIRST_OUTCOME
    past = FIRST_OUTCOME + crc32(seed.encode()) % spread
    return meeting_time(rhythm, ago) + timedelta(minutes=past)


def create_board(people: People, rhythm: Rhythm) -> Board:
    """Create the board with its seven members."""
    board = saved(
        Board(
            name="Change Request Board",
            zone=rhythm.zone,
            weekday=rhythm.weekday,
            start=rhythm.start,
            first_date=rhythm.first_date,
            holiday_region=rhythm.holiday_region,
        )
    )
    for number, member in enumerate(people.board):
        saved(
            Membership(
                board=board,
                user=member,
                starts_on=rhythm.first_date,
                is_chair=number == 0,
                is_deputy=number == 1,
            )
        )
    return board


def enter_meetings(world: World, diary: Diary, rhythm: Rhythm) -> None:
    """Enter the planning of meetings, each meeting's beginning and end, and the running one."""
    board = world.board
    plan = partial(lifecycle.schedule_meetings, board)
    for days in range(0, DAYS_BETWEEN * PAST_MEETINGS + 60, 4 * DAYS_BETWEEN):
        diary.add(timezone.now() + timedelta(days=days), str(board), plan)
    for number in range(-1, PAST_MEETINGS + 1):
        begins = meeting_time(rhythm, number * DAYS_BETWEEN)
        published = cutoff(rhythm, begins, board.cutoff_days)
        diary.add(published, str(board), partial(_publish, world, begins))
    held = {number * DAYS_BETWEEN for number in range(1, PAST_MEETINGS + 1)} - {CANCELLED}
    for ago in (*held, EXTRAORDINARY):
        begins = meeting_time(rhythm, ago)
        diary.add(begins, str(board), partial(_open, world))
        length = EXTRAORDINARY_MINUTES if ago == EXTRAORDINARY else board.length_minutes
        ends = begins + timedelta(minutes=length)
        diary.add(ends, str(board), partial(_close, world))
        if ago in MINUTES:
            enter_minutes(world, diary, ends, MINUTES[ago])
    _enter_what_is_out_of_the_ordinary(world, diary, rhythm)
    begins = meeting_time(rhythm, 0)
    # By now another one may lie within three months: on some dates beat would find it.
    diary.add(begins - timedelta(hours=2), str(board), plan)
    diary.add(begins - timedelta(hours=1), str(board), partial(_prepare, world, begins))
    diary.add(begins, str(board), partial(_open, world))
    diary.add(begins + timedelta(minutes=2), str(board), partial(_join, world))
    diary.add(begins + timedelta(minutes=12), str(board), partial(_vote_so_far, world))
    diary.add(begins + timedelta(minutes=15), str(board), partial(_look_ahead, world))


def _enter_what_is_out_of_the_ordinary(world: World, diary: Diary, rhythm: Rhythm) -> None:
    """A meeting was cancelled, one was called, and somebody stood in for a member."""
    called = meeting_time(rhythm, EXTRAORDINARY)
    days: dict[datetime, Callable[..., object]] = {
        meeting_time(rhythm, CANCELLED) - timedelta(days=6): _cancel,
        called - timedelta(days=2): partial(_call, rhythm=rhythm),
        called - timedelta(days=2, minutes=-1): partial(_publish, begins=called),
        meeting_time(rhythm, STOOD_IN) - timedelta(days=6): partial(
            _be_away, name="callum", reason="Parental leave"
        ),
    }
    for moment, act in days.items():
        diary.add(moment, str(world.board), partial(act, world))


def _cancel(world: World) -> None:
    lifecycle.cancel_meeting(
        sure(queries.next_meeting(world.board)),
        actor=world.people.chair,
        reason="Four of the seven members are at the users' conference.",
    )


def _call(world: World, rhythm: Rhythm) -> None:
    lifecycle.call_meeting(
        world.board,
        actor=world.people.chair,
        date=extraordinary_day(rhythm),
        start=rhythm.start,
        length_minutes=EXTRAORDINARY_MINUTES,
        purpose="In the last drill nobody had the evacuation list. Northgate must tell the fire "
        "service within days what will be done about it.",
    )


def _be_away(world: World, name: str, reason: str) -> None:
    """A member is away around the next meeting, and the alternate stands in."""
    member = world.people[name]
    day = sure(queries.next_meeting(world.board)).date
    lifecycle.record_absence(
        world.board.memberships.get(user=member),
        actor=member,
        starts_on=max(day - timedelta(days=4), world.board.today),
        ends_on=day + timedelta(days=5),
        alternate=world.people[ALTERNATE],
        reason=reason,
    )


def _look_ahead(world: World) -> None:
    """Of the meetings to come one is moved, one cancelled, and one is without a member."""
    following, moved, _kept, cancelled, *_later = queries.upcoming(world.board)
    lifecycle.record_absence(
        world.board.memberships.get(user=world.people["priya"]),
        actor=world.people["priya"],
        starts_on=following.date - timedelta(days=4),
        ends_on=following.date + timedelta(days=5),
        alternate=world.people[ALTERNATE],
        reason="Holiday",
    )
    lifecycle.move_meeting(
        moved,
        actor=world.people.chair,
        date=moved.date,
        start=_another_time(moved.start),
        length_minutes=60,
        reason="The board's room is taken for the quarterly review; a shorter agenda will do.",
    )
    lifecycle.cancel_meeting(
        cancelled,
        actor=world.people.chair,
        reason="Nothing urgent is expected, and half the board is travelling.",
    )


def _another_time(start: time) -> time:
    return time(10) if start >= time(12) else time(15)


def cutoff(rhythm: Rhythm, begins: datetime, days: int) -> datetime:
    """Return when the agenda of a meeting is published."""
    day = begins.astimezone(LONDON).date()
    return cutoff_of(day, rhythm.start, rhythm.zone, days, rhythm.holiday_region)


def _publish(world: World, begins: datetime) -> None:
    """Publish the agenda, which fills it a last time; if it is not held, the next one fills."""
    meeting = world.board.meetings.get(starts_at=begins)
    if lifecycle.publish_agenda(meeting) is None:
        lifecycle.fill_agenda(world.board)


def _prepare(world: World, begins: datetime) -> None:
    """The chair plans the first items of the published agenda; on two others all agree."""
    meeting = world.board.meetings.get(starts_at=begins)
    items = list(meeting.items.filter(state="open").order_by("position")[:5])
    for item, presenter, minutes in zip(items, world.people.board[1:], (10, 20, 15), strict=False):
        lifecycle.plan_item(
            item, actor=world.people.chair, presenter=presenter, time_box=minutes, notes=NOTES
        )
    for item in items[3:]:
        for member in world.people.board[1:6]:
            _cast(item, member, "accepted", {"outcome": "accepted"}, crc32(member.email.encode()))


def _open(world: World) -> None:
    meeting = sure(queries.next_meeting(world.board))
    lifecycle.start_meeting(meeting, actor=world.people.chair)


def _join(world: World) -> None:
    """All but one are there; in past meetings a vote says that somebody was."""
    meeting, chair = _running(world), world.people.chair
    for member in world.people.board[1:-1]:
        lifecycle.join_meeting(meeting, actor=member)
    late = world.people.board[2]
    lifecycle.mark_attendance(meeting, actor=chair, user=late, mark=Mark.LATE)
    lifecycle.mark_attendance(
        meeting, actor=chair, guest="Ines Falk, fire safety", mark=Mark.TELEPHONE, is_presenter=True
    )


def _close(world: World) -> None:
    lifecycle.close_meeting(_running(world), actor=world.people.chair)


def _running(world: World) -> Meeting:
    meeting = queries.running(world.board)
    if meeting is None:
        raise LookupError("no meeting is running")
    return meeting


def record_board_outcome(world: World, change: Change, step: Step) -> None:
    """The members vote, mostly for what becomes the outcome; the chair records it.

    ``slip`` is a reason that was recorded by mistake first, ``slip_why`` why it was taken back.
    """
    item = _item_of(world, change)
    _vote(world, item, step)
    if "slip" in step and settings.OUTCOME_UNDO_SECONDS:
        _record(world, item, {**step, "text": step["slip"]})
        fresh = AgendaItem.objects.get(pk=item.pk)
        lifecycle.take_back_outcome(fresh, actor=world.people.chair, reason=step["slip_why"])
        item = AgendaItem.objects.get(pk=item.pk)
    _record(world, item, step)


def _record(world: World, item: AgendaItem, step: Step) -> None:
    lifecycle.record_outcome(
        item,
        actor=world.people.chair,
        outcome=step["outcome"],
        reason=step.get("text", ""),
        category=step.get("category", ""),
        elsewhere=step.get("elsewhere", ""),
        questions=[(text, world.people[name]) for text, name in step.get("questions", [])],
        casting_vote=step.get("casting_vote", False),
    )


def _item_of(world: World, change: Change) -> AgendaItem:
    """Return the change's item in the running meeting; the chair adds what came too late."""
    meeting = _running(world)
    item = meeting.items.filter(change=change, state="open").first()
    if item is not None:
        return item
    reason = LATE_REASONS[change.pk % len(LATE_REASONS)]
    return lifecycle.add_late(change, meeting, actor=world.people.chair, reason=reason)


def _vote(world: World, item: AgendaItem, step: Step) -> None:
    """Cast everybody's vote; ``votes`` and ``recused`` of the step name who differs, and how."""
    own = step.get("votes", {})
    for name, reason in step.get("recused", {}).items():
        lifecycle.recuse(item, actor=world.people[name], reason=reason)
    for seat in item.meeting.members:
        member, name = seat.user, seat.user.display_name.split()[0].lower()
        if name in step.get("recused", {}) or (not own and _stayed_away(seat, item.meeting)):
            continue
        lot = crc32(f"{item.change_id}:{name}".encode())
        choice = own.get(name) or ("abstain" if lot % 9 == 0 else step["outcome"])
        _cast(item, member, choice, step, lot)


def _stayed_away(seat: Seat, meeting: Meeting) -> bool:
    """Now and then a member other than chair and alternate misses a meeting."""
    missing = crc32(f"{meeting.date:%j}".encode()) % 9
    others = [one for one in meeting.members if not one.is_chair and one.absent is None]
    return missing < len(others) and others[missing].user_id == seat.user_id


def _cast(item: AgendaItem, member: User, choice: str, step: Step, lot: int) -> None:
    differs = choice != step["outcome"]
    remarks = DOUBTS if differs else REMARKS
    question = next((text for text, _name in step.get("questions", [])), "Who else needs this?")
    lifecycle.cast_vote(
        item,
        actor=member,
        choice=choice,
        reason=remarks[lot % len(remarks)],
        question=question,
        category=step.get("category") or BoardDecision.Category.NOT_STRATEGIC,
        elsewhere=step.get("elsewhere", ""),
    )


def _vote_so_far(world: World) -> None:
    items = list(_running(world).items.filter(state="open").order_by("position")[:3])
    members = world.people.board
    begun = (
        [(member, "accepted") for member in members],
        list(
            zip(members, ("rejected", "accepted", "accepted", "rejected", "abstain"), strict=False)
        ),
        list(zip(members[1:], ("accepted_as_priority", "information_required"), strict=False)),
    )
    for item, votes in zip(items, begun, strict=False):
        for member, choice in votes:
            lot = crc32(f"{item.change_id}:{member.pk}".encode())
            _cast(item, member, choice, {"outcome": "accepted"}, lot)
