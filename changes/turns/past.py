"""What people did to a change before, with which separation of duties compares them.

(ISO 27001:2022, Annex A 5.3.) Each is one object that answers in four directions: who they are,
of a loaded change; which changes somebody is of them, and which people are, in SQL; and what a
person did, in words for them.
Whoever did it once has done it for good. A test holds the directions together.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.standing import Anybody
from expansive_cm.statements import known_or_read

from ..models import Authorisation, Change, Development, Event, Execution, RiskAssessment
from ..process import past_words
from . import alone
from .askers import asked_by, askers, askers_of_a_change, how_asked


@dataclass(frozen=True)
class Past:
    """Everybody who did something to a change.

    ``keys`` are the primary keys of these people, ``changes`` the condition for changes of which
    somebody is one of them, and ``act`` says what they did: "" when they are not. ``people`` is
    the condition for people who are of them, in a subquery of changes.
    """

    keys: Callable[[Change], set[int | None]]
    changes: Callable[[User | Anybody], Q]
    act: Callable[[User, Change], str]
    people: Callable[[], Q]


CHANGE = OuterRef("pk")
"""The change, from rows of what was done to it."""
CHANGE_OF_PEOPLE, PERSON = OuterRef(CHANGE), OuterRef("pk")
"""The change and the person, from such rows within a subquery of people within one of changes."""


def acts_of(user: User, change: Change, verbs: Iterable[str]) -> list[Event]:
    """Return the person's earlier acts of these kinds, over the whole history of the change."""
    wanted = set(verbs)
    return [
        event
        for event in known_or_read(change, "events")
        if event.actor_id == user.pk and event.verb in wanted
    ]


def _first_act(user: User, change: Change, *verbs: str) -> str:
    for event in acts_of(user, change, verbs):
        day = date_format(timezone.localtime(event.at), "j F Y")
        return _("On %(day)s you %(act)s.") % {"day": day, "act": past_words(event.verb)}
    return ""


def _actors(change: Change, *verbs: str) -> set[int | None]:
    return {event.actor_id for event in known_or_read(change, "events") if event.verb in verbs}


def _did(user: Any, *verbs: str, change: OuterRef = CHANGE) -> Q:
    return Q(Exists(Event.objects.filter(change=change, actor=user, verb__in=verbs)))


def _did_it(*verbs: str) -> Q:
    return _did(PERSON, *verbs, change=CHANGE_OF_PEOPLE)


ASKERS = Past(lambda change: {*askers(change)}, asked_by, how_asked, askers_of_a_change)
"""Who ever asked for it: requester, former requesters, raiser, submitter."""

PREPARED_ALONE = Past(
    alone.barred,
    alone.barred_from,
    lambda user, change: (
        _("You assessed and reviewed this change.") if alone.is_barred(user, change) else ""
    ),
    alone.barred_people,
)
"""Who both assessed and reviewed it, where somebody else could authorise it."""

# Who authorised it, or approved the standard change that it was --------------------------------


def _authorisers(change: Change) -> set[int | None]:
    return _actors(change, "authorise") | {one.recorded_by_id for one in _in_advance(change)}


def _in_advance(change: Change) -> list[Authorisation]:
    return [one for one in known_or_read(change, "authorisations") if one.standard_id is not None]


def _authorised_by(user: Any, change: OuterRef = CHANGE) -> Q:
    given = Authorisation.objects.filter(change=change, recorded_by=user, standard__isnull=False)
    return Q(Exists(given)) | _did(user, "authorise", change=change)


def _how_authorised(user: User, change: Change) -> str:
    if any(one.recorded_by_id == user.pk for one in _in_advance(change)):
        return _("You approved the standard change by which it was authorised.")
    return _first_act(user, change, "authorise")


AUTHORISERS = Past(
    _authorisers,
    _authorised_by,
    _how_authorised,
    lambda: _authorised_by(PERSON, CHANGE_OF_PEOPLE),
)


# Who executed it, or was named to ---------------------------------------------------------------

_EXECUTING = ("start_execution", "record_execution")


def _executors(change: Change) -> set[int | None]:
    named = {execution.executor_id for execution in known_or_read(change, "executions")}
    return named | _actors(change, *_EXECUTING)


def _executed_by(user: Any, change: OuterRef = CHANGE) -> Q:
    named = Execution.objects.filter(change=change, executor=user)
    return Q(Exists(named)) | _did(user, *_EXECUTING, change=change)


def _how_executed(user: User, change: Change) -> str:
    if any(one.executor_id == user.pk for one in known_or_read(change, "executions")):
        return _("You are named as its executor.")
    return _first_act(user, change, *_EXECUTING)


EXECUTORS = Past(
    _executors, _executed_by, _how_executed, lambda: _executed_by(PERSON, CHANGE_OF_PEOPLE)
)


# Who planned it, and who deployed it -----------------------------------------------------------


def _who_did(*verbs: str) -> Past:
    return Past(
        lambda change: _actors(change, *verbs),
        lambda user: _did(user, *verbs),
        lambda user, change: _first_act(user, change, *verbs),
        lambda: _did_it(*verbs),
    )


PLANNERS = _who_did("plan_execution", "plan_deployment")
DEPLOYERS = _who_did("start_deployment", "record_deployment")


# Who wrote some of it ---------------------------------------------------------------------------


def _authors(change: Change) -> set[int | None]:
    named = {
        author.pk for one in known_or_read(change, "developments") for author in one.authors.all()
    }
    return named | _actors(change, "record_development")


def _written_by(user: Any, change: OuterRef = CHANGE) -> Q:
    named = Development.authors.through.objects.filter(development__change=change, user=user)
    return Q(Exists(named)) | _did(user, "record_development", change=change)


def _how_written(user: User, change: Change) -> str:
    for one in known_or_read(change, "developments"):
        if any(author.pk == user.pk for author in one.authors.all()):
            return _("You are named as an author of its development.")
    return _first_act(user, change, "record_development")


AUTHORS = Past(_authors, _written_by, _how_written, lambda: _written_by(PERSON, CHANGE_OF_PEOPLE))


# Who wrote a version of its risk assessment -----------------------------------------------------


def _how_assessed(user: User, change: Change) -> str:
    newest = change.risk_assessment
    if newest and not newest.outcome and newest.recorded_by_id == user.pk:
        return _("You wrote this one.")
    written = any(
        one.recorded_by_id == user.pk for one in known_or_read(change, "risk_assessments")
    )
    return _("You wrote an earlier version.") if written else ""


def _assessed_by(user: Any, change: OuterRef = CHANGE) -> Q:
    return Q(Exists(RiskAssessment.objects.filter(change=change, recorded_by=user)))


RISK_ASSESSORS = Past(
    lambda change: {one.recorded_by_id for one in known_or_read(change, "risk_assessments")},
    _assessed_by,
    _how_assessed,
    lambda: _assessed_by(PERSON, CHANGE_OF_PEOPLE),
)
