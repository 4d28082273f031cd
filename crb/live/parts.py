"""The parts of a meeting's page that change while somebody looks at it, and what each depends on.

A part is a template with one root element that carries the part's name as its id; the page
includes the very same template. It is drawn once per reading for all who see the same: its key
therefore holds everything about the person that the drawing depends on. Whoever lets a template
show something new about a person adds that to the key; ``tests/crb/test_live_parts.py`` compares
what is sent with each person's own page.
"""

import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import tzinfo
from time import monotonic
from typing import Any

from django.template.loader import get_template
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.models import User

from .. import queries
from ..models import AgendaItem, Vote
from ..sight import Sight
from ..states import ItemState
from . import hub
from .rooms import Snapshot, read, room_of

TOKEN = secrets.token_hex(32)
"""Stands in what is drawn for several people where each one's own CSRF token goes."""
HEARD_SECONDS = 1.0
"""So long somebody who has voted waits for the listener to hear of it."""
POSITION = mark_safe("<!-- position -->")
"""Stands in a drawn item where the parts of the right column go."""

AROUND = (
    "meeting-lead",
    "meeting-actions",
    "meeting-notice",
    "meeting-now",
    "agenda-left",
    "agenda-list",
    "attendance",
)
BESIDE = ("settled", "vote-box", "tally", "outcome-box", "ballots")
"""The right column of an item, in order."""
TEMPLATES = {
    name: f"crb/partials/{name.replace('-', '_')}.html" for name in (*AROUND, *BESIDE, "item")
}


@dataclass(frozen=True)
class Viewer:
    """Who looks: with the zone in which times are shown and the token of the forms."""

    user: User
    zone: tzinfo
    token: str


