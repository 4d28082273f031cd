"""Who asked for a change: the one group with which separation of duties compares people.

Whoever asked once has asked for good: the requester and everybody who was it before, who raised
the change and who submitted it. The group is said twice, of a loaded change and in SQL, and a
test holds the two together. It grants nothing: what a requester may do is for the present one.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.standing import Anybody
from expansive_cm.statements import known_or_read

from ..models import Change, Event
from ..models.event import REPLACED, REPLACING
from ..process import past_words

EARLIER = "earlier_askers"
"""Under this name a change is told who asked earlier, by ``with_earlier``; no query then."""


def askers(change: Change) -> set[int]:
    """Return the keys of everybody who ever asked for a change."""
    known = change.__dict__.get(EARLIER)
    earlier = _earlier(known_or_read(change, "events")) if known is None else known
    return {key for key in (change.requester_id, change.raised_by_id, *earlier) if key}


def how_asked(user: User, change: Change) -> str:
    """Return how a person asked for a change, in words for themselves; "" if they did not."""
    if user.pk not in askers(change):
        return ""
    if change.requester_id == user.pk:
        return _("You requested this change.")
    if change.raised_by_id == user.pk:
        return _("You raised this change.")
    if user.pk in former_requesters(change):
        return _("You requested this change, before somebody else took your place.")
    event = next(one for one in _submissions(change) if one.actor_id == user.pk)
    day = date_format(timezone.localtime(event.at), "j F Y")
    return _("On %(day)s you %(act)s.") % {"day": day, "act": past_words(event.verb)}


def former_requesters(change: Change) -> list[int]:
    """Return the keys of those whose place as requester another has taken, the last one last."""
    return _replaced(known_or_read(change, "events"))


def _replaced(events: Iterable[Event]) -> list[int]:
    return [one.data["from"] for one in events if one.verb in REPLACING]


def _submissions(change: Change) -> list[Event]:
    return [one for one in known_or_read(change, "events") if one.verb == "submit"]


def _earlier(events: QuerySet[Event]) -> set[int | None]:
    return {*_replaced(events), *(one.actor_id for one in events if one.verb == "submit")}


# In SQL -------------------------------------------------------------------------------------


def asked_by(user: User | Anybody, change: str = "") -> Q:
    """Return the condition for changes that a person ever asked for.

    ``change`` is the way from the queried model to the change, such as ``change__``.
    """
    present = Q(**{f"{change}requester": user}) | Q(**{f"{change}raised_by": user})
    return present | Q(asked_earlier(OuterRef(f"{change}pk"), user.pk))


def askers_of_a_change() -> Q:
    """Return the condition for people who ever asked for a change, in a subquery of changes."""
    change, person = OuterRef(OuterRef("pk")), OuterRef("pk")
    present = Change.objects.filter(Q(requester=person) | Q(raised_by=person), pk=change)
    return Q(Exists(present)) | Q(asked_earlier(change, person))


def asked_earlier(change: Any, person: Any) -> Exists:
    """Whether a person, by key or reference, asked for a change and may be replaced since."""
    events = Event.objects.filter(change=change).annotate(replaced=REPLACED)
    return Exists(
        events.filter(Q(verb="submit", actor=person) | Q(verb__in=REPLACING, replaced=person))
    )


def with_earlier(change: str = "pk") -> Any:
    """Return who asked earlier for a change, as an annotation; see ``EARLIER``."""
    events = Event.objects.filter(
        change=OuterRef(change), verb__in=("submit", *REPLACING)
    ).order_by()
    person = Case(When(verb="submit", then=F("actor")), default=REPLACED)
    return ArraySubquery(events.values(person=person))
