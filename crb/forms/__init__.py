"""What members and the chair fill in."""

from .meetings import CancelForm
from .votes import OutcomeForm, RecuseForm, VoteForm

__all__ = ["CancelForm", "OutcomeForm", "RecuseForm", "VoteForm"]
