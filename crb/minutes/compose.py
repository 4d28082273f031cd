"""What the minutes of a meeting say, gathered from what was recorded: facts, no layout.

The answer is plain JSON, so that it can be frozen when the minutes are published. Single votes
and the reasons of recusals lie apart, under ``votes``: who may not see them gets the rest.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import BoardDecision, Question
from expansive_cm.statements import Given, ObjectStatement
from expansive_cm.sure import sure

from .. import queries
from ..consequences import promised_words
from ..models import Absence, Action, AgendaItem, BoardOutcome, Meeting, Seat, Standing, Vote
from ..permissions import minutes_of
from ..states import Mark, MeetingState
from ..voting import SIDES, Choice, Tally

FORMAT = 2
"""Grows when the shape of the content changes; frozen minutes keep the shape they have."""

Json = dict[str, Any]


def compose(meeting: Meeting) -> Json:
    """Return the whole record of a meeting as it stands now, in a fixed number of queries.

    Nothing that is still open is told: while members vote, an item has neither tally nor votes.
    Works for every meeting that was opened, whether or not anybody has written its minutes.
    """
    return _Record(meeting).content()


class _Record:
    """Everything that was recorded about one meeting, loaded once."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting
        self.items = queries.agenda_of(meeting)
        self.roster = meeting.roster
        self.absences = list(_absences(meeting))
        self.taken_back = _by(_outcomes_taken_back(meeting), "taken_from_id")
        self.questions = _by(_questions(meeting), "decision_id")
        self.actions = _by(ACTIONS.objects(meeting=meeting.pk), "item_id")
        self.people = self._load_people()

    def _load_people(self) -> dict[int, User]:
        """Return everybody who is named; only who has lost the seat since is read once more."""
        known: list[User | None] = [seat.user for seat in self.meeting.members]
        wanted: set[int] = set()
        for item in self.items:
            known += [item.presenter, item.pulled_by]
            wanted |= queries.tally_of(item).members
            for vote in queries.votes_on(item):
                known += [vote.member, vote.for_member]
        people = {person.pk: person for person in known if person is not None}
        missing = wanted - people.keys()
        return {**people, **(User.objects.in_bulk(missing) if missing else {})}

    def name(self, pk: int | None) -> str:
        return self.people[pk].display_name if pk else ""

    def names(self, pks: Iterable[int]) -> list[str]:
        return sorted(self.name(pk) for pk in pks)

    # The meeting

    def content(self) -> Json:
        settled = [item for item in self.items if not item.is_open]
        return {
            "format": FORMAT,
            **self._meeting(),
            "remarks": _remarks(self.meeting),
            "attendance": self._attendance(),
            "items": [self._item(item, number) for number, item in enumerate(self.items, 1)],
            "actions": [_action(action) for action in self.actions[None]],
            "votes": {str(item.pk): self._votes(item) for item in settled},
        }

    def _meeting(self) -> Json:
        meeting = self.meeting
        ran = _who_ran(meeting)
        return {
            "board": meeting.board.name,
            "kind": meeting.kind,
            "kind_words": meeting.get_kind_display(),
            "purpose": meeting.purpose,
            "date": meeting.date.isoformat(),
            "zone": meeting.zone,
            "planned_start": _moment(meeting.starts_at),
            "planned_end": _moment(meeting.ends_at),
            "deadline": _moment(meeting.deadline),
            "opened_at": _moment(meeting.started_at),
            "opened_by": ran.get(MeetingState.RUNNING, ""),
            "closed_at": _moment(meeting.closed_at),
            "closed_by": ran.get(MeetingState.CLOSED, ""),
        }

    def _attendance(self) -> Json:
        seats = {seat.user_id: seat for seat in self.meeting.members}
        there = self.roster.were_there
        away = {one.membership.user_id for one in self.absences}
        excused = [
            one
            for pk, one in self.roster.people.items()
            if one.mark == Mark.EXCUSED and pk not in away
        ]
        missing = [
            seat
            for pk, seat in seats.items()
            if pk not in there
            and self.roster.of(seat.user).mark != Mark.EXCUSED
            and not (pk in away and seat.absent is None)
        ]
        apologies = [one for one in self.absences if one.membership.user_id not in there]
        return {
            "present": [_present(one, seats.get(pk)) for pk, one in there.items()],
            "guests": [_present(one, None) for one in self.roster.guests.values() if one.was_there],
            "apologies": [
                *(_apology(self.roster.of(one.membership.user), one) for one in apologies),
                *(_apology(one) for one in excused),
            ],
            "absent": [
                {"name": seat.user.display_name, "seat": seat_words(seat), "for": _for(seat)}
                for seat in missing
            ],
        }

    # The items

    def _item(self, item: AgendaItem, number: int) -> Json:
        return {
            "item": item.pk,
            "number": number,
            "change": item.change_id,
            "reference": item.change.reference,
            "title": item.change.title,
            "organisation": str(item.change.organisation or ""),
            "kind": item.kind,
            "kind_words": item.get_kind_display(),
            "presenter": self.name(item.presenter_id),
            "late_reason": item.late_reason,
            "pulled_by": self.name(item.pulled_by_id),
            "pull_reason": item.pull_reason,
            "state": item.state,
            "state_words": item.get_state_display(),
            "remark": item.remark,
            "discussion": item.discussion,
            **self._outcome(item),
            "taken_back": [_taken_back(one, item) for one in self.taken_back[item.pk]],
            **self._tally(item),
            "actions": [_action(action) for action in self.actions[item.pk]],
        }

    def _outcome(self, item: AgendaItem) -> Json:
        outcome = getattr(item, "outcome", None)
        if outcome is None:
            return {"outcome": ""}
        decision: BoardDecision = outcome.decision
        return {
            "outcome": decision.outcome,
            "outcome_words": decision.get_outcome_display(),
            "recorded_by": outcome.recorded_by.display_name,
            "recorded_at": _moment(outcome.recorded_at),
            "casting_vote": outcome.casting_vote,
            "by_consent": outcome.by_consent,
            "reason": decision.reason,
            "category": decision.get_category_display() if decision.category else "",
            "elsewhere": decision.elsewhere,
            "promise": promised_words(item.change, outcome),
            "corrected": _corrected(item, decision),
            "questions": [_question(one) for one in self.questions[decision.pk]],
        }

    def _tally(self, item: AgendaItem) -> Json:
        """Return the vote as it stood; an item that is still open keeps it to itself."""
        if item.is_open:
            return {"sentence": "", "recused": []}
        count = queries.tally_of(item)
        outcome = getattr(item, "outcome", None)
        return {
            "sentence": outcome.sentence if outcome else count.settled_sentence,
            "counts": _counts(count),
            "abstained": count.abstained,
            "voted": count.voted,
            "eligible": len(count.eligible),
            "recused": self.names(count.recused),
        }

    def _votes(self, item: AgendaItem) -> Json:
        count = queries.tally_of(item)
        cast = {vote.pk: vote for vote in queries.votes_on(item)}
        ballots = [cast[ballot.number] for ballot in count.positions.values()]
        ballots.sort(key=lambda vote: self.name(vote.member_id))
        return {
            "ballots": [self._ballot(vote) for vote in ballots],
            "missing": self.names(count.missing),
            "recusals": [self._recusal(item, pk) for pk in sorted(count.recused, key=self.name)],
        }

    def _ballot(self, vote: Vote) -> Json:
        return {
            "name": self.name(vote.member_id),
            "for": self.name(vote.for_member_id),
            "choice": vote.choice,
            "choice_words": vote.get_choice_display(),
            "reason": vote.reason,
            "question": vote.question,
            "elsewhere": vote.elsewhere,
            "at": _moment(vote.at),
        }

    def _recusal(self, item: AgendaItem, member: int) -> Json:
        stated = [
            vote.reason
            for vote in queries.votes_on(item)
            if vote.member_id == member and vote.choice == Choice.RECUSE
        ]
        reason = stated[-1] if stated else _("Requested or raised this change.")
        return {"name": self.name(member), "reason": reason}


