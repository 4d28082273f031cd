"""Actions as pages show them: each with what this person may do about it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement

from . import permissions
from .forms import ActionForm
from .models import OPEN_ACTION, Action, AgendaItem, Board, Meeting
from .models.board import day_there
from .people import OwnPeople
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


ACTIONS_OF = ObjectStatement(
    lambda: with_people(Action.objects.filter(meeting=Given("meeting"), dropped_at=None)).order_by(
        "due_on", "pk"
    )
)


def action_rows(actions: Iterable[Action], user: User, chaired: Collection[int]) -> list[ActionRow]:
    """Return rows with the buttons that make sense; the step itself asks again.

    ``chaired`` are the boards whose actions this person looks after.
    """
    rows = []
    for action in actions:
        chair = action.meeting.board_id in chaired
        overdue = action.is_open and action.due_on < action.meeting.board.today
        complete = action.is_open and (chair or action.owner_id == user.pk)
        rows.append(ActionRow(action, overdue, complete, action.is_open and chair))
    return rows


def overdue_actions() -> QuerySet[Action]:
    """Return open actions whose day is over where their board meets."""
    now = timezone.now()
    there = day_there(now, "meeting__board__")
    # Nowhere is it more than a day later than in UTC: the index finds the few.
    found = Action.objects.filter(OPEN_ACTION, due_on__lte=now.date())
    return found.alias(today_there=there).filter(due_on__lt=F("today_there"))


def boards_run_by(user: User) -> set[int]:
    """Return the boards whose chair or deputy this person is today, where each meets. One query."""
    terms = user.board_memberships.filter(Q(is_chair=True) | Q(is_deputy=True))
    return {
        one.board_id
        for one in terms.select_related("board")
        if one.starts_on <= one.board.today <= (one.ends_on or date.max)
    }


def open_actions(board: Board, user: User, *, runs: bool) -> list[ActionRow]:
    """Return the open actions of a board that are due first; ``runs`` is whether they lead it."""
    found = FIRST_DUE.objects(board=board.pk)
    return action_rows(found, user, {board.pk} if runs else ())


FIRST_DUE = ObjectStatement(
    lambda: with_people(Action.objects.filter(OPEN_ACTION, meeting__board=Given("board"))).order_by(
        "due_on", "pk"
    )[:SHOWN_ON_BOARD]
)


class ActionsPanel:
    """The actions of one meeting, and the form for another one."""

    def __init__(
        self,
        meeting: Meeting,
        user: User,
        form: ActionForm | None = None,
        *,
        people: OwnPeople | None = None,
        items: Sequence[AgendaItem] | None = None,
    ) -> None:
        self.meeting, self.user, self._form = meeting, user, form
        self._people, self._items = people, items
        self.recorded = False

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to show: actions, or somebody who may record one."""
        return bool(self.rows) or bool(self.decision)

    @cached_property
    def rows(self) -> list[ActionRow]:
        found = ACTIONS_OF.objects(meeting=self.meeting.pk)
        runs = permissions.runs_then_or_now(self.user, self.meeting)
        chaired = {self.meeting.board_id} if runs else ()
        return action_rows(found, self.user, chaired)

    @cached_property
    def decision(self) -> Decision:
        return permissions.can_record_action(self.user, self.meeting)

    @cached_property
    def form(self) -> ActionForm | None:
        """The form as it was filled in, or an empty one for those who may record actions."""
        if self._form is not None or not self.decision:
            return self._form
        form = action_form(self.meeting, people=self._people, items=self._items)
        if self.recorded:
            form.fields["text"].widget.attrs["autofocus"] = True  # for the next one
        return form


def action_form(
    meeting: Meeting,
    data: Any = None,
    *,
    people: OwnPeople | None = None,
    items: Sequence[AgendaItem] | None = None,
) -> ActionForm:
    """Return the form for a new action of a meeting, due in two weeks.

    Reads people and items unless the page has read them already.
    """
    due = max(meeting.board.today, meeting.date) + timedelta(days=OFFERED_DAYS)
    if items is None:
        items = list(meeting.items.select_related("change"))
    owners = (people or OwnPeople()).owners(meeting)
    return ActionForm(data, initial={"due_on": due}, owners=owners, items=items)


def edit_form(action: Action, data: Any = None) -> ActionForm:
    """Return the form of an existing action, whose owner can be chosen even if they have left."""
    groups = OwnPeople().owners(action.meeting)
    if all(action.owner not in group for _label, group in groups):
        groups = [*groups, (_("Until now"), [action.owner])]
    initial: dict[str, date | str | int] = {
        "text": action.text,
        "owner": action.owner_id,
        "due_on": action.due_on,
    }
    return ActionForm(data, initial=initial, owners=groups)
