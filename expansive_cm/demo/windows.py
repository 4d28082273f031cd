"""Freezes and maintenance windows of the demonstration, and one that was cancelled."""

from datetime import datetime, time, timedelta
from functools import partial

from django.utils import timezone

from accounts.roles import Role
from changes import lifecycle
from changes.models import Service, Window

from .catalogue import LONDON, weekday
from .diary import Diary
from .world import World

SUNDAY = 6


def enter_windows(world: World, diary: Diary) -> None:
    """Enter when freezes and maintenance windows are made, and when one is given up."""
    kate, now = world.people["kate"], diary.now
    today = timezone.localdate(now)
    service = Service.objects.order_by("name")[0]
    diary.add(
        now - timedelta(days=30),
        "Sunday nights",
        partial(
            lifecycle.plan_window,
            actor=kate,
            kind=Window.Kind.MAINTENANCE,
            name="Sunday nights",
            effect=Window.Effect.WARNS,
            zone="Europe/London",
            service=service,
            weekday=SUNDAY,
            from_time=time(22),
            to_time=time(4),
            first=today - timedelta(days=30),
            until=today + timedelta(days=365),
            reason="Agreed with the customers whose desks are staffed on Sundays.",
        ),
    )
    for number, (name, effect, role, days, length) in enumerate(
        (
            ("Yearly audit", Window.Effect.WARNS, "", 5, 2),
            ("End of the quarter", Window.Effect.OVERRIDE, Role.CRB_MEMBER, 24, 4),
            ("Change of the telephone exchange", Window.Effect.REFUSES, "", 45, 1),
        )
    ):
        begins = datetime.combine(weekday(today + timedelta(days=days)), time(18), LONDON)
        diary.add(
            now - timedelta(days=20, minutes=number),
            name,
            partial(
                lifecycle.plan_window,
                actor=kate,
                kind=Window.Kind.FREEZE,
                name=name,
                effect=effect,
                override_role=role,
                zone="Europe/London",
                starts_at=begins,
                ends_at=begins + timedelta(days=length),
            ),
        )
    diary.add(now - timedelta(days=10), "The exchange stays", partial(_give_up, world))


def _give_up(world: World) -> None:
    lifecycle.cancel_window(
        Window.objects.get(name="Change of the telephone exchange"),
        actor=world.people["kate"],
        reason="The exchange is changed in spring.",
    )
