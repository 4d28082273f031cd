"""The changes that a list shows: each filter as a queryset."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Upper
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.utils import timezone

from accounts.models import User
from expansive_cm.texts import composed
from expansive_cm.ui.paging import Order, in_order

from . import gathered, promises, queries, searching
from .filters import EARLIEST, LATEST, ME, NONE, STAGES
from .models import Change, ChangeLabel
from .offered import labels_for
from .orders import FIRST_DUE
from .searching import Words
from .states import OPEN, State

MAX_SIMILAR = 25
DAY = timedelta(days=1)


def select(user: User, wanted: dict[str, Any]) -> QuerySet[Change]:
    """Return the changes that the person sees and that every filter but the text lets through."""
    changes = _view(user, wanted.get("view") or "")
    if wanted.get("state"):
        changes = changes.filter(state__in=wanted["state"])
    if wanted.get("stage"):
        states = frozenset[State]().union(*(STAGES[name][1] for name in wanted["stage"]))
        changes = changes.filter(state__in=states)
    if wanted.get("requester"):
        changes = changes.filter(requester__in=wanted["requester"])
    if "askers" in wanted:
        changes = changes.filter(requester__in=wanted["askers"])
    if wanted.get("type"):
        changes = changes.filter(type__in=["" if t == NONE else t for t in wanted["type"]])
    if wanted.get("organisation"):
        changes = changes.filter(organisation__in=wanted["organisation"])
    if wanted.get("service"):
        through = Change.services.through.objects.filter(service__in=wanted["service"])
        changes = changes.filter(pk__in=through.values("change"))
    if wanted.get("label"):
        of_them = ChangeLabel.objects.filter(label__in=labels_for(wanted["label"]))
        changes = changes.filter(pk__in=of_them.values("change"))
    if wanted.get("meeting"):
        changes = changes.filter(pk__in=gathered.changes_of("meeting", int(wanted["meeting"])))
    if wanted.get("owner"):
        changes = changes.filter(_owned(user, wanted["owner"]))
    if wanted.get("risk"):
        changes = changes.filter(risk__in=wanted["risk"])
    if wanted.get("emergency"):
        changes = changes.exclude(emergency_reason="")
    for first, last in spans_due(wanted, timezone.localdate()):
        changes = changes.filter(
            GreaterThanOrEqual(FIRST_DUE, first), LessThan(FIRST_DUE, last + DAY)
        )
    if wanted.get("promised_from") or wanted.get("promised_to"):
        changes = _promised(changes, wanted.get("promised_from"), wanted.get("promised_to"))
    now = timezone.now()
    if wanted.get("age"):
        changes = changes.filter(
            state__in=OPEN, state_since__lt=now - timedelta(days=int(wanted["age"]))
        )
    if wanted.get("updated"):
        changes = changes.filter(updated_at__gte=now - timedelta(days=int(wanted["updated"])))
    return queries.overdue(changes) if wanted.get("overdue") else changes


def spans_due(wanted: dict[str, Any], today: date) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of each span in which what is asked for is due."""
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    spans = {
        "week": (monday, monday + timedelta(days=6)),
        "next_week": (monday + timedelta(days=7), monday + timedelta(days=13)),
        "month": (first, following - DAY),
    }
    if wanted.get("due"):
        yield spans[wanted["due"]]
    since, until = wanted.get("due_from"), wanted.get("due_to")
    if since or until:
        yield since or EARLIEST, until or LATEST


def _promised(
    changes: QuerySet[Change], since: date | None, until: date | None
) -> QuerySet[Change]:
    """Keep what was promised on these days of the reader's."""
    changes = promises.promised(changes)
    if since:
        changes = changes.filter(promised_at__gte=_midnight(since))
    if until:
        changes = changes.filter(promised_at__lt=_midnight(until + DAY))
    return changes


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _view(user: User, view: str) -> QuerySet[Change]:
    if view == "waiting":
        return queries.waiting_on(user)
    visible = queries.visible_to(user).exclude(queries.THROWN_AWAY)
    if view == "open":
        return visible.filter(state__in=OPEN)
    if view == "mine":
        return visible.filter(Q(raised_by=user) | Q(requester=user) | Q(owner=user))
    if view == "watching":
        watched = Change.watchers.through.objects.filter(user=user)
        return visible.filter(pk__in=watched.values("change"))
    return visible


def _owned(user: User, owners: Iterable[str]) -> Q:
    ids = {user.pk if owner == ME else int(owner) for owner in owners if owner != NONE}
    owned = Q(owner__in=ids)
    return owned | Q(owner=None) if NONE in owners else owned


def with_words(changes: QuerySet[Change], text: str) -> QuerySet[Change]:
    """Changes whose title or description has every word, or one that begins with it.

    A reference finds its change too. A page of them is chosen by ``searching.first_with``.
    """
    return changes.filter(Words(text).indexed)


def similar_to(changes: QuerySet[Change], text: str) -> QuerySet[Change]:
    """Return changes whose titles resemble a text that nothing contains, the closest first."""
    close = searching.similar_to(changes, text, MAX_SIMILAR)
    return in_order(close, closeness(text))[:MAX_SIMILAR]


def closeness(text: str) -> Order:
    """The order of titles by how much they resemble a text."""
    key = TrigramWordSimilarity(composed(text).upper(), Upper("title"))
    return Order("closeness", key, models.FloatField(), descending=True)
