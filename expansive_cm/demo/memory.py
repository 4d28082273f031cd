"""What the loader remembers while it lives through the stories.

The lifecycle reads people, their roles, the board's members and the change itself anew for every
step, as it must where others change them meanwhile. Here nobody else is at work: rows that no
story changes are read once, and a change is as its last step has saved it. Every step is taken,
checked and recorded by the same code as ever.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from datetime import UTC, date
from functools import partial
from typing import Any

from django.db.models import Model
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.db.models.signals import m2m_changed, post_save
from simple_history.models import HistoricalChanges

from accounts.history_rows import Records
from accounts.models import Organisation, SuccessTeam, User
from changes import letters, messages
from changes.lifecycle import core
from changes.models import Change, Development, Event, Notice, Service
from changes.recall import Recollection
from changes.turns.who import Who
from crb.models import (
    Absence,
    Attendance,
    AttendanceMark,
    Board,
    Meeting,
    Membership,
    Seat,
    attendance,
    seat,
)
from expansive_cm import statements

from .behind import written_behind
from .swapping import swapped

KEPT = frozenset({User, Organisation, SuccessTeam, Service, Board})
CHANGED_BY_STORIES = frozenset({Absence, Membership})
OF_A_PERSON = ("roles", "team_ids", "approves_for_ids")
WITH_HISTORY = tuple(
    field.through for field in (Change.services, Change.watchers, Development.authors)
)
"""The links of changes that rows of history copy."""


@contextmanager
def remembering() -> Iterator[None]:
    """Read what no story changes once; entered when people and board have been created."""
    with ExitStack() as stack:
        for keeping in KEEPING:
            stack.enter_context(keeping())
        for name in OF_A_PERSON:
            stack.enter_context(swapped(User, name, _OfAPerson(getattr(User, name).func)))
        # No story changes anybody, and their roles are remembered.
        stack.enter_context(swapped(User, "read_afresh", _as_known))
        stack.enter_context(swapped(messages, "know_standing", _nothing_to_load))
        stack.enter_context(swapped(Who, "asked_for", _kept_people(Who.asked_for)))
        yield


@contextmanager
def _connected(signal: Any, receiver: Callable[..., None], **options: Any) -> Iterator[None]:
    signal.connect(receiver, **options)
    try:
        yield
    finally:
        signal.disconnect(receiver, **options)


def _as_known(person: User) -> User:
    return person


def _nothing_to_load(people: Iterable[User]) -> None:
    pass


def _kept_people(ask: Callable[[Who], list[User]]) -> Callable[[Who], list[User]]:
    """Return a function that asks once who is in a group; groups of one name are the same."""
    known: dict[str, list[User]] = {}

    def asked_for(self: Who) -> list[User]:
        if self.candidates is None:
            return ask(self)
        if str(self.name) not in known:
            known[str(self.name)] = ask(self)
        return known[str(self.name)]

    return asked_for


class _OfAPerson:
    """A property that is worked out once for each person and not for each loaded copy."""

    def __init__(self, work_out: Callable[[User], Any]) -> None:
        self.work_out = work_out
        self.known: dict[int, Any] = {}

    def __get__(self, person: User | None, owner: type) -> Any:
        if person is None:
            return self
        if person.pk not in self.known:
            self.known[person.pk] = self.work_out(person)
        return self.known[person.pk]


@contextmanager
def _kept_rows() -> Iterator[None]:
    """Follow a foreign key to a kept row without asking the database again."""
    rows: dict[tuple[type[Model], Any], Model] = {}
    ask = ForwardManyToOneDescriptor.get_object

    def get_object(self: ForwardManyToOneDescriptor, instance: Model) -> Model:
        model = self.field.remote_field.model
        if model not in KEPT:
            return ask(self, instance)
        key = (model, getattr(instance, self.field.attname))
        if key not in rows:
            rows[key] = ask(self, instance)
        # A copy of its own, as from the database: what one keeps on it is not the others'.
        return copy(rows[key])

    def forget(sender: type[Model], instance: Model, **_: Any) -> None:
        rows.pop((sender, instance.pk), None)

    with (
        _connected(post_save, forget),
        swapped(ForwardManyToOneDescriptor, "get_object", get_object),
    ):
        yield


@contextmanager
def _kept_changes() -> Iterator[None]:
    """Give every step the change as the step before has saved it."""
    rows: dict[int, Change] = {}
    ask = core.read_locked

    def read_locked(key: int) -> Change:
        if key not in rows:
            rows[key] = _only_columns(ask(key))
        return _only_columns(rows[key])

    def keep(instance: Change, **_: Any) -> None:
        rows[instance.pk] = _only_columns(instance)

    with (
        _connected(post_save, keep, sender=Change),
        swapped(core, "read_locked", read_locked),
    ):
        yield


def _only_columns(change: Change) -> Change:
    """Return a copy as from the database, without what somebody has noted on the object."""
    names = [field.attname for field in Change._meta.concrete_fields]
    known = [name for name in names if name in change.__dict__]
    return Change.from_db(change._state.db, known, [change.__dict__[name] for name in known])


@contextmanager
def _kept_records() -> Iterator[None]:
    """Ask for a change's records of one kind, and for its watchers, again when there are others.

    Of its events, which every step adds one to, nothing is asked again: the new one is added.
    """
    known: dict[int, dict[str, Any]] = defaultdict(dict)
    ask, ask_alone = Recollection.read, statements.read_related

    def kept_of(change: Change, relation: str, ask: Callable[[], Any]) -> Any:
        kept = known[change.pk]
        if relation not in kept:
            kept[relation] = ask()
        for row in kept[relation]:
            if "change" in row._state.fields_cache:
                row._state.fields_cache["change"] = change
        return kept[relation]

    def read(self: Recollection, relation: str) -> Any:
        if not isinstance(self.record, Change):
            return ask(self, relation)
        return kept_of(self.record, relation, partial(ask, self, relation))

    def read_related(record: Model, relation: str) -> Any:
        if not isinstance(record, Change):
            return ask_alone(record, relation)
        return kept_of(record, relation, partial(ask_alone, record, relation))

    def forget(sender: type[Model], instance: Any, created: bool = False, **_: Any) -> None:
        kept = known[getattr(instance, "change_id", 0)]
        for relation in [name for name, rows in kept.items() if rows.model is sender]:
            if created and relation == "events":
                kept[relation]._result_cache.append(_as_stored(instance))
            else:
                del kept[relation]

    def forget_watchers(instance: Model, **_: Any) -> None:
        known[instance.pk].pop("watchers", None)

    with (
        _connected(post_save, forget),
        _connected(m2m_changed, forget_watchers, sender=Change.watchers.through),
        swapped(Recollection, "read", read),
        swapped(statements, "read_related", read_related),
    ):
        yield


def _as_stored(event: Event) -> Event:
    """Return an event that was just stored as it is read from the database."""
    values = {field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields}
    values |= {"data": json.loads(json.dumps(event.data)), "at": event.at.astimezone(UTC)}
    stored = Event.from_db(event._state.db, list(values), list(values.values()))
    stored.change = event.change
    return stored


@contextmanager
def _kept_seats() -> Iterator[None]:
    """Work out who sits on the board on a day once, until somebody's absence changes it."""
    seats: dict[tuple[int, date], list[Seat]] = {}
    ask = Board.members_on

    def members_on(self: Board, day: date) -> list[Seat]:
        if (self.pk, day) not in seats:
            seats[self.pk, day] = ask(self, day)
        return list(seats[self.pk, day])

    def forget(sender: type[Model], **_: Any) -> None:
        if sender in CHANGED_BY_STORIES:
            seats.clear()

    with _connected(post_save, forget), swapped(Board, "members_on", members_on):
        yield


