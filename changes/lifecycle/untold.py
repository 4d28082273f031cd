"""What moved since people last heard when a promised change comes; told by ``forecasts``."""

from datetime import date

from django.db.models import Q

from accounts.models import User

from ..models import Change, Release, UntoldMove
from ..promises import day_known
from ..states import BEFORE_DEPLOYED


def note_move(release: Release, *, actor: User, why: str) -> None:
    """Keep what is known of what a release brings, or is promised for, before it moves.

    Belongs before the release is saved. What was kept before, and is not told yet, stays.
    """
    counts = Q(release=release) | Q(promised_release=release)
    concerned = Change.objects.filter(counts, state__in=BEFORE_DEPLOYED)
    concerned = concerned.exclude(promise="").select_related("release", "promised_release")
    changes = concerned.prefetch_related("deployments").defer("description", "search")
    moves = [
        UntoldMove(
            change=one,
            forecast_on=day_known(one),
            due_on=one.due_on,
            release=release,
            why=why,
            by=actor,
        )
        for one in changes.order_by("pk")
    ]
    if not moves:
        return
    kept = UntoldMove.objects.filter(change__in=[one.change_id for one in moves])
    # Releases that concern the same changes may move at once: each takes the rows in one order.
    list(kept.order_by("change_id").select_for_update(no_key=True).values_list("pk"))
    kept.exclude(by=actor).update(by=None)  # nobody knows of all that moved it
    kept.update(release=release, why=why)
    UntoldMove.objects.bulk_create(moves, ignore_conflicts=True, batch_size=1000)


def note_settled(
    change: Change, forecast_on: date | None, due_on: date | None, release: Release
) -> None:
    """Keep what was known before a promise got its release, unless something is kept already.

    As when the day promised is known only now, or another release takes the place of one.
    """
    if change.state not in BEFORE_DEPLOYED:
        return
    known = UntoldMove(change=change, forecast_on=forecast_on, due_on=due_on, release=release)
    UntoldMove.objects.bulk_create([known], ignore_conflicts=True)


def heard_of_plan(change: Change) -> None:
    """Note that people are told of the release for which a change is planned now."""
    UntoldMove.objects.filter(change=change).update(forecast_on=day_known(change))


def heard_of_promise(change: Change, due_on: date | None) -> None:
    """Note that people are told of the day promised now."""
    UntoldMove.objects.filter(change=change).update(due_on=due_on)
