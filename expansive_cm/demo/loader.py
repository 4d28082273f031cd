"""Lives through the stories in order, at the moments when they happened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone, translation

from accounts.models import Organisation
from changes.models import Change, Confirmation
from changes.reminders import ESCALATION_GRACE
from crb.lifecycle import fill_agenda
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepError

from . import board, steps
from .catalogue import create_services, link_services
from .clock import Clock, travelling
from .diary import Diary, Entry
from .letters import enter_letters
from .memory import remembering
from .outbox import deliver_quietly, read_what_is_older
from .people import create_people
from .releases import enter_releases
from .reviews import expect_review
from .schedule import Story, plan, read_stories
from .standards import enter_standards
from .templates import create_templates
from .views import create_labels, create_rules, create_views
from .windows import enter_windows
from .world import Step, World

BEGINNING = timedelta(days=400)
ASKS = ("document", "record_deployment")
"""The steps after which the requester is asked."""
OUTCOMES = ("record_execution", "record_deployment")
"""The steps after which it may be looked back on."""
Progress = Callable[[int, int, str], None]


def is_empty() -> bool:
    """Whether nobody has begun to use this database."""
    return not (Organisation.objects.exists() or Change.objects.exists())


def load(progress: Progress) -> int:
    """Load the whole demonstration or, when it fails, nothing; return the number of changes.

    Calls ``progress`` with entries done, entries known and what is being told. No task is
    started and nothing is sent: the mail of the past is in the outbox as delivered then.
    """
    now = timezone.now()
    clock = Clock(now - BEGINNING)
    files: list[str] = []
    try:
        with (
            translation.override("en-gb"),
            travelling(clock),
            transaction.atomic(),
            _without_savepoints(),
        ):
            _live_through(clock, Diary(now), files, progress)
            deliver_quietly()
            read_what_is_older(now)
            # Tasks that the steps would start find their work done.
            connection.run_on_commit.clear()
    except BaseException:
        for name in files:
            default_storage.delete(name)
        raise
    return Change.objects.count()


@contextmanager
def _without_savepoints() -> Iterator[None]:
    """Nothing here goes on after a failure: thousands of savepoints would only take time."""
    features = connection.features
    features.uses_savepoints = False
    try:
        yield
    finally:
        features.uses_savepoints = True


def _live_through(clock: Clock, diary: Diary, files: list[str], progress: Progress) -> None:
    stories = read_stories()
    rhythm = board.rhythm_for(diary.now)
    people = create_people()
    world = World(
        people=people,
        board=board.create_board(people, rhythm),
        services=create_services(),
        stories={story.key: story for story in stories},
        files=files,
    )
    board.enter_meetings(world, diary, rhythm)
    for planned in plan(stories, diary.now, partial(board.outcome_time, rhythm)):
        act = partial(_take, world, diary, planned.story, planned.step)
        diary.add(planned.moment, planned.story.title, act)
    enter_letters(world, diary)
    with remembering():
        create_templates(world)
        create_views(world)
        create_labels(world)
        link_services(world.services, world.people["owen"])
        enter_releases(world, diary)
        enter_windows(world, diary)
        enter_standards(world, diary)
        for done, entry in enumerate(diary):
            progress(done, diary.added, entry.title)
            clock.set(entry.moment)
            _act(entry)
        progress(diary.added, diary.added, "")
        clock.set(diary.now)
        create_rules(world)
        fill_agenda(world.board)


def _act(entry: Entry) -> None:
    try:
        entry.act()
    except (StepError, KeyError) as error:
        raise RuntimeError(f"“{entry.title}” on {entry.moment:%-d %B %Y}: {error!r}") from error


def _take(world: World, diary: Diary, story: Story, step: Step) -> None:
    steps.take(world, story, step)
    if step["do"] in OUTCOMES:
        expect_review(world, diary, story)
    if step["do"] in ASKS:
        asked = Confirmation.objects.filter(change_id=sure(story.change_id), answer="").first()
        if asked:
            _expect_an_answer(world, diary, story, asked)


def _expect_an_answer(world: World, diary: Diary, story: Story, confirmation: Confirmation) -> None:
    """Enter the reminders that beat would have sent; they send nothing once it is answered."""
    for days in settings.REMINDER_DAYS:
        moment = confirmation.asked_at + timedelta(days=days, minutes=1)
        step = {"do": "send_reminder", "confirmation": confirmation.pk, "after_days": days}
        diary.add(moment, story.title, partial(steps.take, world, story, step))
    step = {"do": "escalate", "confirmation": confirmation.pk}
    moment += ESCALATION_GRACE
    diary.add(moment, story.title, partial(steps.take, world, story, step))
