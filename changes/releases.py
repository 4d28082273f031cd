"""What a release's page and the list of releases show, in a fixed number of queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User

from .forecast import STAGES, Chance, Outlook, Past, entered_first, outlook, past_durations
from .gaps import Gap, gaps_for
from .models import Change, Release
from .queries import visible_to
from .risk import RiskLevel
from .states import BEFORE_DEPLOYED, CODE_PATH, OPEN, SIDE_STATE_STAGE, State

MOST = 200
"""How many changes of a release, and how many promises, its page shows."""
LATEST = 100
"""How many acts on a release its page shows."""

READ_BY_THE_GATE = (
    "board_decisions",
    "requirements",
    "risk_assessments",
    "developments",
    "peer_reviews",
    "staging_tests",
    "deployments__release",
)


@dataclass(frozen=True)
class Row:
    """A change of a release: what its gate still misses, and how likely it is in time."""

    change: Change
    missing: list[Gap]
    outlook: Outlook | None


@dataclass(frozen=True)
class Stage:
    """A stage with the changes of a release that are there."""

    state: State
    rows: list[Row]


@dataclass(frozen=True)
class Contents:
    """All that is in a release, by stage; ``more`` where not all of it is shown."""

    stages: list[Stage]
    more: bool

    @property
    def rows(self) -> list[Row]:
        """Every change that is shown."""
        return [row for stage in self.stages for row in stage.rows]

    @property
    def undeployed(self) -> list[Row]:
        """Those that have not gone out yet."""
        return [row for row in self.rows if row.change.state in BEFORE_DEPLOYED]

    @property
    def built(self) -> list[Row]:
        """Those whose code is or will be complete: what was withdrawn goes out with no release."""
        return [row for row in self.rows if row.outlook]

    @property
    def code_complete(self) -> int:
        """How many have their code complete, deployed or not."""
        done = Chance.COMPLETE
        return sum(1 for row in self.built if row.outlook and row.outlook.chance == done)

    @property
    def highest_risk(self) -> RiskLevel | None:
        """The highest risk of what has not gone out yet."""
        levels = [row.change.risk for row in self.undeployed if row.change.risk]
        return RiskLevel(max(levels)) if levels else None


def contents_of(release: Release, user: User) -> Contents:
    """Return what is in a release, as far as this person may see it. Twelve queries.

    Where not all of it is shown, what has not gone out yet comes before what has.
    """
    waits = Case(When(state__in=BEFORE_DEPLOYED, then=0), default=1)
    found = (
        visible_to(user)
        .filter(release=release)
        .select_related("organisation", "owner", "promised_release")
        .prefetch_related(*READ_BY_THE_GATE)
        .defer("description", "search")
        .order_by(waits, "pk")[: MOST + 1]
    )
    changes = list(found)
    past = past_durations()
    entered = entered_first(one.pk for one in changes if one.state in STAGES)
    now = timezone.now()
    until = complete_until(release)
    missing = gaps_for(user, (one for one in changes[:MOST] if one.state in BEFORE_DEPLOYED))
    rows = [
        _row(one, missing.get(one.pk, []), past, entered.get(one.pk, {}), until, now)
        for one in changes[:MOST]
    ]
    return Contents(_by_stage(rows), len(changes) > MOST)


def complete_until(release: Release) -> datetime:
    """Return the end of the day by which the code has to be complete, in the viewer's zone."""
    day = release.freeze_on or release.planned_on
    return timezone.make_aware(datetime.combine(day, time.max))


def _row(
    change: Change,
    missing: list[Gap],
    past: Past,
    entered: Mapping[str, datetime],
    until: datetime,
    now: datetime,
) -> Row:
    since = entered.get(change.state, change.state_since)
    return Row(change, missing, outlook_of(change, past, since, until, now))


def outlook_of(
    change: Change, past: Past, since: datetime, until: datetime, now: datetime
) -> Outlook | None:
    """Return how likely the code of a change is complete in time, None where that means nothing.

    ``since``: when it first entered the stage that it is in.
    """
    if change.state in STAGES:
        return outlook(past.get(change.state, ()), now - since, until - now)
    if change.state in (State.DEPLOYMENT, State.CONFIRMATION, State.NOT_CONFIRMED, State.CLOSED):
        return Outlook(Chance.COMPLETE)
    return None


def _by_stage(rows: Iterable[Row]) -> list[Stage]:
    order = (*CODE_PATH, *State)
    found: dict[State, list[Row]] = {}
    for row in rows:
        state = State(row.change.state)
        found.setdefault(SIDE_STATE_STAGE.get(state, state), []).append(row)
    return [Stage(state, found[state]) for state in dict.fromkeys(order) if state in found]


