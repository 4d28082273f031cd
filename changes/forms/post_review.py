"""Declaring an emergency change, and what is asked when somebody looks back on a change."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.ui.forms import DateInput, choice_field

from ..lifecycle.emergencies import LONGEST_REASON
from ..models import PostAction, PostReview
from .base import LongText, StepForm, cards, line, text

OFFERED_DAYS = 14
"""When an action is due unless somebody says otherwise."""


class DeclareEmergencyForm(StepForm):
    """Why a change is an emergency change."""

    reason = LongText(
        label=_("Why can it not wait?"),
        max_length=LONGEST_REASON,
        help_text=_("What is at stake until it is in place? The customer does not read this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class WithdrawEmergencyForm(StepForm):
    """Why a change is no emergency change after all."""

    reason = LongText(
        label=_("Why is it no emergency?"),
        max_length=LONGEST_REASON,
        help_text=_("The customer does not read this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class PostReviewForm(StepForm):
    """What a post-implementation review found."""

    happened = text(PostReview, "happened", rows=5, label=_("What happened?"))
    met = cards(PostReview, "met", label=_("Was the objective met?"))
    findings = text(
        PostReview,
        "findings",
        rows=5,
        required=False,
        help_text=_("What went well, what did not, and why? What follows from it are actions."),
    )


class PostActionForm(StepForm):
    """What is to be done after a review, by whom and by when."""

    text = line(PostAction, "text", label=_("What is to be done?"))
    owner = forms.ChoiceField(label=_("Owner"))
    due_on = forms.DateField(label=_("Due"), widget=DateInput)

    def __init__(
        self, *args: Any, people: Sequence[User], action: PostAction | None = None, **kwargs: Any
    ) -> None:
        self.people = {str(one.pk): one for one in people}
        self.action = action
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        """Offer people; begin with what the action says, or two weeks from now."""
        names = [(key, str(one)) for key, one in self.people.items()]
        choice_field(self, "owner").choices = [("", _("Choose")), *names]
        if self.action is None:
            in_time = timezone.localdate() + timedelta(days=OFFERED_DAYS)
            self.fields["due_on"].initial = in_time
            return
        for name in ("text", "due_on"):
            self.fields[name].initial = getattr(self.action, name)
        self.fields["owner"].initial = self.action.owner_id

    def arguments(self) -> dict[str, Any]:
        """Return the owner as the person."""
        found = super().arguments()
        return {**found, "owner": self.people[found["owner"]]}


class CompletePostActionForm(StepForm):
    """What was done."""

    outcome = line(PostAction, "outcome", label=_("What was done?"))
