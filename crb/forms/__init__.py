"""What members and the chair fill in."""

from .actions import ActionFilterForm, ActionForm
from .agenda import AddLateForm, DeferForm, PlanForm, PullForm
from .attendance import MarkForm
from .calendar import AbsenceForm, CallForm, MoveForm
from .meetings import CancelForm
from .minutes import AddendumForm, SectionForm
from .votes import OutcomeForm, ReconsiderForm, RecuseForm, TakeBackForm, VoteForm

__all__ = [
    "AbsenceForm",
    "CallForm",
    "CancelForm",
    "MarkForm",
    "MoveForm",
    "OutcomeForm",
    "ReconsiderForm",
    "RecuseForm",
    "TakeBackForm",
    "VoteForm",
    "ActionFilterForm",
    "ActionForm",
    "AddendumForm",
    "SectionForm",
    "AddLateForm",
    "DeferForm",
    "PlanForm",
    "PullForm",
]
