"""What a requester fills in behind a mailed link, and who revokes one."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models import Question
from .base import LongText, text


class AnswerForm(forms.Form):
    """The answer to one question; every question on the page has a form of its own."""

    answer = text(Question, "answer", rows=4, label=_("Your answer"))

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        self.question = question
        super().__init__(*args, auto_id=f"question_{question.pk}_%s", **kwargs)


class RevokeForm(forms.Form):
    """Why a mailed link is revoked."""

    reason = LongText(
        label=_("Why is the link revoked?"),
        max_length=2000,
        help_text=_("Expansive's own people read it in the story of the change."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why the link is revoked.")},
    )
