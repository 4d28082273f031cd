"""What the chair and the deputy do to an agenda: add late, defer, reorder, plan."""

from collections.abc import Sequence
from zlib import crc32

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import Change
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete

from .. import agenda_messages, permissions, queries
from ..models import AgendaItem, Meeting
from ..states import ItemState, MeetingState
from .agenda import lock_items, new_item, number_items, place, remark_on
from .core import lock_item, lock_item_with_meeting, lock_meeting, save, save_meeting, take_step
from .versions import last_reorder, record_version, settle_order

LONGEST_TIME_BOX = 480


def add_late(change: Change, meeting: Meeting, *, actor: User, reason: str) -> AgendaItem:
    """Put a change on an agenda that is already published, with a reason. Chair or deputy.

    An open item on a later agenda moves here with its plan and the votes cast on it. Raises
    StepIllegal before the agenda is published, for a change that does not wait for this board,
    and for one that is on this agenda or being voted on elsewhere. Effects: the item at the end,
    before the consent items; it takes the place of one that was deferred from this agenda; a new
    version with the reason; the members are told.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why it cannot wait for the next meeting."), ["reason"])
    with take_step("add_late", meeting, actor=actor, reason=reason) as step:
        fresh = step.on
        item = _open_item_to_move(change, fresh) or new_item(change, fresh)
        source = item.meeting if item.pk else None
        item.meeting, item.late_reason = fresh, reason.strip()
        item.remark = remark_on(item, "")
        item.is_consent = False
        before = _take_over(item, fresh)
        place(fresh, [item], actor=actor, reason=f"added late: {reason}", at_the_end=True)
        words = {"reference": item.change.reference, "reason": reason.strip()}
        why = _("Added late: %(reference)s. %(reason)s") % words
        record_version(fresh, actor=actor, reason=why)
        if source is not None:
            day = date_format(fresh.date, "j F Y")
            gone = _("Moved to the meeting of %(day)s: %(reference)s.") % {**words, "day": day}
            record_version(source, actor=actor, reason=gone)
        if before is not None and fresh.current_item_id == before.pk:
            fresh.current_item = item
        save_meeting(fresh, actor, why)
        agenda_messages.added_late(item, actor)
        step.item = item
    return item


def _take_over(item: AgendaItem, meeting: Meeting) -> AgendaItem | None:
    """Let an item go on where the one stopped under which its change has left this agenda.

    The earlier one is no longer listed; what was noted and how long it took is kept.
    """
    visits = meeting.items.filter(change=item.change, state__in=queries.LEFT).exclude(pk=item.pk)
    before = visits.order_by("pk").last()
    if before is not None:
        item.discussion = item.discussion or before.discussion
        item.seconds_spent += before.seconds_spent
    return before


def _open_item_to_move(change: Change, meeting: Meeting) -> AgendaItem | None:
    """Return the locked item under which the change is on another agenda, if it is on one."""
    waiting = queries.waiting_for(meeting.board).filter(pk=change.pk)
    if not waiting.exists():
        raise StepIllegal(_("%s does not wait for this board.") % change.reference)
    found = change.agenda_items.filter(state=ItemState.OPEN).first()
    if found is None:
        return None
    item = lock_item(found)
    if item.meeting_id == meeting.pk:
        raise StepIllegal(_("%s is on this agenda already.") % change.reference)
    if item.meeting.state == MeetingState.RUNNING:
        raise StepIllegal(_("%s is being voted on elsewhere just now.") % change.reference)
    return item


def defer_item(item: AgendaItem, *, actor: User, reason: str) -> AgendaItem | None:
    """Defer an item to the next meeting, with a reason. The chair or the deputy.

    Effects: state ``deferred``; the change gets a new item, carried over and voted on anew, on
    the next agenda that is not published yet, or waits until there is one; a new version if
    this agenda is published, and whoever presents the item is told if the meeting has not begun.
    Returns the new item.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the item is deferred."), ["reason"])
    with take_step(
        "defer_item", item, actor=actor, reason=reason, lock=lock_item_with_meeting
    ) as step:
        fresh, meeting = step.on, step.on.meeting
        fresh.defer(reason.strip())
        save(fresh, actor=actor, reason=f"deferred to the next meeting: {reason}")
        words = {"reference": fresh.change.reference, "reason": reason.strip()}
        why = _("Deferred: %(reference)s. %(reason)s") % words
        record_version(meeting, actor=actor, reason=why)
        save_meeting(meeting, actor, why)
        if meeting.is_published and not meeting.is_running:
            agenda_messages.presents_no_more(fresh, actor)
        target = queries.next_agenda(meeting.board, after=meeting)
        if target is None:
            return None
        carried = new_item(fresh.change, target)
        place(target, [carried], actor=actor, reason="carried over")
    return carried


