"""What waits for a person, grouped by the step that waits, the longest wait first."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet, Value
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User

from . import queries
from .models import Change
from .turns import Turn, turns_of

Turns = list[tuple[Turn, Q]]
SHOWN = 5
COUNTED = 100
"""Counting stops here: nobody needs to know how many more than a hundred there are."""


@dataclass(frozen=True)
class Task:
    """One change that waits, with the address where it is dealt with."""

    change: Change
    url: str


@dataclass
class Group:
    """All that waits for the same step; ``tasks`` are the oldest of them."""

    turn: Turn
    count: int
    tasks: list[Task] = field(default_factory=list)

    @property
    def label(self) -> str | Promise:
        """The verb that waits."""
        return self.turn.label

    @property
    def how_many(self) -> str:
        """The number in words that do not promise more than was counted."""
        return how_many(self.count)

    @property
    def more_url(self) -> str:
        """The list of everything that waits in these states, "" when all of it is shown."""
        if self.count <= len(self.tasks):
            return ""
        if self.turn.list_name:
            return reverse(self.turn.list_name)
        wanted = [("view", "waiting"), *(("state", state) for state in self.turn.states)]
        return reverse("changes:list") + "?" + urlencode([*wanted, ("sort", "since")])


def how_many(count: int, limit: int = COUNTED) -> str:
    """Write a count that stopped at a limit: ``99+``."""
    return str(count) if count < limit else f"{limit - 1}+"


def total(groups: list[Group]) -> str:
    """Write how many changes wait in all."""
    count = sum(group.count for group in groups)
    return f"{count}+" if any(group.count >= COUNTED for group in groups) else str(count)


ROW = (
    "title",
    "state",
    "state_since",
    "type",
    "path",
    "round",
    "risk",
    "promise",
    "due_on",
    "updated_at",
    "organisation__name",
    "owner__display_name",
    "owner__email",
    "requester__display_name",
    "requester__email",
    "promised_release__name",
)
"""What a row of a list shows, in its columns or in plain words; more costs a query for each row."""


def for_list(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Load what a row of a list shows, in one query, and nothing else."""
    return changes.select_related("organisation", "owner", "requester", "promised_release").only(
        *ROW
    )


def worklist(user: User) -> list[Group]:
    """Return what waits for this person, by step. Costs two queries, however much waits.

    Each turn reads its own queue up to COUNTED rows, oldest first; one condition over all of
    them would have to read every open change.
    """
    turns = turns_of(user)
    waiting = _waiting(user, turns)
    shown = [pk for pks in waiting.values() for pk in pks[:SHOWN]]
    changes = for_list(Change.objects.filter(pk__in=shown)).in_bulk() if shown else {}
    groups = []
    for number, pks in sorted(waiting.items()):
        turn = turns[number][0]
        tasks = [Task(changes[pk], task_url(turn, changes[pk])) for pk in pks[:SHOWN]]
        groups.append(Group(turn, len(pks), tasks))
    return groups


def _waiting(user: User, turns: Turns) -> dict[int, list[int]]:
    """Return the changes of each queue, the oldest first, by the turn's place. One query."""
    queues = []
    for number, (_turn, wanted) in enumerate(turns):
        queue = queries.visible_to(user).filter(wanted).order_by("state_since", "pk")
        queues.append(queue.values_list(Value(number), "pk")[:COUNTED])
    waiting: dict[int, list[int]] = defaultdict(list)
    if queues:
        for number, pk in queues[0].union(*queues[1:], all=True) if len(queues) > 1 else queues[0]:
            waiting[number].append(pk)
    return waiting


@dataclass(frozen=True)
class Onward:
    """What waits for a person who has just done something else, and how much more there is."""

    turn: Turn
    task: Task
    others: int

    @property
    def words(self) -> str:
        """Name the change, the step and how many more wait."""
        words = {"reference": self.task.change.reference, "step": self.turn.label}
        if not self.others:
            return _("Next for you: %(reference)s, %(step)s") % words
        words["more"] = how_many(self.others)
        return _("Next for you: %(reference)s, %(step)s (%(more)s more)") % words


def onward(user: User, *, done: str, besides: Change) -> Onward | None:
    """Return the next of what waits for this person after the step ``done``, in one query.

    First comes what waits for the same step, then the turns in their order. The change that
    the person has in front of them is left out: its page says itself what is next there.
    """
    turns = turns_of(user)
    waiting = {
        number: [pk for pk in pks if pk != besides.pk]
        for number, pks in _waiting(user, turns).items()
    }
    changes = {pk for pks in waiting.values() for pk in pks}
    if not changes:
        return None
    number = min(
        (number for number, pks in waiting.items() if pks),
        key=lambda one: (turns[one][0].verb != done, one),
    )
    turn, change = turns[number][0], Change(pk=waiting[number][0])
    return Onward(turn, Task(change, task_url(turn, change)), len(changes) - 1)


def task_url(turn: Turn, change: Change) -> str:
    """Return the page of the step; of the change where the step has none of its own."""
    for arguments in ([change.pk], []):
        try:
            return reverse(turn.url_name, args=arguments)
        except NoReverseMatch:
            continue
    return change.get_absolute_url()