class Picture:
    """The parts as one person sees them in one reading: with one item chosen, or the batch.

    Used under the lock of the snapshot, in the person's time zone.
    """

    def __init__(
        self, viewer: Viewer, snapshot: Snapshot, wanted: int | None, *, batch: bool = False
    ) -> None:
        self.viewer = viewer
        self.snapshot = snapshot
        self.sight = Sight(viewer.user, snapshot, wanted, batch=batch)
        self.frame = self.sight.frame()
        self.item: AgendaItem | None = self.sight.chosen
        names = BESIDE if self.item else ()
        self.keys: dict[str, Hashable] = {
            name: (name, self._person, *self._key(name)) for name in (*AROUND, *names)
        }

    # What each part depends on

    @cached_property
    def _person(self) -> Hashable:
        """What kind of viewer this is: people of one kind see the same unless a key says more."""
        seat, user = self.frame["seat"], self.viewer.user
        kind = (seat.is_chair, seat.is_deputy, seat.absent and seat.absent.pk) if seat else None
        return (kind, user.roles, user.is_staff, str(self.viewer.zone))

    def _key(self, name: str) -> tuple[Hashable, ...]:
        find: Callable[[], tuple[Hashable, ...]] = getattr(self, f"_{name.replace('-', '_')}")
        return find()

    @cached_property
    def _meeting(self) -> tuple[Hashable, ...]:
        meeting = self.sight.meeting
        when = (meeting.starts_at, meeting.length_minutes, meeting.deadline, meeting.is_over)
        near = (meeting.is_today, meeting.is_near)
        return (meeting.state, meeting.version, *when, *near)

    def _meeting_lead(self) -> tuple[Hashable, ...]:
        return self._meeting

    def _meeting_actions(self) -> tuple[Hashable, ...]:
        unrecorded = tuple(item.pk for item in self.sight.unrecorded)
        return (*self._meeting, self.viewer.user.pk in self.sight.attended, unrecorded)

    def _meeting_notice(self) -> tuple[Hashable, ...]:
        return self._meeting

    def _meeting_now(self) -> tuple[Hashable, ...]:
        course = self.sight.course
        now, following = course.current, course.following
        return (
            *self._meeting,
            course.since,
            course.ends_today,
            (now.pk, now.state, now.time_box, now.seconds_spent) if now else None,
            course.place,
            course.total,
            (self.item.pk, self.item.state, course.chosen_place) if self.item else None,
            following and following.pk,
            now.notes if now is not None and course.shows_notes else "",
            course.runs,
            course.mine,
            self._jumps,
        )

    @property
    def _jumps(self) -> tuple[Hashable, ...]:
        """Where in the right column of the chosen item the way leads."""
        page = self.frame["page"]
        if page is None:
            return ()
        return (page.item.pk, page.vote_decision.allowed, page.outcome is not None, page.records)

    def _agenda_left(self) -> tuple[Hashable, ...]:
        return (*self._meeting, len(self.frame["left_for_me"]), bool(self.frame["rows"]))

    def _agenda_list(self) -> tuple[Hashable, ...]:
        meeting, published = self.sight.meeting, self.snapshot.agenda_version
        rows = [
            (row.item.pk, row.item.state, row.item.position, row.item.change.version)
            + (row.item.is_consent, row.item.time_box, row.item.presenter_id)
            + (row.count.voted, len(row.count.eligible), row.mine_missing, row.current)
            for row in self.frame["rows"]
        ]
        agenda = (meeting.agenda_published_at, published and published.number)
        more = (self.frame["agenda"].has_new_order, self.sight.shows_batch)
        return (*self._meeting, meeting.current_item_id, *agenda, *more, tuple(rows))

    def _attendance(self) -> tuple[Hashable, ...]:
        roll, roster = self.frame["roll"], self.sight.meeting.roster
        known = [*roster.people.items(), *roster.guests.items()]
        stands = tuple((key, one.seen, one.said) for key, one in known)
        rows = tuple((row.key, row.is_away, row.presents) for row in roll.rows)
        return (*self._meeting, roll.may_mark, stands, rows)

    @cached_property
    def _item(self) -> tuple[Hashable, ...]:
        """How the chosen item stands, apart from its votes."""
        item, meeting = self.item, self.sight.meeting
        assert item is not None
        outcome = getattr(item, "outcome", None)
        about = (item.pk, item.state, item.is_consent, item.change.version, item.change.revision)
        plan = (item.presenter_id, item.time_box, item.notes, item.late_reason, item.pulled_at)
        settled = (outcome and outcome.pk, item.remark)
        return (*about, *plan, *settled, meeting.state, meeting.is_over)

    @cached_property
    def _votes(self) -> tuple[Hashable, ...]:
        assert self.item is not None
        votes = tuple(sorted(vote.pk for vote in queries.votes_on(self.item)))
        return (*self._item, votes, tuple(sorted(self.frame["page"].count.away)))

    @property
    def _next_left(self) -> Hashable:
        left = self.frame["left_for_me"]
        return left[0].item.pk if left else None

    def _settled(self) -> tuple[Hashable, ...]:
        page = self.frame["page"]
        asked = (page.take_back, page.reconsider)
        own = tuple(None if one is None else (one.allowed, one.reason) for one in asked)
        corrected = page.correction and page.correction.outcome.pk
        return (*self._item, self._next_left, own, corrected)

    def _vote_box(self) -> tuple[Hashable, ...]:
        page = self.frame["page"]
        mine, decision = page.my_vote, page.vote_decision
        own = (mine and mine.pk, page.my_status, decision.allowed, decision.reason)
        return (*self._item, *own, page.why_no_vote, self._next_left)

    def _tally(self) -> tuple[Hashable, ...]:
        page = self.frame["page"]
        aside = self.frame["seat"] is not None and page.stands_aside
        return (*self._votes, page.shows_tally, page.shows_votes, aside)

    def _outcome_box(self) -> tuple[Hashable, ...]:
        if not self.frame["page"].runs_meeting:
            return ()
        own, course = self.viewer.user.pk, self.sight.course
        following = course.following and course.following.pk
        goes_on = (course.records_and_goes_on, following)
        return (*self._votes, own, own in self.sight.meeting.away, *goes_on)

    def _ballots(self) -> tuple[Hashable, ...]:
        page = self.frame["page"]
        if not page.may_see_votes:
            return ()
        mine = None if page.shows_votes or page.my_vote is None else self.viewer.user.pk
        return (*self._votes, page.shows_votes, mine, tuple(self.sight.attended))

    def _whole(self) -> tuple[Hashable, ...]:
        """The case: with speaker notes for some, and with linked drafts for whom they belong to."""
        page = self.frame["page"]
        drafts = {change.raised_by_id for _words, change in self._all_links}
        mine = self.viewer.user.pk if self.viewer.user.pk in drafts else None
        rights = (*self._jumps, bool(page.case.notes))
        return (*self._item, *rights, mine, self.sight.course.total)

    @cached_property
    def _all_links(self) -> list[tuple[str, Any]]:
        assert self.item is not None
        kept = self.snapshot.links
        if self.item.pk not in kept:
            kept[self.item.pk] = queries.drafts_linked_with(self.item.change)
        return [("", change) for change in kept[self.item.pk]]

    # Drawing

    def html(self, name: str) -> str:
        """Return a part as this person's browser gets it; empty where there is none."""
        drawn = self.snapshot.once(self.keys[name], lambda: self._draw(name))
        return drawn.replace(TOKEN, self.viewer.token)

    def article(self) -> str:
        """Return the whole chosen item, for a browser that shows another one so far."""
        if self.item is None:
            return ""
        key = ("item", self._person, *self._whole())
        shell = self.snapshot.once(key, lambda: self._draw("item"))
        beside = "\n".join(self.html(name) for name in BESIDE)
        return shell.replace(TOKEN, self.viewer.token).replace(POSITION, beside)

    def _draw(self, name: str) -> SafeString:
        context: dict[str, Any] = {
            **self.frame,
            "csrf_token": TOKEN,
            "request": None,
            "user": self.viewer.user,
        }
        if name == "meeting-actions" or name == "meeting-notice":
            context |= self.sight.steps()
        if name in ("vote-box", "outcome-box", "item"):
            context |= self.sight.forms()
        if name == "settled":
            context |= self.sight.taking_back()
        if name == "item":
            context |= {**self.sight.agenda_forms(), "position_html": POSITION}
            assert self.item is not None
            self.snapshot.tell(self.item)
        with timezone.override(self.viewer.zone):
            return mark_safe(get_template(TEMPLATES[name]).render(context).strip())  # noqa: S308


