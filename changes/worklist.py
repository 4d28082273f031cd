"""What waits for a person, grouped by the step that waits, the longest wait first."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db.models import DateTimeField, F, QuerySet, Value
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.standing import Anybody, Standing, given_of
from expansive_cm.statements import Given, Statement
from expansive_cm.texts import Text

from . import queries
from .columns import Column
from .models import Change
from .states import OPEN, State
from .turns import TURNS, Turn

SHOWN = 5
FOLLOWED_SHOWN = 8
STATEMENTS_KEPT = 64
"""Of what roles ask: the SQL takes some ten kilobytes, its plan in each connection a megabyte."""
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
    keys: list[int] = field(default_factory=list)
    """Of all that waits, as far as it is counted."""
    many_url: str = ""
    """Where the step is taken on all of them at once, "" where it is not."""

    @property
    def label(self) -> Text:
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


ENTRY = (
    "title",
    "state",
    "state_since",
    "type",
    "path",
    "round",
    "risk",
    "emergency_reason",
    "promise",
    "due_on",
    "first_due_on",
    "promise_zone",
    "updated_at",
    "organisation__name",
    "promised_release__name",
    "promised_release__planned_on",
    "promised_release__released_at",
    "promised_release__cancelled_at",
    "late_told",
    "release__planned_on",
    "release__released_at",
    "release__cancelled_at",
)
"""What an entry of Home shows; more costs a query for each of them."""
ROW = (
    *ENTRY,
    "owner__display_name",
    "owner__email",
    "requester__display_name",
    "requester__email",
)
"""What a row of a list shows, in its columns or in plain words; the same holds."""
JOINED = ("organisation", "owner", "requester", "promised_release", "release")


def for_list(changes: QuerySet[Change], columns: Iterable[Column] = ()) -> QuerySet[Change]:
    """Load what a row of a list shows, in one query, and nothing else.

    ``columns`` are those that the row has beside or instead of the usual ones: what they show of
    another table that has many for one change costs one query more, however many rows there are.
    """
    joined, fields, many = list(JOINED), list(ROW), list[Any]()
    for column in columns:
        joined += column.joined
        fields += column.fields
        many += column.many
    return changes.select_related(*joined).only(*fields).prefetch_related(*many)


def _for_home(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Load what an entry of Home shows: a row of a list without the two people."""
    return changes.select_related("organisation", "promised_release", "release").only(*ENTRY)


def worklist(user: User) -> list[Group]:
    """Return what waits for this person, by step, as ``home_lists`` does."""
    return home_lists(user)[0]


def home_lists(user: User) -> tuple[list[Group], dict[str, list[Change]]]:
    """Return what waits for this person, by step, and what they follow, the latest first.

    Costs two queries, however much there is. Each turn reads its own queue up to COUNTED rows,
    oldest first; one condition over all of them would have to read every open change.
    """
    found = _read(user, with_followed=True)
    waiting = {place: found[place] for place in sorted(key for key in found if key >= 0)}
    named = {pk for pks in waiting.values() for pk in pks[:SHOWN]}
    # What stands on the page already stands there once: that much more is loaded of each part.
    left = {name: set[int]() for name in FOLLOWED}
    for place in (key for key in found if key < 0):
        number = place % len(FOLLOWED)
        most = FOLLOWED_SHOWN * (number + 1) + 1
        left[[*FOLLOWED][number]].update([pk for pk in found[place] if pk not in named][:most])
    shown = named.union(*left.values())
    changes = _for_home(Change.objects.filter(pk__in=shown)).in_bulk() if shown else {}
    groups = []
    followed: dict[str, list[Change]] = {}
    for name in FOLLOWED:
        followed[name] = _latest([changes[pk] for pk in left[name] - named])
        named.update(one.pk for one in followed[name][:FOLLOWED_SHOWN])
    for place, pks in waiting.items():
        tasks = [Task(changes[pk], task_url(TURNS[place], changes[pk])) for pk in pks[:SHOWN]]
        groups.append(Group(TURNS[place], len(pks), tasks, pks))
    return groups, followed


def waiting_for(user: User, verb: str) -> list[int]:
    """Return the changes on which a step waits for this person, in their order. One query."""
    queues = _read(user).items()
    return [pk for place, pks in sorted(queues) if TURNS[place].verb == verb for pk in pks]


