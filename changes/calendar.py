"""The change calendar: what happens on which day, as far as its reader may see.

Each kind is read in one or two queries, however much there is: of a day only the first of each
kind, and how many there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, F, Q, QuerySet, Value, Window
from django.db.models.functions import Greatest, RowNumber, TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from expansive_cm.texts import Text

from . import permissions
from .models import Deployment, Release, WindowSpan
from .planning import STILL_PLANNED, executions_at
from .queries import visible_to
from .states import State

IN_A_CELL = 3
"""So many entries of a day stand in the grid of a month."""
NIGHT = timedelta(hours=12)
"""What is shorter stands on the day on which it begins alone, though it may end on the next."""
MOST_SPANS = 1000
"""So many times of freezes and maintenance windows are read of one calendar page."""


@dataclass(frozen=True)
class Kind:
    """One kind of entry: what it is called and how it looks."""

    label: Text
    name: Text
    """What one of them is called."""
    icon: str
    tone: str
    internal: bool = False
    """Whether it is between colleagues."""


KINDS = {
    "freeze": Kind(gettext_lazy("Change freezes"), gettext_lazy("Change freeze"), "lock", "purple"),
    "maintenance": Kind(
        gettext_lazy("Maintenance windows"), gettext_lazy("Maintenance window"), "tools", "green"
    ),
    "release": Kind(
        gettext_lazy("Releases"), gettext_lazy("Release"), "rocket", "blue", internal=True
    ),
    "meeting": Kind(
        gettext_lazy("Board meetings"),
        gettext_lazy("Board meeting"),
        "gavel",
        "amber",
        internal=True,
    ),
    "deployment": Kind(gettext_lazy("Deployments"), gettext_lazy("Deployment"), "versions", "teal"),
    "execution": Kind(gettext_lazy("Executions"), gettext_lazy("Execution"), "player-play", "teal"),
}
"""In the order in which a day shows what has no time of its own."""


@dataclass(frozen=True)
class Entry:
    """One thing on one day."""

    kind: str
    title: str
    url: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    note: str = ""
    short: str = ""
    """What a cell of the grid has room for, where that is less than the title."""

    @property
    def looks(self) -> Kind:
        return KINDS[self.kind]

    @property
    def ends_that_day(self) -> bool:
        """Whether it ends on the day on which it begins, in the reader's zone."""
        if self.starts is None or self.ends is None:
            return False
        return timezone.localdate(self.starts) == timezone.localdate(self.ends)


@dataclass
class Day:
    """A day with its first entries, and how many there are."""

    on: date
    entries: list[Entry] = field(default_factory=list)
    count: int = 0
    is_today: bool = False
    is_outside: bool = False
    """Whether it belongs to the month before or after."""

    @property
    def more(self) -> int:
        """How many there are besides those that are shown."""
        return self.count - len(self.entries)

    @property
    def in_cell(self) -> list[Entry]:
        """Those that the grid of a month has room for."""
        return self.entries[:IN_A_CELL]

    @property
    def more_in_cell(self) -> int:
        """How many there are besides those in the grid."""
        return self.count - len(self.in_cell)


@dataclass(frozen=True)
class Wanted:
    """What a reader asked for: the days, and what else narrows it."""

    user: User
    first: date
    last: date
    kinds: frozenset[str]
    service: int | None = None
    organisation: int | None = None
    risk: int | None = None
    person: int | None = None
    """Who owns the change, or executes it."""
    most: int = 10
    """So many entries of each kind are read of a day."""
    cut: set[str] = field(default_factory=set, compare=False)
    """The kinds of which there is more than is read of one page, once they are read."""

    @property
    def starts(self) -> datetime:
        """Midnight before the first day, in the reader's zone."""
        return timezone.make_aware(datetime.combine(self.first, time.min))

    @property
    def ends(self) -> datetime:
        """Midnight after the last day."""
        return timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time.min))

    @property
    def sees_internal(self) -> bool:
        return permissions.can_see_internal(self.user)


Found = Iterator[tuple[date, Entry, int]]
"""The day, what is on it, and how many of its kind are on that day."""
Reader = Callable[[Wanted], Iterable[tuple[date, Entry]]]
_others: dict[str, Reader] = {}


