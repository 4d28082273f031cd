"""Consent: what the members agree on before the meeting need not be discussed in it.

Pure: from a tally to whether the item is offered for the batch.

An item has consent when there is quorum, at least ``needed`` members have voted for one side,
no vote is on any other side, and no vote is stale. Abstentions are allowed: an abstention says
that its member does not stand in the way, and whoever does want to speak can take the item out
of the batch. A stale vote is one that its member has to cast again, so it is not known yet.

The side must be an acceptance, plain or as a priority. A rejection ends what a customer asked
for and needs a reason in words fit for them, and information required needs questions with
people who answer; both are for the table to word, whoever agrees.
"""

from .voting import Choice, Tally

CONSENTING = (Choice.ACCEPTED, Choice.ACCEPTED_AS_PRIORITY)
"""The sides that can be recorded without a discussion."""


def consent_side(count: Tally, needed: int) -> Choice | None:
    """Return the outcome on which the members agree, or None if there is no consent.

    ``needed`` is how many votes must match; 0 switches consent off.
    """
    sides = [side for side, votes in count.counts.items() if votes]
    if len(sides) != 1 or sides[0] not in CONSENTING:
        return None
    if not needed or count.counts[sides[0]] < needed:
        return None
    return sides[0] if count.has_quorum and not count.stale else None


def is_consent(count: Tally, needed: int, *, pulled: bool = False) -> bool:
    """Whether an item belongs to the batch; one that was taken out never comes back to it."""
    return not pulled and consent_side(count, needed) is not None