def reorder_agenda(
    meeting: Meeting, *, actor: User, order: Sequence[int], seen: int | None = None
) -> bool:
    """Put the open items of an agenda into another order. The chair or the deputy.

    ``order`` names every open item but the consent items, which come last; what is settled keeps
    its place. ``seen`` is the meeting's version on the page. Raises ChangeStale when the agenda
    has changed since. Returns whether anything moved. If so, and if the agenda is published, it
    gets a new version, but one for all steps that a person takes in a run
    (``settle_finished_order``).
    """
    with take_step("reorder_agenda", meeting, actor=actor) as step:
        fresh = step.on
        items = lock_items(fresh)
        movable = {item.pk: item for item in items if item.is_open and not item.is_consent}
        stale = seen is not None and seen != fresh.version
        if stale or sorted(order) != sorted(movable):
            raise ChangeStale(
                _("The agenda has changed since you opened this page. Please look at it again.")
            )
        turn = iter(order)
        wanted = [movable[next(turn)] if item.pk in movable else item for item in items]
        if wanted == items:
            step.happened = False
            return False
        before = last_reorder(fresh)
        if before is not None and before.history_user_id != actor.pk:
            settle_order(fresh)
        number_items(wanted, actor=actor)
        save_meeting(fresh, actor, queries.REORDERED)
    return True


def settle_finished_order(meeting: Meeting) -> bool:
    """Make a version of an order that is finished (``queries.orders_to_settle``); idempotent.

    That is five minutes after the last step. Whatever else changes a published agenda, opening
    and closing the meeting included, makes the version at once. Returns whether one was made.
    """
    with acting():
        fresh = lock_meeting(meeting)
        made = settle_order(fresh) is not None
        if made:
            save(fresh, actor=None, reason="made a version of the new order")
    return made


def plan_item(
    item: AgendaItem,
    *,
    actor: User,
    presenter: User | None = None,
    time_box: int | None = None,
    notes: str = "",
    seen: str | None = None,
) -> AgendaItem:
    """Say who presents an item and how long it may take, and keep notes. Chair or deputy.

    The presenter is one of Expansive's own people; ``time_box`` is in minutes; the notes are for
    the board. ``seen`` is what ``plan_token`` said of the item on the page. A published version
    is not made anew for it; whoever presents an item of a published agenda now, or no longer
    does, is told. Raises ChangeStale when somebody else has planned the item since.
    """
    _check_plan(presenter, time_box)
    with take_step("plan_item", item, actor=actor) as step:
        fresh = step.on
        if seen is not None and seen != plan_token(fresh):
            raise ChangeStale(_("Somebody else has planned this item since you opened the page."))
        before = fresh.presenter
        fresh.presenter, fresh.time_box, fresh.notes = presenter, time_box, notes.strip()
        save(fresh, actor=actor, reason="planned")
        if before != presenter and fresh.meeting.is_published and not fresh.meeting.is_ballot:
            agenda_messages.presenter_named(fresh, before, actor)
    return fresh


def _check_plan(presenter: User | None, time_box: int | None) -> None:
    if presenter is not None and not permissions.may_see_board(presenter.read_afresh()):
        raise StepIncomplete(_("One of Expansive's own people presents."), ["presenter"])
    if time_box is not None and not 1 <= time_box <= LONGEST_TIME_BOX:
        raise StepIncomplete(
            _("A time box has between 1 and %d minutes.") % LONGEST_TIME_BOX, ["time_box"]
        )


def plan_token(item: AgendaItem) -> str:
    """Return what tells one plan of an item from another."""
    return f"{item.presenter_id or ''}-{item.time_box or ''}-{crc32(item.notes.encode())}"
