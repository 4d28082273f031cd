"""The consent rule holds for all votes, not only for examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crb.consent import CONSENTING, consent_side, is_consent
from crb.voting import Ballot, Choice, QuorumRule, Tally, tally

MEMBERS = range(1, 8)
RULE = QuorumRule(3, 50)
vote = st.tuples(st.sampled_from(MEMBERS), st.sampled_from(list(Choice)), st.sampled_from([1, 2]))
ballots = st.lists(vote, max_size=12)
Votes = list[tuple[int, Choice, int]]


def counted(votes: Votes) -> Tally:
    cast = [Ballot(number, *vote) for number, vote in enumerate(votes, 1)]
    return tally(MEMBERS, cast, revision=2, rule=RULE)


def words(*choices: str) -> Tally:
    return counted([(who, Choice(choice), 2) for who, choice in enumerate(choices, 1)])


ACCEPT, PRIORITY, ASK, REJECT, ABSTAIN = (
    "accepted",
    "accepted_as_priority",
    "information_required",
    "rejected",
    "abstain",
)


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([ACCEPT] * 4, Choice.ACCEPTED),
        ([PRIORITY] * 4, Choice.ACCEPTED_AS_PRIORITY),
        ([ACCEPT] * 3 + [ABSTAIN], Choice.ACCEPTED),
        ([ACCEPT] * 3, None),  # no quorum: half of seven are four
        ([ACCEPT] * 2 + [ABSTAIN] * 2, None),  # too few match
        ([ACCEPT] * 3 + [PRIORITY], None),
        ([ACCEPT] * 5 + [REJECT], None),
        ([ACCEPT] * 5 + [ASK], None),
        ([REJECT] * 7, None),  # a rejection deserves its words
        ([ASK] * 7, None),
        ([ABSTAIN] * 7, None),
        ([], None),
    ],
)
def test_examples(choices: list[str], expected: Choice | None) -> None:
    assert consent_side(words(*choices), 3) == expected


def test_zero_switches_consent_off() -> None:
    assert consent_side(words(*[ACCEPT] * 7), 0) is None


def test_what_was_taken_out_never_comes_back() -> None:
    assert is_consent(words(*[ACCEPT] * 7), 3)
    assert not is_consent(words(*[ACCEPT] * 7), 3, pulled=True)


@given(ballots)
def test_consent_means_that_the_votes_decide_just_that(votes: Votes) -> None:
    count = counted(votes)
    side = consent_side(count, 3)
    if side is not None:
        assert count.outcome == side
        assert side in CONSENTING
        assert count.counts[side] == count.cast >= 3
        assert count.has_quorum
        assert not count.stale


@given(ballots, st.randoms())
def test_the_order_among_members_never_matters(votes: Votes, lots: object) -> None:
    latest = list({vote[0]: vote for vote in votes}.values())
    shuffled = latest.copy()
    lots.shuffle(shuffled)  # type: ignore[attr-defined]
    assert consent_side(counted(latest), 3) == consent_side(counted(shuffled), 3)


@given(ballots, st.sampled_from(MEMBERS), st.sampled_from([Choice(ASK), Choice(REJECT)]))
def test_one_other_vote_ends_it(votes: Votes, who: int, choice: Choice) -> None:
    count = counted([*votes, (who, choice, 2)])
    if who not in count.recused:
        assert consent_side(count, 3) is None


@given(ballots, st.sampled_from(MEMBERS))
def test_a_missing_member_who_abstains_ends_no_consent(votes: Votes, who: int) -> None:
    before = counted(votes)
    if who in before.missing and who not in before.stale:
        side = consent_side(before, 3)
        after = consent_side(counted([*votes, (who, Choice.ABSTAIN, 2)]), 3)
        assert side is None or after == side


@given(ballots, st.integers(1, 7))
def test_asking_for_more_never_gives_consent(votes: Votes, needed: int) -> None:
    count = counted(votes)
    if consent_side(count, needed + 1) is not None:
        assert consent_side(count, needed) is not None


@given(ballots, st.sampled_from(MEMBERS))
def test_stale_votes_never_help(votes: Votes, who: int) -> None:
    count = counted([*votes, (who, Choice.ACCEPTED, 1)])
    if who not in count.recused:
        assert consent_side(count, 1) is None
