"""What a requester fills in on the page behind a mailed link."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models import Question
from .base import text


class AnswerForm(forms.Form):
    """The answer to one question; every question on the page has a form of its own."""

    answer = text(Question, "answer", rows=4, label=_("Your answer"))

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        self.question = question
        super().__init__(*args, auto_id=f"question_{question.pk}_%s", **kwargs)
