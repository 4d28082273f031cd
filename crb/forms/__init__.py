"""What members and the chair fill in."""

from .agenda import AddLateForm, DeferForm, PlanForm, PullForm
from .meetings import CancelForm
from .votes import OutcomeForm, RecuseForm, VoteForm

__all__ = [
    "AddLateForm",
    "CancelForm",
    "DeferForm",
    "OutcomeForm",
    "PlanForm",
    "PullForm",
    "RecuseForm",
    "VoteForm",
]
