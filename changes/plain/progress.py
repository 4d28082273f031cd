"""How far a change has come: the few steps that its requester has to know."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text
from expansive_cm.ui.components import Stage, StageStatus

from ..models import Change, Event
from ..states import FINAL, ChangeType, State
from .dates import day

S = State
Part = tuple[Text, frozenset[State]]


def _part(label: Text, *states: State) -> Part:
    return label, frozenset(states)


RECEIVED = _part(_("Received"), S.DRAFT)
FIRST_LOOK = _part(_("First look"), S.SUBMITTED)
CONFIRMATION = _part(_("Confirmation"), S.CONFIRMATION, S.NOT_CONFIRMED)

CONFIGURATION_PARTS: tuple[Part, ...] = (
    RECEIVED,
    FIRST_LOOK,
    _part(_("Review"), S.REVIEW),
    _part(_("Approval"), S.AUTHORISATION),
    _part(_("Put in place"), S.EXECUTION, S.ROLLED_BACK, S.DOCUMENTATION),
    CONFIRMATION,
)
CODE_PARTS: tuple[Part, ...] = (
    RECEIVED,
    FIRST_LOOK,
    _part(_("Board's decision"), S.BOARD, S.INFORMATION_REQUIRED),
    _part(_("Preparation"), S.REQUIREMENTS, S.RISK_ASSESSMENT),
    _part(_("Development"), S.DEVELOPMENT),
    _part(_("Testing"), S.TESTING),
    _part(_("Release"), S.DEPLOYMENT),
    CONFIRMATION,
)
UNDECIDED_PARTS: tuple[Part, ...] = (
    RECEIVED,
    FIRST_LOOK,
    _part(_("Decision")),
    _part(_("Put in place")),
    CONFIRMATION,
)


def progress(change: Change, at: datetime | None = None) -> list[Stage]:
    """Return the steps of a change, each done one with the day on which it was done."""
    parts = _parts(change)
    today = timezone.localdate(at)
    here = _place(change, parts)
    stopped = change.state in FINAL and here < len(parts)
    stages = []
    for number, (label, states) in enumerate(parts):
        if number < here:
            stages.append(Stage(label, StageStatus.DONE, _done_on(change, states, today)))
        elif number > here:
            later = StageStatus.SKIPPED if stopped else StageStatus.AHEAD
            stages.append(Stage(label, later))
        else:
            status = StageStatus.STOPPED if stopped else StageStatus.CURRENT
            stages.append(Stage(label, status))
    return stages


def _parts(change: Change) -> tuple[Part, ...]:
    if change.type == ChangeType.CONFIGURATION:
        return CONFIGURATION_PARTS
    return CODE_PARTS if change.type == ChangeType.CODE else UNDECIDED_PARTS


def _place(change: Change, parts: tuple[Part, ...]) -> int:
    """Return the step at which a change is or ended; past the last when it was delivered."""
    last = _last_move(change)
    state = S(change.state)
    if state in FINAL:
        state = S(last.from_state) if last and last.from_state else S.SUBMITTED
        if change.state == S.CLOSED and state != S.ROLLED_BACK:
            return len(parts)
    return next((n for n, (_label, states) in enumerate(parts) if state in states), 1)


def _last_move(change: Change) -> Event | None:
    moves = [event for event in change.events.all() if event.moved]
    return max(moves, key=lambda event: event.pk, default=None)


def _done_on(change: Change, states: frozenset[State], today: date) -> str:
    """Return the day on which a change last left this step for another."""
    left = [
        event
        for event in change.events.all()
        if event.moved and event.from_state in states and event.to_state not in states
    ]
    if left:
        return day(max(left, key=lambda event: event.pk).at, today)
    if S.DRAFT in states and change.submitted_at:
        return day(change.submitted_at, today)
    return ""
