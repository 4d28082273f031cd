"""Who may vote, and who may record what the board decided."""

from accounts.models import User
from changes import permissions as change_permissions
from expansive_cm.workflow.decisions import Decision, decide

from .. import queries
from ..deciding import know_place
from ..models import AgendaItem
from ..states import MeetingState
from ..voting import Tally
from .checks import (
    chair,
    decidable,
    in_state,
    in_time,
    item_open,
    member,
    not_away,
    not_for_one_aside,
    not_own,
    not_recused,
)


def can_cast_vote(user: User, item: AgendaItem) -> Decision:
    """Members, until meeting or deadline is over, on what they neither asked for nor gain from."""
    return decide(
        member(user, item.meeting),
        not_own(user, item),
        not_recused(user, item),
        not_for_one_aside(user, item),
        in_state(item.meeting, MeetingState.SCHEDULED, MeetingState.RUNNING),
        not_away(user, item.meeting),
        item_open(item),
        in_time(item.meeting),
    )


def can_recuse(user: User, item: AgendaItem) -> Decision:
    """As for voting: whoever may not vote has nothing to be recused from."""
    return can_cast_vote(user, item)


def can_record_outcome(user: User, item: AgendaItem, count: Tally | None = None) -> Decision:
    """The chair or the deputy, in the running meeting, with quorum and a vote for an outcome.

    In a ballot also after its deadline, when the votes decide. A tie is decided by the vote of
    whoever records it: not while they are marked as not being there.
    ``count`` saves counting twice; under a lock it must be counted from fresh rows.
    """
    early = decide(
        chair(user, item.meeting),
        not_own(user, item),
        not_recused(user, item),
        in_state(item.meeting, MeetingState.RUNNING),
        item_open(item),
    )
    if not early:
        return early
    count = count or queries.tally_of(item)
    know_place(item)
    change = change_permissions.check("record_board_outcome", user, item.change)
    return decide(
        None if change else change,
        decidable(count),
        not_away(user, item.meeting) if count.is_tied else None,
    )
