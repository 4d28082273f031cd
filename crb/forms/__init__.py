"""What members and the chair fill in."""

from .actions import ActionFilterForm, ActionForm
from .meetings import CancelForm
from .minutes import AddendumForm, SectionForm
from .votes import OutcomeForm, RecuseForm, VoteForm

__all__ = [
    "ActionFilterForm",
    "ActionForm",
    "AddendumForm",
    "CancelForm",
    "OutcomeForm",
    "RecuseForm",
    "SectionForm",
    "VoteForm",
]