@contextmanager
def _kept_meetings() -> Iterator[None]:
    """Know who sits at a meeting that has begun, and who is there until somebody else comes."""
    seats: dict[int, list[Seat]] = {}
    rosters: dict[int, attendance.Roster] = {}
    ask_seats, ask_roster = seat.kept_seats, attendance.roster_of

    def kept_seats(meeting: Meeting) -> list[Seat]:
        # They are kept once, when it begins.
        if not seats.get(meeting.pk):
            seats[meeting.pk] = ask_seats(meeting)
        return list(seats[meeting.pk])

    def roster_of(meeting: Meeting) -> attendance.Roster:
        if meeting.pk not in rosters:
            rosters[meeting.pk] = ask_roster(meeting)
        return rosters[meeting.pk]

    def forget(sender: type[Model], instance: Any, **_: Any) -> None:
        if sender in (Attendance, AttendanceMark):
            rosters.pop(instance.meeting_id, None)

    with (
        _connected(post_save, forget),
        swapped(seat, "kept_seats", kept_seats),
        swapped(attendance, "roster_of", roster_of),
    ):
        yield


@contextmanager
def _kept_notices() -> Iterator[None]:
    """Know whom the stories have told what; ``letters`` asks it before each mail."""
    notices: dict[int, list[Notice]] = defaultdict(list)
    create = letters.create_notices

    def create_notices(rows: Sequence[Notice]) -> None:
        create(rows)
        for row in rows:
            notices[row.change_id].append(row)

    def told(change: Change, people: set[int]) -> Iterator[tuple[Any, ...]]:
        for one in notices[change.pk]:
            mail = one.email
            if mail and one.person_id in people and not one.is_for_digest:
                when = (mail.message_id, mail.status, mail.scheduled_time)
                yield one.person_id, mail.pk, *when, one.event and one.event.verb

    with swapped(letters, "create_notices", create_notices), swapped(letters, "told", told):
        yield


