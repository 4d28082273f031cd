"""Releases of the demonstration: planned, frozen, out, one that slipped and one cancelled."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from django.db.models import Q
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from changes import forecast_mail, lifecycle, reminders
from changes.gates import PROMISED
from changes.lifecycle.releases import undeployed
from changes.models import Change, Release
from changes.promises import goes_beyond
from changes.settling import settle
from changes.states import BEFORE_DEPLOYED, State
from crb import lifecycle as board_lifecycle
from crb.models import AgendaItem
from expansive_cm.post.rows import UNWORDED
from expansive_cm.sure import sure

from .catalogue import LONDON, weekday
from .diary import Diary
from .world import World

DAYS_BETWEEN = 35
PAST = 10
PLANNED = 6
FREEZE = timedelta(days=10)
"""How long before a release its code is complete."""
SLIPPED = 2
"""The one of those to come that was planned a week earlier."""
EARLY = (State.REQUIREMENTS, State.RISK_ASSESSMENT)


def enter_releases(world: World, diary: Diary) -> None:
    """Plan a release every five weeks around today, and enter what becomes of each."""
    kate, today = world.people["kate"], timezone.localdate(diary.now)
    for number in range(-PAST, PLANNED + 1):
        day = _after_weekend(today + timedelta(days=number * DAYS_BETWEEN))
        first = weekday(day - timedelta(days=7)) if number == SLIPPED else day
        release = lifecycle.plan_release(
            actor=kate,
            name=f"{day:%Y.%m}",
            planned_on=first,
            freeze_on=weekday(first - FREEZE),
            notes="Together with the yearly audit of access rights." if number == 1 else "",
        )
        if number == SLIPPED:
            moment = diary.now - timedelta(days=20)
            diary.add(moment, release.name, partial(_slip, release, kate, day))
        else:
            frozen = datetime.combine(weekday(day - FREEZE), time(9), LONDON)
            diary.add(frozen, release.name, partial(lifecycle.freeze_release, release, actor=kate))
        out = datetime.combine(day, time(20), LONDON)
        diary.add(out, release.name, partial(_finish, release, kate))
    extra = lifecycle.plan_release(
        actor=kate, name="Summer extra", planned_on=weekday(today - timedelta(days=200))
    )
    reason = "Two small changes only: they go out with the next release."
    lifecycle.cancel_release(extra, actor=kate, reason=reason)
    moment = diary.now - timedelta(hours=1)
    diary.add(moment, "What is in which release", partial(_fill, kate))
    diary.add(moment + timedelta(minutes=20), "A promise that is moved", partial(_move, world))


def _after_weekend(day: date) -> date:
    """Return the day itself, or the Monday after a weekend.

    That of today is to come on every day: on a Friday gone by it would break what is at risk.
    """
    return day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])


def join(change: Change, release: Release, kate: User) -> Change:
    """Let a change join a release, with a reason where that is frozen, or late."""
    return lifecycle.assign_release(change, actor=kate, release=release, **reasons(change, release))


def reasons(change: Change, release: Release) -> dict[str, Any]:
    """Return why a change goes out with a release, where that has to be said."""
    if goes_beyond(change, release):
        return {
            "reason": "The interface that it needs was built for another customer first.",
            "told": "A part that it builds on has to be finished first.",
        }
    return {"reason": "Its tests were done before the freeze." if release.frozen_at else ""}


def _slip(release: Release, kate: User, day: date) -> None:
    lifecycle.change_release(
        release,
        actor=kate,
        name=release.name,
        planned_on=day,
        freeze_on=weekday(day - FREEZE),
        notes="",
        reason="Single sign-on of two customers is moved that week.",
    )
    for pk in reminders.unsettled_promises():
        lifecycle.settle_promise(pk)
    _tell()


def _tell() -> None:
    """Tell who counts on it what has moved."""
    for pk in reminders.untold_moves():
        lifecycle.tell_of_forecast(pk)
    for pk in forecast_mail.to_gather():
        forecast_mail.gather(pk)
    for email in Email.objects.filter(backend_alias=UNWORDED, expires_at=None).order_by("pk"):
        settle(email)


def _finish(release: Release, kate: User) -> None:
    reason = "What is not deployed yet follows with a later one." if undeployed(release) else ""
    lifecycle.finish_release(release, actor=kate, reason=reason)
    _tell()


def _fill(kate: User) -> None:
    """Put what is being built into the next releases, what has just begun into a later one."""
    coming = list(Release.objects.filter(released_at=None, cancelled_at=None, frozen_at=None))
    waiting = Change.objects.filter(state__in=BEFORE_DEPLOYED, release=None).order_by("pk")
    for number, change in enumerate(waiting):
        release = coming[2 if change.state in EARLY else number % 2]
        join(change, release, kate)
    _tell()


def _move(world: World) -> None:
    """The chair promises another day of what is due next and has not passed."""
    chair, today = world.people.chair, world.board.today
    own = Q(raised_by=chair) | Q(requester=chair)
    under_way = Change.objects.filter(due_on__gt=today, state__in=PROMISED, path=1).exclude(own)
    change = under_way.order_by("due_on", "pk")[0]
    item = AgendaItem.objects.filter(change=change, outcome__isnull=False).latest("pk")
    board_lifecycle.replan_promise(
        item,
        actor=chair,
        due_on=weekday(sure(change.due_on) + timedelta(days=90)),
        reason="The supplier of a part delivers one season later than agreed.",
    )
