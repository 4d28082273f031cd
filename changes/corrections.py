"""What was put right in the record of an execution or a deployment: read from the change's events.

The events say who did it, when and why; the record itself has what is true, its history what it
said before.
"""

from expansive_cm.statements import known_or_read

from .models import Change, Deployment, Event, Execution

Carried = Execution | Deployment
"""What was carried out, with its times and what happened."""
KINDS = {"execution": "executions", "deployment": "deployments"}
"""Each kind, and where a change has those that were made for it."""


def kind_of(record: Carried) -> str:
    """Return the name of the kind, of which the acts ``record_…`` and ``correct_…`` are named."""
    return "execution" if isinstance(record, Execution) else "deployment"


def finished(change: Change, kind: str) -> list[Carried]:
    """Return the change's records of a kind that have an outcome, the oldest first."""
    found = [one for one in known_or_read(change, KINDS[kind]) if one.finished_at]
    return sorted(found, key=lambda one: one.pk)


def corrections_of(record: Carried) -> list[Event]:
    """Return the events that corrected what this record says, the oldest first.

    Not what said something of an outcome that was taken back since.
    """
    kind = kind_of(record)
    verbs = f"correct_{kind}", f"take_back_{kind}"
    events = [one for one in known_or_read(record.change, "events") if one.verb in verbs]
    found: list[Event] = []
    for event in sorted(events, key=lambda one: one.pk):
        if event.data.get("record") == record.pk:
            found = [*found, event] if event.verb == verbs[0] else []
    return found


def state_of(record: Carried) -> str:
    """Return what tells a record as it is from what it was before it was corrected."""
    found = corrections_of(record)
    return str(found[-1].pk) if found else ""


def retold(change: Change) -> dict[int, str]:
    """Return, by the event that recorded it, what happened as it was corrected since.

    An event keeps the words it was recorded with; who reads the timeline reads what is true.
    One record is finished after the other, each by one event.
    """
    found: dict[int, str] = {}
    events = sorted(known_or_read(change, "events"), key=lambda one: one.pk)
    corrected = {one.verb for one in events}
    undone = {one.data.get("took_back") for one in events}
    for kind in KINDS:
        if f"correct_{kind}" not in corrected:
            continue
        told = [one for one in events if one.verb == f"record_{kind}" and one.pk not in undone]
        records = finished(change, kind)
        if len(told) == len(records):
            pairs = zip(told, records, strict=True)
            found |= {one.pk: kept.notes for one, kept in pairs if kept.notes != one.reason}
    return found


def as_it_is(change: Change, event: Event) -> Event:
    """Return an event with what is true of it, for a mail that is worded only now; never to save.

    Costs two queries, of an event that recorded an outcome alone.
    """
    if event.verb in {f"record_{kind}" for kind in KINDS}:
        event.reason = retold(change).get(event.pk, event.reason)
    return event