def part_after(vote: Vote, name: str, viewer: Viewer) -> SafeString:
    """Return a part as somebody sees it after their vote.

    Of those who vote in the same moment one reads the meeting, as for the streams. A listener
    that has not heard of the vote in time is not waited for.
    """
    meeting = vote.item.meeting_id
    news = hub.listener()
    with room_of(news, meeting) as room:
        until = monotonic() + HEARD_SECONDS
        snapshot = room.snapshot()
        while not _holds(snapshot, vote) and monotonic() < until:
            news.wait(meeting, snapshot.version, until - monotonic())
            snapshot = room.snapshot()
    if not _holds(snapshot, vote):
        snapshot = read(queries.meetings().get(pk=meeting))
    with snapshot.lock:
        return mark_safe(Picture(viewer, snapshot, vote.item_id).html(name))  # noqa: S308


def _holds(snapshot: Snapshot, vote: Vote) -> bool:
    item = next((one for one in snapshot.items if one.pk == vote.item_id), None)
    return item is not None and vote.pk in {one.pk for one in queries.votes_on(item)}


def note_for(before: Picture | None, now: Picture) -> str:
    """Say what has happened to the chosen item, for somebody whose writing is left in place."""
    item, page = now.item, now.frame["page"]
    if item is None:
        return ""
    words = {
        ItemState.DECIDED: _("The board has decided on this item; what you wrote is kept here."),
        ItemState.DEFERRED: _("This item was deferred; what you wrote is kept here."),
        ItemState.DROPPED: _("This item was taken off the agenda; what you wrote is kept here."),
    }
    if item.state in words:
        return words[ItemState(item.state)]
    if not now.sight.meeting.is_open:
        return _("The meeting is over; what you wrote is kept here.")
    if page.my_status == "stale":
        return _("The request was edited meanwhile; read it again. What you wrote is kept here.")
    if before is None or before.item != item:
        return ""
    return _("The votes have changed meanwhile; what you wrote is kept here.")
