"""What the board's pages show, put together from the domain: no markup, no rules."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from changes.models import BoardDecision, Change, Promise
from changes.models.board import ACCEPTING
from changes.turns.askers import askers
from expansive_cm.texts import Text
from expansive_cm.workflow.decisions import Decision

from .. import permissions, queries
from ..consequences import consequences, promise_words, promised_words
from ..forms import (
    DeferForm,
    OutcomeForm,
    PlanForm,
    PullForm,
    ReconsiderForm,
    RecuseForm,
    TakeBackForm,
    VoteForm,
)
from ..models import AgendaItem, Meeting, Seat, Vote
from ..people import OwnPeople
from ..states import MeetingState
from ..voting import SIDES, Choice, Tally
from ..without_seat import why_no_vote
from .case import Case

LOOKS: dict[str, tuple[str, str]] = {
    Choice.ACCEPTED: ("green", "circle-check"),
    Choice.ACCEPTED_AS_PRIORITY: ("teal", "rocket"),
    Choice.INFORMATION_REQUIRED: ("amber", "message-question"),
    Choice.REJECTED: ("red", "circle-x"),
    Choice.ABSTAIN: ("grey", "minus"),
    Choice.RECUSE: ("purple", "hand-stop"),
}
"""Tone and icon of each vote and outcome."""


@dataclass(frozen=True)
class Side:
    """One bar of the tally."""

    outcome: str
    label: Text
    votes: int
    leads: bool


@dataclass(frozen=True)
class MemberRow:
    """Where one member stands on an item; ``vote`` is empty while it is hidden."""

    user: User
    seat: Seat | None
    status: str
    present: bool
    away: bool = False
    vote: Vote | None = None
    before: Vote | None = None
    """What they voted on the same revision before they changed their mind, hidden likewise."""
    standing_in_for: User | None = None


@dataclass(frozen=True)
class AgendaRow:
    """One line of the agenda, for one person."""

    item: AgendaItem
    count: Tally
    mine_missing: bool
    has_quorum: bool
    current: bool

    @property
    def decision(self) -> BoardDecision | None:
        outcome = getattr(self.item, "outcome", None)
        return outcome.decision if outcome else None


class ItemPage:
    """One item with its whole case, as one person sees it now."""

    def __init__(
        self, item: AgendaItem, user: User, attended: Collection[int], people: OwnPeople
    ) -> None:
        self.item = item
        self.user = user
        self.attended = attended
        self.people = people
        self.change: Change = item.change
        self.meeting: Meeting = item.meeting
        self.count = queries.tally_of(item)

    @cached_property
    def case(self) -> Case:
        """Everything that the members read before they vote."""
        return Case(self.item, self.user)

    @property
    def next_visit(self) -> AgendaItem | None:
        """The item under which the change came, or comes, to the board again."""
        later = [visit for visit in self.change.agenda_items.all() if visit.pk > self.item.pk]
        return min(later, key=lambda visit: visit.pk, default=None)

    # The vote

    @cached_property
    def consequences(self) -> dict[str, str]:
        """What each outcome would mean; asks the database, so only where a form needs it."""
        return consequences(self.meeting.board.today) if self.item.is_open else {}

    @property
    def shows_votes(self) -> bool:
        return permissions.votes_open_to(self.user, self.item, self.count)

    @property
    def shows_tally(self) -> bool:
        return permissions.tally_open_to(self.user, self.item, self.count)

    @property
    def stands_aside(self) -> bool:
        return permissions.stands_aside(self.user, self.item, self.count)

    @property
    def sentence(self) -> str:
        """The vote as it stands, or stood when the outcome was recorded."""
        outcome = self.outcome
        if outcome is not None:
            return outcome.sentence
        if not (self.item.is_open and self.meeting.is_open):
            return self.count.settled_sentence
        return self.count.sentence if self.shows_tally else self.count.quorum_sentence

    @property
    def sides(self) -> list[Side]:
        return side_rows(self.count)

    @property
    def leading(self) -> tuple[Choice, ...]:
        return self.count.leading

    @property
    def members(self) -> list[MemberRow]:
        """Everybody who may vote and those who may not, in the order of their seats."""
        seats = {seat.user_id: seat for seat in self.meeting.members}
        people = {user_id: seat.user for user_id, seat in seats.items()}
        for vote in queries.votes_on(self.item):
            people.setdefault(vote.member_id, vote.member)
        shown = [who for who in people if who in self.count.members]
        return [self._row(people[who], seats.get(who)) for who in shown]

    def _row(self, user: User, seat: Seat | None) -> MemberRow:
        vote = self._vote_of(user)
        visible = self.shows_votes or user.pk == self.user.pk
        absent = vote.for_member if vote else None
        return MemberRow(
            user=user,
            seat=seat,
            status=self._status(user, vote),
            present=user.pk in self.attended,
            away=user.pk in self.count.away,
            vote=vote if visible else None,
            before=self._before(vote) if vote and visible else None,
            standing_in_for=absent or (seat.absent if seat else None),
        )

    def _status(self, user: User, vote: Vote | None) -> str:
        if user.pk in self.count.positions:
            return "voted"
        if user.pk in askers(self.change):
            return "barred"
        if user.pk in self.count.recused:
            return "recused"
        return "stale" if vote is not None else "missing"

    def _vote_of(self, user: User) -> Vote | None:
        own = [vote for vote in queries.votes_on(self.item) if vote.member_id == user.pk]
        recusals = [vote for vote in own if vote.choice == Choice.RECUSE]
        return max(recusals or own, key=lambda vote: vote.pk, default=None)

    def _before(self, vote: Vote) -> Vote | None:
        """The last other vote before this one: whoever votes has seen those of the others since."""
        others = [
            one
            for one in queries.votes_on(self.item)
            if (one.member_id, one.revision) == (vote.member_id, vote.revision)
            and one.choice != vote.choice
            and one.pk < vote.pk
        ]
        return max(others, key=lambda one: one.pk, default=None)

    @property
    def my_vote(self) -> Vote | None:
        """The person's own vote, also one that has gone stale."""
        return self._vote_of(self.user)

    @property
    def my_status(self) -> str:
        if self.user.pk not in self.count.members:
            return ""
        return self._status(self.user, self.my_vote)

    @property
    def may_see_votes(self) -> bool:
        return permissions.may_see_votes(self.user, self.meeting)

    @property
    def vote_decision(self) -> Decision:
        return permissions.can_cast_vote(self.user, self.item)

    @property
    def why_no_vote(self) -> str:
        """Why somebody of the board has no seat here, while others vote."""
        votes = self.item.is_open and self.meeting.is_open
        if not votes or self.meeting.seat_of(self.user) is not None:
            return ""
        return why_no_vote(self.user, self.meeting)

    # The outcome

    @property
    def outcome(self) -> Any:
        return getattr(self.item, "outcome", None)

    @property
    def promise(self) -> str:
        if self.outcome is None:
            return ""
        if self.outcome.decision.path != self.change.path:
            return promised_words(self.change, self.outcome)
        now = promise_words(self.change, self.outcome.decision)
        if self.is_replanned and self.outcome.promised not in ("", now):
            return _("%(then)s Moved since: %(now)s") % {
                "then": self.outcome.promised,
                "now": now,
            }
        return now

    @property
    def is_replanned(self) -> bool:
        """Whether the board has since moved what it promised with this outcome."""
        if self.outcome is None or self.correction or self.change.promise != Promise.REPLANNED:
            return False
        decision = self.outcome.decision
        return decision.outcome in ACCEPTING and decision.path == self.change.path

    @property
    def may_take_back_until(self) -> datetime | None:
        """Until when the outcome can be taken back, for whoever may record outcomes."""
        if self.outcome is None or not self.runs_meeting:
            return None
        until: datetime = self.outcome.decision.may_be_taken_back_until
        return until if timezone.now() < until else None

    @cached_property
    def take_back(self) -> Decision | None:
        """Whether the outcome can be taken back and why not, as long as that is a question."""
        if self.may_take_back_until is None:
            return None
        return permissions.can_take_back_outcome(self.user, self.item)

    @cached_property
    def reconsider(self) -> Decision | None:
        """Whether the board can decide again and why not, for whoever leads it today."""
        over = self.outcome is not None and self.meeting.state == MeetingState.CLOSED
        if not over or self.correction or not self.user.has_role(Role.CRB_MEMBER):
            return None
        decision = permissions.can_reconsider_decision(self.user, self.item)
        return None if decision.kind == permissions.Refusal.PERSON else decision

    @cached_property
    def correction(self) -> AgendaItem | None:
        """The later visit to the board that corrected what was decided here."""
        own = self.outcome and self.outcome.decision_id
        later = [visit for visit in self.change.agenda_items.all() if visit.pk > self.item.pk]
        for visit in later if own else ():
            outcome = permissions.outcome_of(visit)
            if outcome is not None and outcome.decision.corrects_id == own:
                return visit
        return None

    @property
    def runs_meeting(self) -> bool:
        return self.meeting.is_led_by(self.user)

    @property
    def records(self) -> bool:
        """Whether this person is to record the outcome here, as soon as there is one."""
        return self.item.is_open and self.meeting.is_running and self.runs_meeting

    @property
    def outcome_decision(self) -> Decision:
        return permissions.can_record_outcome(self.user, self.item, self.count)

    # Forms

    def vote_form(self, data: Any = None) -> VoteForm:
        """The vote, filled in with what the person voted before."""
        last = self.my_vote
        names = ("choice", "question", "category", "elsewhere", "reason")
        initial = {name: getattr(last, name) for name in names} if last else {}
        hidden = self.meeting.board.hides_votes
        return VoteForm(data, initial=initial, consequences=self.consequences, hidden=hidden)

    def plan_form(self, data: Any = None) -> PlanForm:
        """Presenter, time box and notes as they stand."""
        return PlanForm(data, item=self.item, people=self.people.presenters)

    def defer_form(self, data: Any = None) -> DeferForm:
        return DeferForm(data)

    def pull_form(self, data: Any = None) -> PullForm:
        return PullForm(data)

    def recuse_form(self, data: Any = None) -> RecuseForm:
        return RecuseForm(data)

    def take_back_form(self, data: Any = None) -> TakeBackForm:
        return TakeBackForm(data)

    def reconsider_form(self, data: Any = None) -> ReconsiderForm:
        return ReconsiderForm(data)

    def outcome_form(self, data: Any = None, typed: Any = None) -> OutcomeForm:
        """The outcome, filled in with what leads and what members proposed to ask.

        ``typed`` is what the chair has filled in already while asking for one more question.
        """
        votes = [ballot.number for ballot in self.count.positions.values()]
        cast = [vote for vote in queries.votes_on(self.item) if vote.pk in votes]
        leading = self.leading[0].value if len(self.leading) == 1 else None
        rejections = [vote for vote in cast if vote.choice == Choice.REJECTED]
        initial = {"outcome": leading}
        if rejections:
            initial["category"] = rejections[0].category
            initial["elsewhere"] = rejections[0].elsewhere
        return OutcomeForm(
            data,
            initial=initial,
            consequences=self.consequences,
            answerers=self.people.answerers(self.change),
            proposed=list(dict.fromkeys(vote.question for vote in cast if vote.question)),
            tied=self.count.is_tied,
            typed=typed,
        )


def side_rows(count: Tally) -> list[Side]:
    """Return the bars of a tally, one for each outcome."""
    labels = dict(BoardDecision.Outcome.choices)
    return [
        Side(side.value, labels[side.value], count.counts[side], side in count.leading)
        for side in SIDES
    ]


def agenda_rows(items: list[AgendaItem], user: User, chosen: AgendaItem | None) -> list[AgendaRow]:
    """Return the lines of an agenda, each with whether this person's vote is missing."""
    rows = []
    for item in items:
        count = queries.tally_of(item)
        missing = bool(user.pk in count.missing and permissions.can_cast_vote(user, item))
        rows.append(AgendaRow(item, count, missing, count.has_quorum, item == chosen))
    return rows


def choose(
    items: list[AgendaItem], user: User, wanted: int | None, current: int | None = None
) -> AgendaItem | None:
    """Return the item to show: the one asked for, else the one that the meeting is at.

    Else the first that needs this person, the first that is open, then simply the first.
    """
    for asked in (wanted, current):
        for item in items:
            if item.pk == asked:
                return item
    for item in items:
        if item.is_open and user.pk in queries.tally_of(item).missing:
            return item
    return next((item for item in items if item.is_open), items[0] if items else None)
