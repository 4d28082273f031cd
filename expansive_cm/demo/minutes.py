"""Minutes and actions of the last meetings of the demonstration's board."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from crb import lifecycle
from crb.models import Action, Meeting

from .diary import Diary
from .world import World


@dataclass(frozen=True)
class Task:
    """An action: who does what, due and perhaps done so many days after the meeting."""

    text: str
    owner: str
    due: int
    done: int | None = None


@dataclass(frozen=True)
class Notes:
    """What the chair adds to the record of one meeting."""

    remarks: str
    tasks: tuple[Task, ...]
    discussion: str = ""
    """Of the first item that was decided."""


LATEST = Notes(
    "The meeting began five minutes late. Priya asked for agendas with no more than six items; "
    "the chair will watch the time boxes.",
    (
        Task("Propose time boxes for the longer items of the next agenda", "ravi", 35),
        Task("Ask Meridian who speaks for suppliers' own identity providers", "sofia", 9, 6),
    ),
)
CALLED = Notes(
    "Called for the one item. The others were not prepared and stay for the regular meeting.",
    (Task("Tell Northgate what the fire service can be told", "bethan", 2, 1),),
    "Bethan reported from the drill: the printed list was in the building that was being "
    "evacuated. A list that works without a network was held to be the only answer; the effort "
    "was not disputed.",
)
EARLIER = Notes(
    "Nothing beside the agenda.",
    (
        Task("Find out which standard a lone worker alarm must meet", "owen", 14, 8),
        Task("Report on promises that are due this quarter", "daniel", 60),
    ),
)


def enter_minutes(world: World, diary: Diary, ends: datetime, notes: Notes) -> None:
    """Enter that the chair writes and publishes the minutes after the meeting's end."""
    written = ends + timedelta(minutes=75)
    diary.add(written, "minutes", partial(_write, world, notes))
    for task in notes.tasks:
        if task.done is not None:
            moment = written + timedelta(days=task.done)
            diary.add(moment, task.text, partial(_complete, world, task))


def _write(world: World, notes: Notes) -> None:
    meeting: Meeting = world.board.meetings.filter(state="closed").latest("starts_at")
    chair = world.people.chair
    lifecycle.write_minutes(meeting, actor=chair, text=notes.remarks)
    item = meeting.items.filter(state="decided").first()
    if notes.discussion and item is not None:
        lifecycle.write_minutes(meeting, actor=chair, text=notes.discussion, item=item)
    for task in notes.tasks:
        lifecycle.record_action(
            meeting,
            actor=chair,
            text=task.text,
            owner=world.people[task.owner],
            due_on=meeting.date + timedelta(days=task.due),
        )
    lifecycle.publish_minutes(meeting, actor=chair)


def _complete(world: World, task: Task) -> None:
    owner = world.people[task.owner]
    lifecycle.complete_action(Action.objects.get(text=task.text), actor=owner)
