"""Who counts on a promised change is told, once, that the day on which it comes has moved."""

from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from expansive_cm.workflow.acts import acting

from .. import messages, news
from ..models import Change, Notice, Release, UntoldMove
from ..moved_forecasts import MOVED, known_now, known_of, shown
from ..promises import release_ahead
from ..states import BEFORE_DEPLOYED
from .core import Step, lock, record_event
from .promises import settle_promise


def tell_of_forecast(change_id: int) -> bool:
    """Tell of what moved since people last heard of it; return whether there was anything.

    Nothing new where it is as it was: only whose mail of that was dropped, as it was not so for a
    while, is to get another. Nothing where the change is in place or given up, or where nothing is
    promised any more. Effects: an event, which customers read of where the day that they know
    has moved; messages.
    """
    with acting():
        settle_promise(change_id)
        change = lock(Change(pk=change_id))
        moves = UntoldMove.objects.filter(change=change).select_related("release")
        move = moves.select_for_update(of=("self",)).first()
        if move is None:
            return False
        moves.delete()
        if not change.promise or change.state not in BEFORE_DEPLOYED:
            return False
        before, after = known_of(change, move.forecast_on, move.due_on), known_now(change)
        if before == after:
            return _tell_again(change)
        step = Step(change, MOVED, None)
        step.internal = shown(before) == shown(after)
        release, why = (move.release, move.why) if _is_its_doing(change, move) else (None, "")
        step.reason = _words(release, before, after, why)
        step.data = {"before": before, "after": after, "why": why, "by": move.by_id}
        messages.announce(change, record_event(step))
        return True


def _tell_again(change: Change) -> bool:
    """Let who was not told of the last move be told of it, as it is so again."""
    last = change.events.filter(verb=MOVED).order_by("-pk").values("pk")[:1]
    left_out = Q(email=None, is_for_digest=False, is_in_inbox=False)
    dropped = left_out | Q(email__expires_at__isnull=False)
    untold = Notice.objects.filter(dropped, change=change, message=MOVED, event__in=last)
    told = list(untold.select_related("person"))
    for notice in told:
        way = news.way_of(notice.person, notice.message, notice.why)
        notice.email, notice.is_for_digest = None, way.is_mailed
        notice.is_in_inbox = way.is_in_app
    Notice.objects.bulk_update(told, ["email", "is_for_digest", "is_in_inbox"])
    return bool(told)


def _is_its_doing(change: Change, move: UntoldMove) -> bool:
    """Whether the days are those of the release that moved, and of no other that took its place."""
    brings = release_ahead(change)
    if move.release.cancelled_at is not None or move.release == brings:
        return True
    return move.release_id == change.promised_release_id and move.due_on != change.due_on


def _words(release: Release | None, before: dict[str, Any], after: dict[str, Any], why: str) -> str:
    """Say for colleagues what moved, from when to when, and why the release did, if it did."""
    parts = []
    for name, label in (("forecast_on", _("Forecast")), ("due_on", _("Promised by"))):
        if before[name] != after[name]:
            parts.append(f"{label}: {_day(before[name])} → {_day(after[name])}")
    words = f"{', '.join(parts)}."
    if release:
        words = f"{_('Release %s') % release}. {words}"
    return f"{words} {why}" if why else words


def _day(kept: str | None) -> str:
    return date_format(date.fromisoformat(kept), "j M Y") if kept else "–"
