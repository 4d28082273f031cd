"""What the loader remembers while it lives through the stories.

The lifecycle reads people, their roles and the board's members anew for every step, as it must
where others change them meanwhile. Here nobody else is at work: rows that no story changes are
read once. Every step is taken, checked and recorded by the same code as ever.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from datetime import date
from typing import Any

from django.db.models import Model
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.db.models.signals import post_save

from accounts.models import Organisation, SuccessTeam, User
from changes import messages
from changes.models import Release, Service
from crb.models import Absence, Board, Membership, Seat

KEPT = frozenset({User, Organisation, SuccessTeam, Service, Release, Board})
CHANGED_BY_STORIES = frozenset({Absence, Membership})
OF_A_PERSON = ("roles", "team_ids", "approves_for_ids")


@contextmanager
def remembering() -> Iterator[None]:
    """Read what no story changes once; entered when people and board have been created."""
    with ExitStack() as stack:
        stack.enter_context(_kept_rows())
        stack.enter_context(_kept_seats())
        for name in OF_A_PERSON:
            stack.enter_context(_swapped(User, name, _OfAPerson(getattr(User, name).func)))
        # Their roles are remembered: there is nothing to load ahead for many.
        stack.enter_context(_swapped(messages, "know_roles", _nothing_to_load))
        yield


@contextmanager
def _swapped(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _nothing_to_load(people: Iterable[User]) -> None:
    pass


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

    post_save.connect(forget)
    try:
        with _swapped(ForwardManyToOneDescriptor, "get_object", get_object):
            yield
    finally:
        post_save.disconnect(forget)


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

    post_save.connect(forget)
    try:
        with _swapped(Board, "members_on", members_on):
            yield
    finally:
        post_save.disconnect(forget)
