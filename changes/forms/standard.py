"""Forms about standard changes."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models import StandardApproval
from .base import LongText, text
from .release import SeenForm


class ProposeForm(SeenForm):
    """Why changes made from a template need no authorisation each time."""

    case = text(
        StandardApproval,
        "case",
        rows=4,
        help_text=_(
            "How often it is done, what can go wrong, and how it is undone. The approver reads it."
        ),
    )


class StandardActForm(SeenForm):
    """Why somebody approves, refuses, renews or withdraws a standard change."""

    reason = LongText(
        label=_("Why?"),
        max_length=2000,
        help_text=_("It stays on record, and those who keep the standard change read it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any = None, *, seen: int) -> None:
        super().__init__(data, initial={"seen": seen})