# Reading what was recorded


def _absences(meeting: Meeting) -> Iterable[Absence]:
    """Absences recorded for the day of the meeting, of those who were members then."""
    day = meeting.date
    term = Q(membership__starts_on__lte=day) & (
        Q(membership__ends_on=None) | Q(membership__ends_on__gte=day)
    )
    recorded = Absence.objects.filter(
        term, membership__board=meeting.board_id, withdrawn_at=None
    ).filter(starts_on__lte=day, ends_on__gte=day)
    return recorded.select_related("membership__user", "alternate").order_by(
        "membership__user__display_name"
    )


def _questions(meeting: Meeting) -> Iterable[Question]:
    return QUESTIONS.objects(meeting=meeting.pk)


def _outcomes_taken_back(meeting: Meeting) -> Iterable[BoardOutcome]:
    return TAKEN_BACK.objects(meeting=meeting.pk)


MEETING = Given("meeting")
ACTIONS = ObjectStatement(
    lambda: (
        Action.objects.filter(meeting=MEETING, dropped_at=None)
        .select_related("owner", "done_by")
        .order_by("pk")
    )
)
QUESTIONS = ObjectStatement(
    lambda: (
        Question.objects.filter(decision__board_outcome__item__meeting=MEETING)
        .select_related("answerer", "answered_by")
        .order_by("pk")
    )
)
TAKEN_BACK = ObjectStatement(
    lambda: (
        BoardOutcome.objects.filter(taken_from__meeting=MEETING)
        .select_related("decision__taken_back_by", "recorded_by")
        .order_by("pk")
    )
)


