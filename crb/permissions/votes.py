"""Who may vote, and who may record what the board decided."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes import permissions as change_permissions
from changes.permissions.rules import gate
from expansive_cm.workflow.decisions import Check, Decision, decide

from .. import promised, queries
from ..deciding import know_place
from ..models import AgendaItem, BoardEvent, BoardOutcome
from ..states import MeetingState
from ..voting import Tally
from .checks import (
    chair,
    chair_of,
    decidable,
    in_state,
    in_time,
    item_open,
    meets,
    member,
    not_away,
    not_for_one_aside,
    not_own,
    not_recused,
)
from .minutes import unpublished


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


def can_take_back_outcome(user: User, item: AgendaItem) -> Decision:
    """Whoever may record outcomes, some minutes at most, and not once somebody has acted on it.

    In the running meeting, or a ballot that closed by itself with this outcome: what has been
    closed by a person, or published, stays.
    """
    early = decide(
        chair(user, item.meeting),
        not_own(user, item),
        not_recused(user, item),
        _not_closed_by_a_person(item),
        unpublished(item.meeting),
        gate("" if outcome_of(item) else _("There is no outcome to take back.")),
    )
    if not early:
        return early
    know_place(item)
    return change_permissions.check("take_back_board_outcome", user, item.change)


def outcome_of(item: AgendaItem) -> BoardOutcome | None:
    """Return the outcome that stands of an item."""
    return getattr(item, "outcome", None)


def _not_closed_by_a_person(item: AgendaItem) -> Check:
    meeting = item.meeting
    ended = BoardEvent.objects.filter(meeting=meeting, verb="end_ballot")
    if meeting.is_ballot and meeting.state == MeetingState.CLOSED and meeting.board.is_active:
        return in_state(meeting, MeetingState.RUNNING) if ended.exists() else None
    return in_state(meeting, MeetingState.RUNNING)


def can_reconsider_decision(user: User, item: AgendaItem) -> Decision:
    """Whoever leads the board today, of what it decided at a meeting that is over."""
    board, is_over = item.meeting.board, item.meeting.state == MeetingState.CLOSED
    leads = chair_of(user, board)
    if leads is not None:
        return decide(leads)  # asked of everybody who looks: for most that is all there is to ask
    early = decide(
        not_own(user, item),
        not_recused(user, item),
        meets(board),
        gate("" if outcome_of(item) else _("There is no decision to correct.")),
        gate("" if is_over else _("The meeting is not over yet.")),
        _decided_last(item),
        _decides_still(item),
    )
    return early and change_permissions.check("reconsider_decision", user, item.change)


def can_replan_promise(user: User, item: AgendaItem) -> Decision:
    """Whoever leads the board that promised today, with this item, until the change is closed.

    Where that board no longer meets: the one that decides for the customer now.
    """
    outcome = promised.outcome_of(item.change)
    board = (promised.board_of(item.change, outcome) if outcome else None) or item.meeting.board
    leads = chair_of(user, board)
    if leads is not None:
        return decide(leads)
    is_of_this = outcome is not None and outcome.item_id == item.pk
    early = decide(
        not_own(user, item),
        not_recused(user, item),
        meets(board),
        gate("" if is_of_this else _("The board has promised nothing with this decision.")),
    )
    return early and change_permissions.check("replan_promise", user, item.change)


def _decided_last(item: AgendaItem) -> Check:
    outcome, newest = outcome_of(item), item.change.board_decision
    if item.path != item.change.path:
        return gate(_("The change was reclassified since."))
    is_last = outcome is not None and newest is not None and outcome.decision_id == newest.pk
    return gate("" if is_last else _("The board has decided on it since."))


def _decides_still(item: AgendaItem) -> Check:
    now = queries.board_for(item.change)
    same = now is not None and now.pk == item.meeting.board_id
    return gate("" if same else _("Another board decides for this customer now."))
