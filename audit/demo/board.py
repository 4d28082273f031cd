"""The board of the demonstration: its members, a year of meetings, the votes on each change.

The board meets every other week on the weekday of the meeting that is running while somebody
looks at the demonstration: today's or, at the weekend, on a holiday and early in the morning,
that of the last working day.
"""

from datetime import datetime, time, timedelta
from functools import partial
from zlib import crc32

from django.utils import timezone

from accounts.models import User
from changes.models import BoardDecision, Change
from crb import lifecycle, queries
from crb.models import AgendaItem, Board, Meeting, Membership
from crb.schedule import Rhythm, cutoff_of, holiday_on, slot

from .catalogue import LONDON, weekday
from .diary import Diary
from .people import People, saved
from .world import Step, World

DAYS_BETWEEN = 14
PAST_MEETINGS = 27
REGION = "GB-ENG"
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
    number = PAST_MEETINGS - round(ago) // DAYS_BETWEEN
    return slot(rhythm, rhythm.first_date + timedelta(days=DAYS_BETWEEN * number)).starts_at


def outcome_time(rhythm: Rhythm, ago: float, seed: str) -> datetime:
    """Return when, in that meeting, a change had its turn."""
    minutes = FIRST_OUTCOME + crc32(seed.encode()) % MINUTES_OF_OUTCOMES
    return meeting_time(rhythm, ago) + timedelta(minutes=minutes)


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
    for number in range(1, PAST_MEETINGS + 1):
        begins = meeting_time(rhythm, number * DAYS_BETWEEN)
        diary.add(begins, str(board), partial(_open, world))
        ends = begins + timedelta(minutes=board.length_minutes)
        diary.add(ends, str(board), partial(_close, world))
    begins = meeting_time(rhythm, 0)
    diary.add(begins - timedelta(hours=1), str(board), partial(_prepare, world, begins))
    diary.add(begins, str(board), partial(_open, world))
    diary.add(begins + timedelta(minutes=2), str(board), partial(_join, world))
    diary.add(begins + timedelta(minutes=12), str(board), partial(_vote_so_far, world))


def cutoff(rhythm: Rhythm, begins: datetime, days: int) -> datetime:
    """Return when the agenda of a meeting is published."""
    day = begins.astimezone(LONDON).date()
    return cutoff_of(day, rhythm.start, rhythm.zone, days, rhythm.holiday_region)


def _publish(world: World, begins: datetime) -> None:
    """Fill the agenda a last time, as beat does every minute, and publish it."""
    meeting = world.board.meetings.get(starts_at=begins)
    lifecycle.fill_agenda(world.board)
    lifecycle.publish_agenda(meeting)


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
    meeting = queries.next_meeting(world.board)
    lifecycle.start_meeting(meeting, actor=world.people.chair)


def _join(world: World) -> None:
    """All but one are there; in past meetings a vote says that somebody was."""
    for member in world.people.board[1:-1]:
        lifecycle.join_meeting(_running(world), actor=member)


def _close(world: World) -> None:
    lifecycle.close_meeting(_running(world), actor=world.people.chair)


def _running(world: World) -> Meeting:
    meeting = queries.running(world.board)
    if meeting is None:
        raise LookupError("no meeting is running")
    return meeting


def record_board_outcome(world: World, change: Change, step: Step) -> None:
    """The members vote, mostly for what becomes the outcome; the chair records it."""
    item = _item_of(world, change)
    _vote(world, item, step)
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
    for member in world.people.board:
        name = member.display_name.split()[0].lower()
        if name in step.get("recused", {}):
            continue
        lot = crc32(f"{item.change_id}:{name}".encode())
        choice = own.get(name) or ("abstain" if lot % 9 == 0 else step["outcome"])
        _cast(item, member, choice, step, lot)


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