def _who_ran(meeting: Meeting) -> dict[str, str]:
    """Return who opened and who closed the meeting, from its history.

    Of a ballot that was opened again, as an outcome was taken back, who closed it last.
    """
    rows = meeting.history.filter(state__in=(MeetingState.RUNNING, MeetingState.CLOSED))
    ran: dict[str, str] = {}
    for state, name in rows.order_by("history_id").values_list(
        "state", "history_user__display_name"
    ):
        if state == MeetingState.RUNNING:
            ran.pop(MeetingState.CLOSED, None)
        ran.setdefault(state, name)
    return ran


def _remarks(meeting: Meeting) -> str:
    minutes = minutes_of(meeting)
    return minutes.remarks if minutes is not None else ""


def _by(rows: Iterable[Any], key: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return found


# As JSON


def seat_words(seat: Seat | None) -> str:
    """Return what somebody is on the board beyond a member."""
    if seat is not None and seat.is_chair:
        return _("Chair")
    return _("Deputy") if seat is not None and seat.is_deputy else ""


def _for(seat: Seat) -> str:
    return seat.absent.display_name if seat.absent else ""


def _name_of(one: Standing) -> str:
    return one.user.display_name if one.user else one.guest


def _present(one: Standing, seat: Seat | None) -> Json:
    """Return who was there: ``arrived`` and ``said`` are their own words, ``marks`` the chair's."""
    return {
        "name": _name_of(one),
        "seat": seat_words(seat),
        "for": one.for_member.display_name if one.for_member else "",
        "presents": one.is_presenter,
        "arrived": _moment(one.own.arrived_at if one.own else None),
        "said": _moment(one.said),
        "marks": [{"mark": mark.mark, "at": _moment(mark.at)} for mark in one.steps],
    }


def _apology(one: Standing, absence: Absence | None = None) -> Json:
    """Return who sent apologies; with what they said themselves, if they did."""
    alternate = absence.alternate if absence else None
    own = {"said": _moment(one.said)} if one.said else {}
    return {
        "name": _name_of(one),
        "alternate": alternate.display_name if alternate else "",
        **own,
    }


def _counts(count: Tally) -> list[Json]:
    labels = dict(BoardDecision.Outcome.choices)
    return [
        {"outcome": side.value, "words": str(labels[side.value]), "votes": count.counts[side]}
        for side in SIDES
        if count.counts[side]
    ]


def _corrected(item: AgendaItem, decision: BoardDecision) -> Json:
    """Return with what the board corrected a decision later, if it has by now."""
    for visit in item.change.agenda_items.all():
        later = getattr(visit, "outcome", None)
        if later is not None and later.decision.corrects_id == decision.pk:
            words = later.decision.get_outcome_display()
            return {"outcome_words": words, "at": _moment(later.recorded_at)}
    return {}


def _taken_back(one: BoardOutcome, item: AgendaItem) -> Json:
    """Return an outcome that did not stand; while the item is open again, not which it was."""
    decision = one.decision
    return {
        "outcome_words": "" if item.is_open else decision.get_outcome_display(),
        "recorded_by": one.recorded_by.display_name,
        "recorded_at": _moment(one.recorded_at),
        "taken_back_by": sure(decision.taken_back_by).display_name,
        "taken_back_at": _moment(decision.taken_back_at),
        "reason": decision.taken_back_reason,
    }


def _question(one: Question) -> Json:
    return {
        "text": one.text,
        "answerer": one.answerer.display_name,
        "answered_by": one.answered_by.display_name if one.answered_by else "",
        "answered_at": _moment(one.answered_at),
    }


def _action(one: Action) -> Json:
    return {
        "action": one.pk,
        "text": one.text,
        "owner": one.owner.display_name,
        "owner_id": one.owner_id,
        "due_on": _day(one.due_on),
        "done_at": _moment(one.done_at),
        "done_by": one.done_by.display_name if one.done_by else "",
    }


def _moment(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _day(day: date) -> str:
    return day.isoformat()