def promises_on(release: Release, user: User) -> QuerySet[Change]:
    """Return open changes that are promised by this release at the latest, one more than shown."""
    return (
        visible_to(user)
        .filter(promised_release=release, state__in=OPEN)
        .select_related("organisation", "release", "promised_release")
        .prefetch_related("deployments")
        .defer("description", "search")
        .order_by("pk")[: MOST + 1]
    )


def counts_of(releases: Sequence[Release], user: User) -> dict[int, tuple[int, int]]:
    """Return of each release how many changes are in it, and how many of these are not out."""
    grouped = (
        visible_to(user)
        .filter(release__in=releases)
        .order_by()
        .values_list("release")
        .annotate(every=Count("pk"), left=Count("pk", filter=Q(state__in=BEFORE_DEPLOYED)))
    )
    return {release: (every, left) for release, every, left in grouped}


# As a file ------------------------------------------------------------------------------------

COLUMNS = (
    gettext_lazy("Name"),
    gettext_lazy("State"),
    gettext_lazy("Planned for"),
    gettext_lazy("Code complete"),
    gettext_lazy("Frozen"),
    gettext_lazy("Released"),
    gettext_lazy("Cancelled"),
    gettext_lazy("Changes"),
    gettext_lazy("Not deployed"),
    gettext_lazy("Notes"),
)


def lines_of(releases: Sequence[Release], user: User) -> Iterator[list[Any]]:
    """Return a line for each release, with how many changes are in it. One query."""
    counts = counts_of(releases, user)
    for one in releases:
        moments = (one.frozen_at, one.released_at, one.cancelled_at)
        yield [
            one.name,
            one.state.label,
            one.planned_on,
            one.freeze_on,
            *(timezone.localtime(at).isoformat(" ", "seconds") if at else "" for at in moments),
            *counts.get(one.pk, (0, 0)),
            one.notes,
        ]


# In words -------------------------------------------------------------------------------------


LOOKS: dict[Chance, tuple[str, str]] = {
    Chance.COMPLETE: ("green", "circle-check"),
    Chance.LIKELY: ("green", "clock"),
    Chance.OPEN: ("amber", "hourglass"),
    Chance.UNLIKELY: ("red", "clock-exclamation"),
    Chance.LATE: ("red", "clock-exclamation"),
    Chance.UNKNOWN: ("grey", "question-mark"),
}


def chance_words(chance: Chance) -> str:
    """Return what is said of a change in one look."""
    return {
        Chance.COMPLETE: _("Code complete"),
        Chance.LIKELY: _("Likely in time"),
        Chance.OPEN: _("May be late"),
        Chance.UNLIKELY: _("Probably late"),
        Chance.LATE: _("Late"),
        Chance.UNKNOWN: _("Not enough to say"),
    }[chance]


def why_words(found: Outlook) -> str:
    """Return what the chance is based on, "" where it needs no reason."""
    if found.chance == Chance.UNKNOWN and not found.count:
        return _("No past change has been here for so long.")
    if found.chance == Chance.UNKNOWN:
        return (
            ngettext(
                "Only %d past change has been here for so long.",
                "Only %d past changes have been here for so long.",
                found.count,
            )
            % found.count
        )
    if found.median is None or found.p90 is None:
        return ""
    words = _("Of %(count)d past changes, half took %(median)s from here, nine of ten %(p90)s.")
    return words % {
        "count": found.count,
        "median": _days(found.median),
        "p90": _days(found.p90),
    }


def _days(length: timedelta) -> str:
    days = max(-(-length // timedelta(days=1)), 1)
    return ngettext("up to %d day", "up to %d days", days) % days


@dataclass(frozen=True)
class Act:
    """What somebody did to a release, why, and which of its dates moved."""

    at: datetime
    person: User | None
    words: str
    moved: list[str]


def acts_of(release: Release) -> list[Act]:
    """Return what happened to a release, the latest first. One query."""
    rows = list(
        release.history.select_related("history_user")
        .defer("notes")
        .order_by("-history_id")[: LATEST + 1]
    )
    before = [*rows[1:], None]
    return [
        Act(row.history_date, row.history_user, row.history_change_reason or "", _moved(was, row))
        for row, was in zip(rows[:LATEST], before, strict=False)
    ]


def _moved(was: Release | None, now: Release) -> list[str]:
    if was is None:
        return []
    found = []
    if was.name != now.name:
        found.append(f"{_('Name')}: {was.name} → {now.name}")
    for name, label in (("planned_on", _("Planned for")), ("freeze_on", _("Code complete"))):
        old, new = getattr(was, name), getattr(now, name)
        if old != new:
            found.append(f"{label}: {_day(old)} → {_day(new)}")
    if was.frozen_at and not now.frozen_at:
        found.append(_("No longer frozen"))
    return found


def _day(day: date | None) -> str:
    return date_format(day, "j M Y") if day else "–"
