"""Quorum and tally: pure functions from votes to an outcome and a sentence.

Who counts
    Eligible is every member of the board on the day of the meeting who is neither recused nor
    barred because they requested or raised the change themselves. Only a member's latest vote
    counts, and only if it was cast on the current revision of the request: votes on an older
    revision are stale and asked for again. A recusal is about the person, not the text: it
    stands whatever the revision.

Quorum rule
    An abstention is a vote. Quorum is met when at least ``count`` members have voted and at
    least ``share`` per cent of the eligible members, rounded up. A recusal makes the share
    smaller, never the count, so a board cannot recuse itself below its count. Who is marked as
    not being there makes neither smaller: their votes stay, and without them there may be no
    quorum any more.

Outcome rule
    The outcome with the most votes leads; abstentions are on no side. When several lead, the
    votes are tied and the chair may choose one of those by a casting vote, which is recorded
    as one. Without a vote for any outcome there is none, and the item waits.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext


class Choice(StrEnum):
    """What a member can say on an item."""

    ACCEPTED = "accepted"
    ACCEPTED_AS_PRIORITY = "accepted_as_priority"
    INFORMATION_REQUIRED = "information_required"
    REJECTED = "rejected"
    ABSTAIN = "abstain"
    RECUSE = "recuse"


SIDES = (
    Choice.ACCEPTED,
    Choice.ACCEPTED_AS_PRIORITY,
    Choice.INFORMATION_REQUIRED,
    Choice.REJECTED,
)
"""The four outcomes of the process."""

WORDS: dict[Choice, Promise] = {
    Choice.ACCEPTED: gettext_lazy("accepted"),
    Choice.ACCEPTED_AS_PRIORITY: gettext_lazy("accepted as a priority"),
    Choice.INFORMATION_REQUIRED: gettext_lazy("information required"),
    Choice.REJECTED: gettext_lazy("rejected"),
}


@dataclass(frozen=True)
class Ballot:
    """One vote: ``number`` grows with time, so a member's highest number is the latest."""

    number: int
    member: int
    choice: Choice
    revision: int


@dataclass(frozen=True)
class QuorumRule:
    """``count`` votes and ``share`` per cent of the eligible members."""

    count: int
    share: int

    def needed(self, eligible: int) -> int:
        """Return how many of the eligible members must have voted."""
        return max(self.count, ceil(self.share * eligible / 100))


@dataclass(frozen=True)
class Tally:
    """Where an item stands. The sets hold members; ``counts`` the votes per side."""

    members: frozenset[int]
    recused: frozenset[int]
    positions: dict[int, Ballot]
    stale: frozenset[int]
    counts: dict[Choice, int]
    needed: int
    away: frozenset[int] = frozenset()

    @property
    def eligible(self) -> frozenset[int]:
        """Members who may vote."""
        return self.members - self.recused

    @property
    def missing(self) -> frozenset[int]:
        """Members whose vote on the current revision is still missing."""
        return self.eligible - self.positions.keys()

    @property
    def awaited(self) -> frozenset[int]:
        """Of the missing votes those that can come: of members who have not left."""
        return self.missing - self.away

    @property
    def voted(self) -> int:
        """How many have voted, abstentions included."""
        return len(self.positions)

    @property
    def abstained(self) -> int:
        return self.voted - self.cast

    @property
    def cast(self) -> int:
        """How many votes are on a side."""
        return sum(self.counts.values())

    @property
    def has_quorum(self) -> bool:
        return self.voted >= self.needed

    def within_reach(self, able: Set[int]) -> frozenset[int]:
        """Return who has voted, or is ``able`` to: some whose vote is missing may have left."""
        return frozenset(self.positions) | (self.missing & able)

    def can_reach_quorum(self, able: Set[int]) -> bool:
        """Whether enough have voted, or can."""
        return len(self.within_reach(able)) >= self.needed

    @property
    def leading(self) -> tuple[Choice, ...]:
        """The side or sides with the most votes; none before the first vote for a side."""
        most = max(self.counts.values(), default=0)
        return tuple(side for side in SIDES if most and self.counts[side] == most)

    @property
    def outcome(self) -> Choice | None:
        """The outcome that the votes decide: with quorum, and one side alone in the lead."""
        if not self.has_quorum or len(self.leading) != 1:
            return None
        return self.leading[0]

    @property
    def is_tied(self) -> bool:
        """Whether only a casting vote can decide."""
        return self.has_quorum and len(self.leading) > 1

    @property
    def is_decidable(self) -> bool:
        """Whether an outcome can be recorded: the votes decide, or a casting vote can."""
        return self.has_quorum and bool(self.leading)

    @property
    def votes_to_change(self) -> int:
        """How many of the awaited votes it takes to end the lead; 0 if they cannot."""
        if len(self.leading) != 1:
            return min(1, len(self.awaited)) if self.cast else 0
        first, second = sorted(self.counts.values(), reverse=True)[:2]
        margin = first - second
        return margin if margin <= len(self.awaited) else 0

    @property
    def quorum_sentence(self) -> str:
        """Say whether enough members have voted, without saying how."""
        figures = _figures(self)
        if self.has_quorum:
            return _("Quorum met (%s).") % figures
        if self.needed > self.voted + len(self.awaited):
            return _("No quorum possible: %(needed)d votes are needed (%(figures)s).") % {
                "needed": self.needed,
                "figures": figures,
            }
        lacking = self.needed - self.voted
        return ngettext(
            "No quorum yet: one more vote is needed (%(figures)s).",
            "No quorum yet: %(lacking)s more votes are needed (%(figures)s).",
            lacking,
        ) % {"lacking": number_words(lacking), "figures": figures}

    @property
    def settled_sentence(self) -> str:
        """Say how a vote ended, for the record: nothing can change it any more."""
        words = _("Quorum met (%s).") if self.has_quorum else _("There was no quorum (%s).")
        lead = _lead(self, _("Led: %(side)s, %(votes)d of %(cast)d."))
        return " ".join(part for part in (words % _figures(self), lead) if part)

    @property
    def sentence(self) -> str:
        """Say where the item stands: quorum, who leads, and whether that can still change."""
        lead = _lead(self, _("Leads: %(side)s, %(votes)d of %(cast)d."))
        parts = [self.quorum_sentence, lead, _outlook(self)]
        return " ".join(part for part in parts if part)