def provide(kind: str, reader: Reader) -> None:
    """Let an app that ``changes`` may not ask say what it has on these days; few, in one query."""
    _others[kind] = reader


def days_of(wanted: Wanted, *, shown: int) -> list[Day]:
    """Return every day that was asked for, each with its first entries."""
    today = timezone.localdate()
    found: dict[date, list[Entry]] = defaultdict(list)
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    for kind, read in READERS.items():
        if kind not in wanted.kinds or (KINDS[kind].internal and not wanted.sees_internal):
            continue
        for day, entry, count in read(wanted):
            found[day].append(entry)
            counts[day][kind] = count
    days = []
    day = wanted.first
    while day <= wanted.last:
        entries = sorted(found[day], key=_place)
        total = max(sum(counts[day].values()), len(entries))
        days.append(Day(day, entries[:shown], total, day == today))
        day += timedelta(days=1)
    return days


def _place(entry: Entry) -> tuple[Any, ...]:
    """What lasts all day comes first, then by the clock."""
    moment = entry.starts.timestamp() if entry.starts else 0.0
    return (moment, [*KINDS].index(entry.kind), entry.title)


# What changes do ------------------------------------------------------------------------------


def _executions(wanted: Wanted) -> Found:
    when = executions_at(wanted.starts, wanted.ends).filter(
        Q(finished_at__isnull=False) | STILL_PLANNED & Q(change__state=State.EXECUTION),
        _of_changes(wanted, "executor"),
    )
    begins = Greatest(F("window_start"), Value(wanted.starts, output_field=DateTimeField()))
    rows = _first_of_days(when, TruncDate(begins), "window_start", wanted.most)
    for one in rows.select_related("change__organisation", "executor"):
        note = str(one.executor) if wanted.sees_internal else ""
        yield (
            one.day,
            Entry(
                "execution",
                _title(one),
                _url(one),
                one.window_start,
                one.window_end,
                note,
                one.change.title,
            ),
            one.on_that_day,
        )


def _deployments(wanted: Wanted) -> Found:
    """Those planned are on the day of their release."""
    planned = Deployment.objects.filter(
        STILL_PLANNED,
        _of_changes(wanted),
        change__state=State.DEPLOYMENT,
        started_at=None,
        release__planned_on__range=(wanted.first, wanted.last),
        release__cancelled_at=None,
    )
    rows = _first_of_days(planned, F("release__planned_on"), "pk", wanted.most)
    for one in rows.select_related("change__organisation", "release"):
        yield one.day, _deployment(one), one.on_that_day


def _begun_deployments(wanted: Wanted) -> Found:
    begun = Deployment.objects.filter(
        _of_changes(wanted), started_at__gte=wanted.starts, started_at__lt=wanted.ends
    )
    rows = _first_of_days(begun, TruncDate("started_at"), "started_at", wanted.most)
    for one in rows.select_related("change__organisation", "release"):
        yield one.day, _deployment(one), one.on_that_day


def _deployment(one: Deployment) -> Entry:
    note = _("with release %s") % one.release
    times = one.started_at, one.finished_at
    return Entry("deployment", _title(one), _url(one), *times, note, one.change.title)


def _first_of_days(rows: QuerySet[Any], day: Any, order: str, most: int) -> QuerySet[Any]:
    """Number the rows of each day, and keep the first of them."""
    numbered = rows.annotate(
        day=day,
        number=Window(RowNumber(), partition_by=[day], order_by=[F(order).asc(), F("pk").asc()]),
        on_that_day=Window(Count("pk"), partition_by=[day]),
    )
    return numbered.filter(number__lte=most).order_by("day", "number")


def _of_changes(wanted: Wanted, person: str = "") -> Q:
    """The changes that were asked for; ``person`` is the field of who does it, if that is known."""
    changes = visible_to(wanted.user).order_by()
    if wanted.service:
        changes = changes.filter(services=wanted.service)
    if wanted.organisation:
        changes = changes.filter(organisation=wanted.organisation)
    if wanted.risk:
        changes = changes.filter(risk=wanted.risk)
    found = Q(change__in=changes.values("pk"))
    if wanted.person:
        theirs = Q(change__owner=wanted.person)
        found &= theirs | Q(**{person: wanted.person}) if person else theirs
    return found