def _latest(changes: list[Change]) -> list[Change]:
    changes.sort(key=lambda one: (one.updated_at, one.pk), reverse=True)
    return changes[: FOLLOWED_SHOWN + 1]


def _open_to(user: User | Anybody) -> QuerySet[Change]:
    return queries.visible_to(user).filter(state__in=OPEN)


FOLLOWED: dict[str, Callable[[Anybody], list[QuerySet[Change]]]] = {
    "drafts": lambda user: [Change.objects.filter(state=State.DRAFT, raised_by=user)],
    "mine": lambda user: [
        _open_to(user).filter(**{part: user}) for part in ("owner", "raised_by", "requester")
    ],
    "watched": lambda user: [
        _open_to(user).filter(
            pk__in=Change.watchers.through.objects.filter(user=user).values("change")
        )
    ],
}
"""What a person's own page lists besides what waits for them; a customer's only drafts.

Each part is asked for by itself, by an index of its own: the latest of all of them together would
be looked for among everybody's.
"""


def _read(user: User, *, with_followed: bool = False) -> dict[int, list[int]]:
    """Return the changes of each queue by its place, in their order. One query."""
    found: dict[int, list[int]] = defaultdict(list)
    queues = _statement(Standing.of(user), with_followed, COUNTED)
    for place, pk in queues.rows(now=timezone.now(), **given_of(user)):
        found[place].append(pk)
    return found


@lru_cache(maxsize=STATEMENTS_KEPT)
def _statement(standing: Standing, with_followed: bool, most: int) -> Statement:
    """The SQL of some thirty conditions takes longer to write, and to plan, than to run."""
    anybody = Anybody(standing)
    return Statement(
        lambda: _queues(anybody, with_followed, most), planned_once=True, fits_all=True
    )


def _queues(user: Anybody, with_followed: bool, most: int) -> "QuerySet[Change, tuple[int, int]]":
    queues, now = [], Given("now", DateTimeField())
    for place, turn in enumerate(TURNS):
        wanted = turn.changes(user, now) if turn.is_listed else None
        if wanted is not None:
            queue = queries.visible_to(user).filter(wanted).order_by("state_since", "pk")
            queues.append(queue.values_list(Value(place), "pk")[:most])
    followed = FOLLOWED if user.is_internal else ("drafts",)
    # However many of a part stand elsewhere on the page already, enough are left.
    enough = SHOWN * len(queues) + FOLLOWED_SHOWN * len(followed) + 1
    for name in followed if with_followed else ():
        for number, part in enumerate(FOLLOWED[name](user), 1):
            # Beside the turns, which have their place in the table: each part has its own.
            place = [*FOLLOWED].index(name) - number * len(FOLLOWED)
            # Not by the index of when changes were updated: that would be looked through for
            # somebody who has few of them until the last change of all.
            latest = part.order_by((F("updated_at") + timedelta(0)).desc(), "-pk")
            queues.append(latest.values_list(Value(place), "pk")[:enough])
    if not queues:
        return Change.objects.none().values_list(Value(0), "pk")
    return queues[0].union(*queues[1:], all=True) if len(queues) > 1 else queues[0]


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
    waiting = {place: [pk for pk in pks if pk != besides.pk] for place, pks in _read(user).items()}
    changes = {pk for pks in waiting.values() for pk in pks}
    if not changes:
        return None
    place = min(
        (place for place, pks in waiting.items() if pks),
        key=lambda one: (TURNS[one].verb != done, one),
    )
    turn, change = TURNS[place], Change(pk=waiting[place][0])
    return Onward(turn, Task(change, task_url(turn, change)), len(changes) - 1)


def task_url(turn: Turn, change: Change) -> str:
    """Return the page of the step; of the change where the step has none of its own."""
    return _address_form(get_script_prefix(), turn.url_name).format(change.reference)


@lru_cache(maxsize=256)
def _address_form(_prefix: str, url_name: str) -> str:
    """Return the address of a step with a gap for the change's reference, where it has one.

    Home has the addresses of thirty tasks, which differ in nothing else.
    """
    example = Change(pk=1)
    for arguments in ([example.pk], []):
        try:
            return reverse(url_name, args=arguments).replace(example.reference, "{}")
        except NoReverseMatch:
            continue
    return example.get_absolute_url().replace(example.reference, "{}")
