"""Changes that come from another tool: the one way to begin somewhere else than as a draft."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.workflow.errors import StepForbidden
from expansive_cm.workflow.steps import explain

from .. import permissions
from ..models import Change, Event
from ..process import past_words
from ..states import FINAL, State


@dataclass(frozen=True)
class ImportedChange:
    """A change as another tool knew it. Dates are those of that tool."""

    line: int
    external_id: str
    title: str
    description: str
    state: str
    type: str
    requester: User
    channel: str
    created: date | None = None
    updated: date | None = None
    desired: date | None = None
    kept: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """Where imported changes come from and for whom they are raised."""

    source: str
    organisation: Organisation
    raised_by: User
    run: int | None = None


def import_change(arrival: ImportedChange, origin: Origin, *, actor: User | None) -> bool:
    """Import one change; see ``import_changes``. Return whether it is new."""
    return bool(import_changes([arrival], origin, actor=actor))


def import_changes(
    arrivals: Sequence[ImportedChange], origin: Origin, *, actor: User | None
) -> set[str]:
    """Create changes in the state that they had in another tool; return their numbers there.

    Numbers that were imported from this source before are left alone, also when two imports
    run at once. Raises StepForbidden for an actor who may not import; without one the product
    itself acts. Effects: the changes with their history, an event each that names the source
    and, for a closed one, that the requester's confirmation is not on record here. Nobody is
    told: what happened elsewhere is no news.
    """
    with transaction.atomic():
        _one_at_a_time(origin.source)
        if actor is not None and not (decision := permissions.can_import(actor.read_afresh())):
            raise StepForbidden(decision.reason)
        fresh = _without_known(arrivals, origin.source)
        if fresh:
            changes = _create(fresh, origin)
            _record_history(changes, origin, actor)
            Event.objects.bulk_create(
                _event(change, arrival, origin, actor)
                for change, arrival in zip(changes, fresh, strict=True)
            )
    return {arrival.external_id for arrival in fresh}


def _one_at_a_time(source: str) -> None:
    """Wait for another import of the same source; the lock ends with the transaction.

    However long that takes: a whole file may be one transaction. The task's own limit still holds.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;"
            "SELECT pg_advisory_xact_lock(hashtext('import'), hashtext(%s));"
            "SET LOCAL lock_timeout TO DEFAULT; SET LOCAL statement_timeout TO DEFAULT",
            [source],
        )


def _without_known(arrivals: Sequence[ImportedChange], source: str) -> list[ImportedChange]:
    numbers = [arrival.external_id for arrival in arrivals]
    earlier = Change.objects.filter(external_source=source, external_id__in=numbers)
    known = set(earlier.values_list("external_id", flat=True))
    return [arrival for arrival in arrivals if arrival.external_id not in known]


def _create(arrivals: Sequence[ImportedChange], origin: Origin) -> list[Change]:
    now = timezone.now()
    changes = Change.objects.bulk_create(_change(arrival, origin, now) for arrival in arrivals)
    for change, arrival in zip(changes, arrivals, strict=True):
        # Inserting sets this to now; the change is as old as it was elsewhere.
        change.created_at = _moment(arrival.created) or now
    Change.objects.bulk_update(changes, ["created_at"])
    return changes


def _change(arrival: ImportedChange, origin: Origin, now: datetime) -> Change:
    created = _moment(arrival.created) or now
    ended = _moment(arrival.updated) or created
    is_final = arrival.state in FINAL
    return Change(
        title=arrival.title,
        description=arrival.description,
        organisation=origin.organisation,
        requester=arrival.requester,
        raised_by=origin.raised_by,
        channel=arrival.channel,
        desired_on=arrival.desired,
        state=arrival.state,
        # Open changes begin to wait here today; finished ones ended when they did.
        state_since=ended if is_final else now,
        type=arrival.type,
        submitted_at=None if arrival.state == State.DRAFT else created,
        closed_at=ended if is_final else None,
        external_source=origin.source,
        external_id=arrival.external_id,
    )


def _moment(day: date | None) -> datetime | None:
    """Return noon of a day without a time: the same day in every zone of the customers."""
    return datetime.combine(day, time(12), UTC) if day else None


def _why(change: Change) -> str:
    reason = _("%(words)s from %(source)s, number %(number)s") % {
        "words": past_words("import"),
        "source": change.external_source,
        "number": change.external_id,
    }
    if change.state == State.CLOSED:
        reason += ". " + _("It was closed there; a confirmation by the requester is not on record.")
    return reason


def _record_history(changes: Sequence[Change], origin: Origin, actor: User | None) -> None:
    for change in changes:
        explain(change, _why(change))
    Change.history.bulk_history_create(changes, default_user=actor)


def _event(change: Change, arrival: ImportedChange, origin: Origin, actor: User | None) -> Event:
    data: dict[str, Any] = {
        "source": origin.source,
        "number": arrival.external_id,
        "line": arrival.line,
        "row": arrival.kept,
    }
    if origin.run:
        data["run"] = origin.run
    if arrival.state == State.CLOSED:
        data["confirmed"] = False
    return Event(
        change=change,
        verb="import",
        actor=actor,
        actor_name=actor.display_name if actor else "",
        actor_email=actor.email if actor else "",
        to_state=change.state,
        reason=_why(change),
        data=data,
    )