def _title(one: Any) -> str:
    return f"{one.change.reference} {one.change.title}"


def _url(one: Any) -> str:
    address: str = one.change.get_absolute_url()
    return address


# What everybody minds -------------------------------------------------------------------------


def _releases(wanted: Wanted) -> Found:
    rows = Release.objects.filter(
        planned_on__range=(wanted.first, wanted.last), cancelled_at=None
    ).order_by("planned_on", "pk")
    for one in _first_of_days(rows, F("planned_on"), "pk", wanted.most):
        title = _("Release %s") % one
        note = str(one.state.label)
        yield one.day, Entry("release", title, one.get_absolute_url(), note=note), one.on_that_day


def _freezes(wanted: Wanted) -> Found:
    return _spans(wanted, "freeze")


def _maintenance(wanted: Wanted) -> Found:
    return _spans(wanted, "maintenance")


def _spans(wanted: Wanted, kind: str) -> Found:
    """Each on every day that has some of it, but a night on that of its beginning.

    Customers are not told what it is called.
    """
    found = WindowSpan.objects.filter(
        _bound(wanted), window__kind=kind, span__overlap=(wanted.starts, wanted.ends)
    ).select_related("window__service", "window__organisation")
    on_day: dict[date, list[Entry]] = defaultdict(list)
    rows = list(found.order_by("span", "pk")[: MOST_SPANS + 1])
    if len(rows) > MOST_SPANS:
        wanted.cut.add(kind)
    for one in rows[:MOST_SPANS]:
        starts, ends = one.span.lower, one.span.upper
        day = max(timezone.localdate(starts), wanted.first)
        last = timezone.localdate(ends - timedelta(microseconds=1))
        if ends - starts < NIGHT:
            last = day
        entry = _span_entry(wanted, one, kind)
        while day <= min(last, wanted.last):
            on_day[day].append(entry)
            day += timedelta(days=1)
    for day, entries in on_day.items():
        for entry in entries[: wanted.most]:
            yield day, entry, len(entries)


def _span_entry(wanted: Wanted, one: WindowSpan, kind: str) -> Entry:
    window = one.window
    title, url = str(window), window.get_absolute_url()
    if not wanted.sees_internal:
        title, url = window.get_kind_display(), ""
    note = ", ".join(str(of) for of in (window.service, window.organisation) if of)
    return Entry(kind, title, url, one.span.lower, one.span.upper, note)


def _bound(wanted: Wanted) -> Q:
    """Windows of everything, and those of the service and customer that were asked for.

    A customer's people see those of their own and of everybody.
    """
    found = Q()
    if not wanted.sees_internal:
        own = wanted.user.customer_ids
        found &= Q(window__organisation=None) | Q(window__organisation__in=own)
    if wanted.service:
        found &= Q(window__service=None) | Q(window__service=wanted.service)
    if wanted.organisation:
        found &= Q(window__organisation=None) | Q(window__organisation=wanted.organisation)
    return found


def _meetings(wanted: Wanted) -> Found:
    found: dict[date, list[Entry]] = defaultdict(list)
    for day, entry in _others["meeting"](wanted) if "meeting" in _others else ():
        found[day].append(entry)
    for day, entries in found.items():
        for entry in entries[: wanted.most]:
            yield day, entry, len(entries)


def _all_deployments(wanted: Wanted) -> Found:
    """Planned and begun ones; a day's count is that of both together."""
    rows = [*_deployments(wanted), *_begun_deployments(wanted)]
    counts: dict[date, dict[bool, int]] = defaultdict(dict)
    for day, entry, count in rows:
        counts[day][entry.starts is None] = count
    for day, entry, _count in rows:
        yield day, entry, sum(counts[day].values())


READERS: dict[str, Callable[[Wanted], Found]] = {
    "freeze": _freezes,
    "maintenance": _maintenance,
    "release": _releases,
    "meeting": _meetings,
    "deployment": _all_deployments,
    "execution": _executions,
}


def weeks_of(days: Sequence[Day], month: date) -> list[list[Day]]:
    """Put the days of a month's page into weeks, and mark those of other months."""
    for day in days:
        day.is_outside = day.on.month != month.month
    return [list(days[start : start + 7]) for start in range(0, len(days), 7)]
