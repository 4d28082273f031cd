"""Reviews of the demonstration: what is long over was looked back on, what is not is still due."""

from datetime import timedelta
from functools import partial

from django.utils import timezone

from changes import lifecycle
from changes.lifecycle.core import lock
from changes.models import Change, PostReview

from .diary import Diary
from .schedule import Story
from .world import World

AFTER = timedelta(days=8)
"""So long after an outcome it was looked back on."""
DONE_AFTER = timedelta(days=10)
DAYS_FOR_ACTION = 14


def expect_review(world: World, diary: Diary, story: Story) -> None:
    """Enter the review that an outcome has asked for, if it has."""
    review = PostReview.objects.filter(change=story.change_id, recorded_at=None).first()
    if review is not None and not review.is_of_emergency:
        act = partial(_record, world, diary, review)
        diary.add(timezone.now() + AFTER, story.title, act)


def _record(world: World, diary: Diary, review: PostReview) -> None:
    review.refresh_from_db()
    if not review.is_open:
        return
    review.change = lock(Change(pk=review.change_id))
    manager = world.manager(review.change)
    back = review.is_of_rollback
    lifecycle.record_post_review(
        review,
        actor=manager,
        happened="It was taken back as planned, before anybody had to work without it."
        if back
        else "It was put in place as planned, within its window.",
        met=PostReview.Met.NO if back else PostReview.Met.YES,
        findings="The trial did not have the customer's own data." if back else "",
    )
    if back:
        _act_on_it(world, diary, review)


def _act_on_it(world: World, diary: Diary, review: PostReview) -> None:
    nadia = world.people["nadia"]
    day = timezone.localdate() + timedelta(days=DAYS_FOR_ACTION)
    text = "Keep a copy of the customer's data for trials of this kind."
    action = lifecycle.add_post_action(
        review, actor=world.manager(review.change), text=text, owner=nadia, due_on=day
    )
    outcome = "The copy is taken each Sunday."
    done = partial(lifecycle.complete_post_action, action, actor=nadia, outcome=outcome)
    diary.add(timezone.now() + DONE_AFTER, review.change.title, done)