def tally(
    members: Iterable[int],
    ballots: Iterable[Ballot],
    *,
    revision: int,
    rule: QuorumRule,
    barred: Iterable[int] = (),
    away: Iterable[int] = (),
) -> Tally:
    """Count the ballots on one revision, in whatever order they are given.

    ``barred`` are members who requested or raised the change: they count as recused. Ballots
    of people who are no members count for nothing. ``away`` are members who are not there: what
    they have voted counts, and no vote of theirs can come.
    """
    everybody = frozenset(members)
    ordered = sorted(ballots, key=lambda ballot: ballot.number)
    recused = everybody & (
        {ballot.member for ballot in ordered if ballot.choice == Choice.RECUSE} | set(barred)
    )
    latest = {
        ballot.member: ballot
        for ballot in ordered
        if ballot.member in everybody - recused and ballot.choice != Choice.RECUSE
    }
    positions = {who: ballot for who, ballot in latest.items() if ballot.revision == revision}
    counts = {side: sum(ballot.choice == side for ballot in positions.values()) for side in SIDES}
    return Tally(
        members=everybody,
        recused=recused,
        positions=positions,
        stale=frozenset(latest.keys() - positions.keys()),
        counts=counts,
        needed=rule.needed(len(everybody - recused)),
        away=everybody.intersection(away) - recused - positions.keys(),
    )


# Sentences


def number_words(number: int) -> str:
    """Return a small number in words, as a sentence has it; a larger one in figures."""
    words = (
        pgettext("number", "no"),
        pgettext("number", "one"),
        pgettext("number", "two"),
        pgettext("number", "three"),
        pgettext("number", "four"),
        pgettext("number", "five"),
        pgettext("number", "six"),
        pgettext("number", "seven"),
        pgettext("number", "eight"),
        pgettext("number", "nine"),
        pgettext("number", "ten"),
    )
    return words[number] if number < len(words) else str(number)


def _figures(count: Tally) -> str:
    text = _("%(voted)d of %(eligible)d") % {
        "voted": count.voted,
        "eligible": len(count.eligible),
    }
    if count.away:
        text += ", " + ngettext("%d not there", "%d not there", len(count.away)) % len(count.away)
    if count.recused:
        text += ", " + ngettext("%d recused", "%d recused", len(count.recused)) % len(count.recused)
    return text


def _lead(count: Tally, words: str) -> str:
    if not count.leading:
        return _("Nobody has voted for an outcome.") if count.voted else ""
    votes = count.counts[count.leading[0]]
    if len(count.leading) == 1:
        return words % {
            "side": WORDS[count.leading[0]],
            "votes": votes,
            "cast": count.cast,
        }
    *others, last = [str(WORDS[side]) for side in count.leading]
    return _("Tied: %(others)s and %(last)s, %(votes)d each.") % {
        "others": ", ".join(others),
        "last": last,
        "votes": votes,
    }


def _outlook(count: Tally) -> str:
    missing, deciding = len(count.awaited), count.votes_to_change
    if not missing or not count.cast:
        return ""
    numbers = {"deciding": number_words(deciding).capitalize(), "missing": number_words(missing)}
    if not deciding:
        return (
            ngettext(
                "The vote still missing cannot change it.",
                "The %(missing)s votes still missing cannot change it.",
                missing,
            )
            % numbers
        )
    if missing == 1:
        return _("The one vote still missing could change it.")
    if deciding == missing:
        return _("The %(missing)s votes still missing could change it together.") % numbers
    return _("%(deciding)s of the %(missing)s votes still missing could change it.") % numbers