@contextmanager
def _worded_at_once() -> Iterator[None]:
    """Word each mail within its step: the worker of those days would have done so right after."""
    with swapped(letters, "is_worded_later", lambda letter: False):
        yield


@contextmanager
def _kept_history() -> Iterator[None]:
    """Write the history of what no step reads again at the end, in the same order.

    That of the board is written at once, as its agendas are made from it.
    """
    rows: dict[type[Model], list[Any]] = defaultdict(list)
    links: dict[tuple[Any, Any], list[Model]] = {}

    def is_kept(row: Any) -> bool:
        return row._meta.app_label == "changes"

    def save(self: Any, *args: Any, **options: Any) -> None:
        if is_kept(self):
            rows[type(self)].append(self)
        else:
            super(HistoricalChanges, self).save(*args, **options)

    copy_links = Records.create_historical_record_m2ms

    def keep_links(self: Records, history_instance: Any, instance: Model) -> None:
        if not is_kept(history_instance):
            copy_links(self, history_instance, instance)
            return
        for field in history_instance._history_m2m_fields:
            through = field.remote_field.through
            if (through, instance.pk) not in links:
                found = through._default_manager.filter(**{field.m2m_field_name(): instance.pk})
                links[through, instance.pk] = list(found)
            for link in links[through, instance.pk]:
                values = {one.attname: getattr(link, one.attname) for one in link._meta.fields}
                kept = self.m2m_models[field](history=history_instance, **values)
                rows[type(kept)].append(kept)

    def forget(sender: Any, instance: Model, action: str, **_: Any) -> None:
        # Before it happens: simple-history writes its row as soon as it has happened.
        if action.startswith("pre_"):
            links.pop((sender, instance.pk), None)

    with ExitStack() as stack:
        for through in WITH_HISTORY:
            stack.enter_context(_connected(m2m_changed, forget, sender=through))
        stack.enter_context(swapped(HistoricalChanges, "save", save))
        stack.enter_context(swapped(Records, "create_historical_record_m2ms", keep_links))
        yield
    for model, kept in rows.items():
        model._default_manager.bulk_create(kept)


KEEPING = (
    written_behind,
    _kept_rows,
    _kept_changes,
    _kept_records,
    _kept_notices,
    _worded_at_once,
    _kept_seats,
    _kept_meetings,
    _kept_history,
)
