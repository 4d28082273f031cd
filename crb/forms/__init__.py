"""What members and the chair fill in."""

from .calendar import AbsenceForm, CallForm, MoveForm
from .meetings import CancelForm
from .votes import OutcomeForm, RecuseForm, VoteForm

__all__ = [
    "AbsenceForm",
    "CallForm",
    "CancelForm",
    "MoveForm",
    "OutcomeForm",
    "RecuseForm",
    "VoteForm",
]
