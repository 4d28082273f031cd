"""Actions: what somebody is to do after a meeting, by a day."""

from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete

from .. import permissions, reminders
from ..minutes import messages as minutes_messages
from ..models import OPEN_ACTION, Action, AgendaItem, Meeting
from .core import lock_action, save, take_step

LONGEST_TEXT = 500


def record_action(
    meeting: Meeting,
    *,
    actor: User,
    text: str,
    owner: User,
    due_on: date,
    item: AgendaItem | None = None,
) -> Action:
    """Record who does what by when. The chair or the deputy, until the minutes are published.

    The owner is one of Expansive's own people. They read of it in the minutes, and are reminded.
    """
    with take_step("record_action", meeting, actor=actor) as step:
        fresh = step.on
        _check(fresh, text, owner, due_on)
        if item is not None and not fresh.items.filter(pk=item.pk).exists():
            raise StepIllegal(_("This item is not on the agenda of this meeting."))
        step.item = item
        action = Action(
            meeting=fresh,
            item=item,
            text=text.strip(),
            owner=owner,
            due_on=due_on,
            recorded_by=actor,
        )
        return save(action, actor=actor, reason="recorded the action")


def edit_action(
    action: Action,
    *,
    actor: User,
    text: str,
    owner: User,
    due_on: date,
    seen: str | None = None,
) -> Action:
    """Change an open action. The chair or the deputy, also after the minutes are published.

    ``seen`` is the action's fingerprint on the page. Published minutes keep the action as it
    was; so owners of before and now are told of the change by mail, unless it was they who
    made it.
    """
    with take_step("edit_action", action, actor=actor) as step:
        fresh = step.on
        if seen is not None and seen != fresh.fingerprint:
            raise ChangeStale(_("Somebody has changed this action since you opened the page."))
        _change(fresh, actor, text, owner, due_on)
    return fresh


def hand_over_actions(person: User, successor: User, actor: User, reason: str) -> None:
    """Give all open actions of somebody who leaves to a successor; an administrator does.

    All of them or none; what somebody gave to another or ended meanwhile stays as it is. Raises
    StepIncomplete for a successor who cannot see the board. Effects: those of ``edit_action``;
    ``reason`` stands with the person's own history.
    """
    with acting():
        left = Action.objects.filter(OPEN_ACTION, owner=person)
        for action in list(left.order_by("meeting__board", "meeting", "pk")):
            fresh = lock_action(action)
            if fresh.owner_id != person.pk or not fresh.is_open:
                continue
            with take_step("hand_over_action", fresh, actor=actor, reason=reason, lock=_is_locked):
                _change(fresh, actor, fresh.text, successor, fresh.due_on)


def _change(action: Action, actor: User, text: str, owner: User, due_on: date) -> None:
    _check(action.meeting, text, owner, due_on)
    earlier = action.owner
    action.text, action.owner, action.due_on = text.strip(), owner, due_on
    save(action, actor=actor, reason="changed the action")
    minutes = permissions.minutes_of(action.meeting)
    if minutes is not None and minutes.is_published:
        minutes_messages.action_changed(action, earlier, actor=actor)


def drop_action(action: Action, *, actor: User) -> Action:
    """Give up an open action. The chair or the deputy; it stays in its history."""
    with take_step("drop_action", action, actor=actor) as step:
        fresh = step.on
        fresh.dropped_at = timezone.now()
        return save(fresh, actor=actor, reason="dropped the action")


def complete_action(action: Action, *, actor: User) -> Action:
    """Say that an action is done. Its owner, the chair or the deputy, who is recorded."""
    with take_step("complete_action", action, actor=actor) as step:
        fresh = step.on
        fresh.done_at, fresh.done_by = timezone.now(), actor
        return save(fresh, actor=actor, reason="said that the action is done")


def remind_of_action(action_id: int, kind: reminders.Kind) -> bool:
    """Remind the owner of an open action, once for each day and kind; say whether it was done.

    That it was done is written into the action's history in the same transaction as the mail:
    two beats at once wait for each other here, and the second finds it.
    """
    with acting():
        found = Action.objects.select_for_update(no_key=True).filter(OPEN_ACTION, pk=action_id)
        action = found.first()
        if action is None:
            return False
        marker = reminders.marker(kind, action.due_on)
        if action.history.filter(history_change_reason=marker).exists():
            return False
        save(action, actor=None, reason=marker)
        minutes_messages.action_due(action)
    return True


def _is_locked(action: Action) -> Action:
    return action


def _check(meeting: Meeting, text: str, owner: User, due_on: date) -> None:
    if not text.strip():
        raise StepIncomplete(_("Say what is to be done."), ["text"])
    if len(text.strip()) > LONGEST_TEXT:
        raise StepIncomplete(
            _("This text is too long: %d characters at most.") % LONGEST_TEXT, ["text"]
        )
    if not permissions.may_see_board(owner.read_afresh()):
        raise StepIncomplete(
            _("Actions go to Expansive's own people: %s cannot see the board.") % owner, ["owner"]
        )
    if due_on < meeting.date:
        raise StepIncomplete(_("This day lies before the meeting."), ["due_on"])
