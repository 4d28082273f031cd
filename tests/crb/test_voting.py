"""Quorum and tally: the rules by name, the sentences literally, and what must always hold."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crb.voting import SIDES, Ballot, Choice, QuorumRule, Tally, tally

RULE = QuorumRule(count=3, share=50)
A, P, INFO, R = SIDES
ABSTAIN, RECUSE = Choice.ABSTAIN, Choice.RECUSE


def count(*choices: Choice | None, members: int = 7, rule: QuorumRule = RULE) -> Tally:
    """Count one vote per member in turn; None stands for a vote still missing."""
    ballots = [
        Ballot(number, number, choice, 1)
        for number, choice in enumerate(choices, 1)
        if choice is not None
    ]
    return tally(range(1, members + 1), ballots, revision=1, rule=rule)


# Quorum rule


def test_quorum_needs_its_count_of_votes() -> None:
    rule = QuorumRule(count=4, share=0)
    assert not count(A, A, A, rule=rule).has_quorum
    assert count(A, A, A, A, rule=rule).has_quorum


def test_quorum_needs_its_share_of_members_who_are_not_recused_rounded_up() -> None:
    rule = QuorumRule(count=1, share=50)
    assert not count(A, A, A, rule=rule).has_quorum
    assert count(A, A, A, A, rule=rule).has_quorum
    assert count(A, A, A, RECUSE, rule=rule).has_quorum


def test_recusals_make_the_share_smaller_but_never_the_count() -> None:
    count_of_recused = count(A, A, RECUSE, RECUSE, RECUSE, RECUSE, RECUSE)
    assert count_of_recused.needed == 3
    assert not count_of_recused.has_quorum
    assert count_of_recused.sentence.startswith(
        "No quorum possible: 3 votes are needed (2 of 2, 5 recused)."
    )


def test_an_abstention_counts_for_quorum_but_for_no_side() -> None:
    result = count(A, A, ABSTAIN, ABSTAIN)
    assert result.has_quorum
    assert (result.cast, result.abstained, result.outcome) == (2, 2, A)


def test_requester_and_raiser_count_as_recused() -> None:
    ballots = [Ballot(number, number, R, 1) for number in (1, 2, 3, 4)]
    result = tally(range(1, 8), ballots, revision=1, rule=RULE, barred={1, 99})
    assert result.recused == {1}
    assert result.counts[R] == 3


# Outcome rule


def test_most_votes_decide_even_without_a_majority() -> None:
    assert count(A, A, P, R, INFO).outcome == A


def test_without_quorum_there_is_no_outcome() -> None:
    result = count(A, A, A)
    assert (result.leading, result.outcome, result.is_tied) == ((A,), None, False)


def test_a_tie_has_no_outcome_but_awaits_a_casting_vote() -> None:
    result = count(A, A, R, R)
    assert (result.leading, result.outcome, result.is_tied) == ((A, R), None, True)


def test_only_abstentions_lead_nowhere() -> None:
    result = count(*[ABSTAIN] * 7)
    assert (result.has_quorum, result.leading, result.outcome) == (True, (), None)
    assert not result.is_tied


def test_the_latest_vote_counts() -> None:
    ballots = [Ballot(1, 1, R, 1), Ballot(2, 2, A, 1), Ballot(3, 1, A, 1)]
    result = tally([1, 2], ballots, revision=1, rule=RULE)
    assert result.counts[A] == 2


def test_a_vote_on_an_older_revision_is_stale_and_asked_for_again() -> None:
    ballots = [Ballot(1, 1, R, 1), Ballot(2, 2, A, 2)]
    result = tally([1, 2, 3], ballots, revision=2, rule=RULE)
    assert result.stale == {1}
    assert result.missing == {1, 3}
    assert result.counts[R] == 0


def test_a_recusal_stands_whatever_the_revision() -> None:
    ballots = [Ballot(1, 1, RECUSE, 1), Ballot(2, 1, A, 2)]
    assert tally([1, 2], ballots, revision=2, rule=RULE).recused == {1}


def test_strangers_do_not_vote() -> None:
    assert tally([1], [Ballot(1, 2, A, 1)], revision=1, rule=RULE).voted == 0


# Sentences


@pytest.mark.parametrize(
    ("choices", "members", "sentence"),
    [
        (
            (A, A, A, P, P, RECUSE),
            8,
            "Quorum met (5 of 7, 1 recused). Leads: accepted, 3 of 5. "
            "One of the two votes still missing could change it.",
        ),
        ((), 7, "No quorum yet: four more votes are needed (0 of 7)."),
        (
            (A, A, A),
            7,
            "No quorum yet: one more vote is needed (3 of 7). Leads: accepted, 3 of 3. "
            "Three of the four votes still missing could change it.",
        ),
        (
            (A, A, A, A),
            7,
            "Quorum met (4 of 7). Leads: accepted, 4 of 4. "
            "The three votes still missing cannot change it.",
        ),
        (
            (A, A, A, R, R),
            6,
            "Quorum met (5 of 6). Leads: accepted, 3 of 5. "
            "The one vote still missing could change it.",
        ),
        (
            (A, A, A, A, R, R),
            7,
            "Quorum met (6 of 7). Leads: accepted, 4 of 6. "
            "The vote still missing cannot change it.",
        ),
        (
            (A, A, A, ABSTAIN, R),
            7,
            "Quorum met (5 of 7). Leads: accepted, 3 of 4. "
            "The two votes still missing could change it together.",
        ),
        (
            (A, A, R, R),
            4,
            "Quorum met (4 of 4). Tied: accepted and rejected, 2 each.",
        ),
        (
            (A, R, P),
            5,
            "Quorum met (3 of 5). Tied: accepted, accepted as a priority and rejected, 1 each. "
            "One of the two votes still missing could change it.",
        ),
        ((ABSTAIN,) * 4, 7, "Quorum met (4 of 7). Nobody has voted for an outcome."),
        (
            (P, P, P, P, P, P, P),
            7,
            "Quorum met (7 of 7). Leads: accepted as a priority, 7 of 7.",
        ),
    ],
)
def test_sentence(choices: tuple[Choice, ...], members: int, sentence: str) -> None:
    assert count(*choices, members=members).sentence == sentence


def test_the_sentence_of_a_vote_that_led_to_nothing() -> None:
    assert count(A, A, R).settled_sentence == (
        "There was no quorum (3 of 7). Led: accepted, 2 of 3."
    )
    assert count().settled_sentence == "There was no quorum (0 of 7)."
    assert count(*[ABSTAIN] * 4).settled_sentence == (
        "Quorum met (4 of 7). Nobody has voted for an outcome."
    )


# What must always hold

MEMBERS = range(1, 8)
"""A busy machine is no fault of the rules."""
CHOICES = st.sampled_from(Choice)
RULES = st.builds(QuorumRule, count=st.integers(1, 8), share=st.integers(0, 100))
VOTES = st.lists(st.tuples(st.sampled_from(MEMBERS), CHOICES, st.integers(1, 3)), max_size=25)


def ballots_of(votes: list[tuple[int, Choice, int]]) -> list[Ballot]:
    """Number votes in the order they were cast."""
    return [
        Ballot(number, member, choice, revision)
        for number, (member, choice, revision) in enumerate(votes, 1)
    ]


@given(votes=VOTES, rule=RULES, seed=st.randoms(use_true_random=False))
def test_the_order_in_which_votes_are_read_never_matters(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, seed: random.Random
) -> None:
    ballots = ballots_of(votes)
    shuffled = ballots.copy()
    seed.shuffle(shuffled)
    first = tally(MEMBERS, ballots, revision=3, rule=rule)
    second = tally(MEMBERS, shuffled, revision=3, rule=rule)
    assert first == second
    assert first.sentence == second.sentence


def with_vote(
    votes: list[tuple[int, Choice, int]],
    who: set[int],
    choice: Choice | None,
    rule: QuorumRule,
) -> Tally:
    """Count with these members all voting alike, or not at all, whatever they voted before."""
    others = [vote for vote in votes if vote[0] not in who]
    last = [(member, choice, 3) for member in sorted(who) if choice is not None]
    return tally(MEMBERS, ballots_of([*others, *last]), revision=3, rule=rule)


SOME = st.sets(st.sampled_from(MEMBERS), min_size=1)


@given(votes=VOTES, rule=RULES, who=SOME, side=st.sampled_from(SIDES))
def test_recusal_never_helps_a_side(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, who: set[int], side: Choice
) -> None:
    """No side gains by members recusing themselves instead of taking part.

    Whatever a side reaches while they are recused, it reaches as well when they abstain, and
    when they vote for it: counts, lead, tie and outcome. The side that they would have voted
    for has more votes without the recusal, no other has fewer.
    """
    recused = with_vote(votes, who, RECUSE, rule)
    abstaining = with_vote(votes, who, ABSTAIN, rule)
    voting = with_vote(votes, who, side, rule)
    assert recused.counts == abstaining.counts
    assert recused.leading == abstaining.leading
    assert recused.counts[side] + len(who) == voting.counts[side]
    assert all(recused.counts[one] == voting.counts[one] for one in SIDES if one != side)
    if recused.has_quorum:
        assert abstaining.has_quorum and voting.has_quorum
    if recused.outcome is not None:
        assert abstaining.outcome == recused.outcome
    if recused.is_tied:
        assert abstaining.is_tied
    if side in recused.leading:
        assert side in voting.leading
    if recused.outcome == side:
        assert voting.outcome == side


@given(votes=VOTES, rule=RULES, who=SOME)
def test_recusal_leaves_the_sides_as_silence_would(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, who: set[int]
) -> None:
    """Adding or taking away a recusal of members who have not voted moves no lead.

    It can only ease the share that quorum needs, as for everybody: never the count.
    """
    recused = with_vote(votes, who, RECUSE, rule)
    silent = with_vote(votes, who, None, rule)
    assert (recused.counts, recused.leading) == (silent.counts, silent.leading)
    assert rule.count <= recused.needed <= silent.needed
    assert recused.voted == silent.voted


@given(votes=VOTES, rule=RULES, member=st.sampled_from(MEMBERS))
def test_recusal_adds_to_no_side(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, member: int
) -> None:
    before = tally(MEMBERS, ballots_of(votes), revision=3, rule=rule)
    after = tally(MEMBERS, ballots_of([*votes, (member, RECUSE, 3)]), revision=3, rule=rule)
    assert member not in after.positions
    assert all(after.counts[side] <= before.counts[side] for side in SIDES)


@given(votes=VOTES, stale=VOTES, rule=RULES)
def test_stale_votes_never_count(
    votes: list[tuple[int, Choice, int]], stale: list[tuple[int, Choice, int]], rule: QuorumRule
) -> None:
    old = [(member, choice, 3) for member, choice, _revision in stale if choice != RECUSE]
    now = [(member, choice, 4) for member, choice, _revision in votes]
    alone = tally(MEMBERS, ballots_of(now), revision=4, rule=rule)
    with_old = tally(MEMBERS, ballots_of([*old, *now]), revision=4, rule=rule)
    assert with_old.counts == alone.counts
    assert with_old.outcome == alone.outcome
    assert with_old.has_quorum == alone.has_quorum


@given(votes=VOTES, rule=RULES, member=st.sampled_from(MEMBERS))
def test_an_abstention_changes_no_side(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, member: int
) -> None:
    others = [vote for vote in votes if vote[0] != member]
    without = tally(MEMBERS, ballots_of(others), revision=3, rule=rule)
    abstained = tally(MEMBERS, ballots_of([*others, (member, ABSTAIN, 3)]), revision=3, rule=rule)
    assert abstained.counts == without.counts
    assert abstained.voted == without.voted + 1


@given(votes=VOTES, rule=RULES, later=st.lists(st.sampled_from(SIDES), min_size=7, max_size=7))
def test_what_cannot_change_does_not_change(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, later: list[Choice]
) -> None:
    before = tally(MEMBERS, ballots_of(votes), revision=3, rule=rule)
    if len(before.leading) != 1 or before.votes_to_change:
        return
    more = [(member, later[member - 1], 3) for member in sorted(before.missing)]
    after = tally(MEMBERS, ballots_of([*votes, *more]), revision=3, rule=rule)
    assert after.leading == before.leading


ALTERNATE, SECOND = 8, 9


@given(
    votes=st.lists(
        st.tuples(st.sampled_from([*MEMBERS, ALTERNATE, SECOND]), CHOICES, st.integers(3, 3)),
        max_size=25,
    ),
    rule=RULES,
    absent=st.sampled_from(MEMBERS),
)
def test_an_alternates_vote_counts_once_for_the_seat(
    votes: list[tuple[int, Choice, int]], rule: QuorumRule, absent: int
) -> None:
    """The seat has one vote: that of who sits there now, whoever sat or voted there before."""
    seats = [ALTERNATE if member == absent else member for member in MEMBERS]
    result = tally(seats, ballots_of(votes), revision=3, rule=rule)
    of_seats = [vote for vote in votes if vote[0] in seats]
    alone = tally(seats, ballots_of(of_seats), revision=3, rule=rule)
    assert (result.counts, result.needed) == (alone.counts, alone.needed)
    assert (result.sentence, len(result.members)) == (alone.sentence, len(MEMBERS))
    assert not {absent, SECOND} & (result.positions.keys() | result.recused)
    assert result.voted + len(result.missing) + len(result.recused) == len(MEMBERS)
