"""Actions as pages show them: each with what this person may do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import STAFF_ROLES, Role

from . import permissions
from .forms import ActionForm
from .models import Action, Board, Meeting
from .permissions import Decision

OFFERED_DAYS = 14
"""When an action is due unless somebody says otherwise."""
SHOWN_ON_BOARD = 8


@dataclass(frozen=True)
class ActionRow:
    """One action, for one person."""

    action: Action
    overdue: bool
    may_complete: bool
    may_edit: bool


def with_people(actions: QuerySet[Action]) -> QuerySet[Action]:
    """Join what every row shows."""
    return actions.select_related("owner", "done_by", "meeting__board", "item__change")


def action_rows(actions: Iterable[Action], user: User) -> list[ActionRow]:
    """Return rows with the buttons that make sense; the step itself asks again. One query."""
    chaired = boards_run_by(user)
    rows = []
    for action in actions:
        chair = action.meeting.board_id in chaired
        overdue = action.is_open and action.due_on < action.meeting.board.today
        complete = action.is_open and (chair or action.owner_id == user.pk)
        rows.append(ActionRow(action, overdue, complete, action.is_open and chair))
    return rows


def boards_run_by(user: User) -> set[int]:
    """Return the boards whose chair or deputy this person is today."""
    today = timezone.localdate()
    term = Q(starts_on__lte=today) & (Q(ends_on=None) | Q(ends_on__gte=today))
    chairs = user.board_memberships.filter(term, Q(is_chair=True) | Q(is_deputy=True))
    return set(chairs.values_list("board_id", flat=True))


def open_actions(board: Board, user: User) -> list[ActionRow]:
    """Return the open actions of a board that are due first."""
    found = with_people(Action.objects.filter(meeting__board=board, done_at=None, dropped_at=None))
    return action_rows(found.order_by("due_on", "pk")[:SHOWN_ON_BOARD], user)


def owners_for(meeting: Meeting) -> list[tuple[Any, Sequence[User]]]:
    """Return who can be given an action: those at the table first, then Expansive's people."""
    own = User.objects.filter(
        is_active=True, organisation=None, groups__name__in=STAFF_ROLES | {Role.APPROVER}
    )
    people = list(own.order_by("display_name", "pk").distinct())
    seated = {seat.user_id for seat in meeting.members}
    groups = [
        (_("The board"), [one for one in people if one.pk in seated]),
        (_("Others"), [one for one in people if one.pk not in seated]),
    ]
    return [(label, group) for label, group in groups if group]


class ActionsPanel:
    """The actions of one meeting, and the form for another one."""

    def __init__(self, meeting: Meeting, user: User, form: ActionForm | None = None) -> None:
        self.meeting, self.user, self._form = meeting, user, form
        self.recorded = False

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to show: actions, or somebody who may record one."""
        return bool(self.rows) or bool(self.decision)

    @cached_property
    def rows(self) -> list[ActionRow]:
        found = with_people(self.meeting.actions.filter(dropped_at=None))
        return action_rows(found.order_by("due_on", "pk"), self.user)

    @cached_property
    def decision(self) -> Decision:
        return permissions.can_record_action(self.user, self.meeting)

    @cached_property
    def form(self) -> ActionForm | None:
        """The form as it was filled in, or an empty one for those who may record actions."""
        if self._form is not None or not self.decision:
            return self._form
        form = action_form(self.meeting)
        if self.recorded:
            form.fields["text"].widget.attrs["autofocus"] = True  # for the next one
        return form


def action_form(meeting: Meeting, data: Any = None, **initial: Any) -> ActionForm:
    """Return the form for a new action of a meeting, due in two weeks."""
    due = max(meeting.board.today, meeting.date) + timedelta(days=OFFERED_DAYS)
    items = list(meeting.items.select_related("change"))
    return ActionForm(
        data, initial={"due_on": due, **initial}, owners=owners_for(meeting), items=items
    )


def edit_form(action: Action, data: Any = None) -> ActionForm:
    """Return the form of an existing action, whose owner can be chosen even if they have left."""
    groups = owners_for(action.meeting)
    if all(action.owner not in group for _label, group in groups):
        groups = [*groups, (_("Until now"), [action.owner])]
    initial: dict[str, date | str | int] = {
        "text": action.text,
        "owner": action.owner_id,
        "due_on": action.due_on,
    }
    return ActionForm(data, initial=initial, owners=groups)
