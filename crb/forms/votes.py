"""Votes, recusals and outcomes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from changes.forms.base import LongText, line, text
from changes.models import BoardDecision
from expansive_cm.numbers import whole_number
from expansive_cm.ui.forms import RadioCards, choice_field
from expansive_cm.workflow.errors import StepIncomplete

from ..models import AgendaItem, Vote
from ..voting import Choice
from .base import BoardForm

Outcome = BoardDecision.Outcome
OUTCOME_ICONS = {
    Outcome.ACCEPTED.value: "circle-check",
    Outcome.ACCEPTED_AS_PRIORITY.value: "rocket",
    Outcome.INFORMATION_REQUIRED.value: "message-question",
    Outcome.REJECTED.value: "circle-x",
    Choice.ABSTAIN.value: "minus",
}
QUESTION_ROWS = 2
MOST_QUESTIONS = 10


class VoteForm(BoardForm):
    """One vote. What an outcome needs is asked for beneath it."""

    name = "vote"

    choice = forms.ChoiceField(label=_("Your vote"), widget=RadioCards(icons=OUTCOME_ICONS))
    question = text(
        Vote, "question", rows=2, required=False, label=_("What does the board need to know?")
    )
    category = forms.ChoiceField(
        label=_("Why should it be rejected?"),
        choices=[("", "–"), *BoardDecision.Category.choices],
        required=False,
    )
    elsewhere = line(Vote, "elsewhere", required=False, help_text=_("A change or a reference."))
    reason = text(
        Vote,
        "reason",
        rows=2,
        required=False,
        label=_("Reason"),
        help_text=_("Other members see it once they have voted."),
    )

    def __init__(
        self, *args: Any, consequences: dict[str, str], hidden: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not hidden:
            self.fields["reason"].help_text = _("Other members see it at once.")
        choices = [pair for pair in Vote.Choice.choices if pair[0] != Choice.RECUSE]
        choice_field(self, "choice").choices = choices
        descriptions = {**consequences, Choice.ABSTAIN.value: _("Counts for quorum, for no side.")}
        self.fields["choice"].widget.descriptions = descriptions


class RecuseForm(BoardForm):
    """A conflict of interest."""

    name = "recuse"

    reason = text(Vote, "reason", rows=2, label=_("What is the conflict of interest?"))


class TakeBackForm(BoardForm):
    """Why an outcome is taken back."""

    name = "take_back"

    reason = text(
        BoardDecision,
        "taken_back_reason",
        rows=2,
        label=_("What was wrong with it?"),
        help_text=_("For colleagues: minutes and history keep it. The requester does not read it."),
    )


class ReconsiderForm(BoardForm):
    """Why the board decides again on what it has decided."""

    name = "reconsider"

    reason = text(
        AgendaItem,
        "late_reason",
        rows=3,
        label=_("Why does the board decide again?"),
        help_text=_("The requester reads this, as do the members on the agenda."),
    )


def rows_in(data: Mapping[str, Any]) -> int:
    """Return how many questions a form was sent with, empty ones included."""
    numbers = [name.removeprefix("question_") for name in data if name.startswith("question_")]
    return max((whole_number(number) or 0 for number in numbers), default=0)


class OutcomeForm(BoardForm):
    """The outcome as the chair records it, with what it needs.

    Questions come in numbered pairs, ``question_1`` and ``answerer_1``: as many as members have
    proposed, and a few more.
    """

    name = "outcome"

    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=Outcome.choices, widget=RadioCards(icons=OUTCOME_ICONS)
    )
    casting_vote = forms.BooleanField(
        label=_("The votes are tied: I decide by my casting vote"), required=False
    )
    category = forms.ChoiceField(
        label=_("Why is it rejected?"),
        choices=[("", "–"), *BoardDecision.Category.choices],
        required=False,
    )
    elsewhere = line(
        BoardDecision, "elsewhere", required=False, help_text=_("A change or a reference.")
    )
    reason = text(
        BoardDecision,
        "reason",
        rows=3,
        required=False,
        label=_("Reason, for the requester"),
        help_text=_("Goes into the requester's mail as it stands. Votes and their reasons do not."),
    )

    def __init__(
        self,
        *args: Any,
        consequences: dict[str, str],
        answerers: Sequence[User],
        proposed: Sequence[str] = (),
        tied: bool = False,
        typed: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.answerers = {str(person.pk): person for person in answerers}
        self.fields["outcome"].widget.descriptions = consequences
        self.tied = tied
        self.is_typed = bool(typed)
        self.given = rows_in(typed or self.data)
        rows = max(len(proposed) + QUESTION_ROWS, self.given + bool(typed))
        self.rows = range(1, min(rows, MOST_QUESTIONS) + 1)
        for number in self.rows:
            wording = proposed[number - 1] if number <= len(proposed) else ""
            self._add_question(number, wording)
        if typed:
            self._keep(typed)

    def _keep(self, typed: Mapping[str, str]) -> None:
        """Show what was typed, unchecked, with one more question that takes the focus."""
        self.initial.update({name: typed.get(name, "") for name in self.fields if name in typed})
        self.initial["casting_vote"] = bool(typed.get("casting_vote"))
        if self.given < len(self.rows):
            self.fields[f"question_{len(self.rows)}"].widget.attrs["autofocus"] = True

    def _add_question(self, number: int, wording: str) -> None:
        self.fields[f"question_{number}"] = LongText(
            label=_("Question %d") % number,
            max_length=2000,
            required=False,
            initial=wording,
            widget=forms.Textarea(attrs={"rows": 2}),
        )
        self.fields[f"answerer_{number}"] = forms.ChoiceField(
            label=_("To be answered by"),
            choices=[(key, str(person)) for key, person in self.answerers.items()],
            required=False,
        )

    @property
    def question_fields(self) -> list[tuple[Any, Any]]:
        """The pairs of fields, for the page."""
        return [(self[f"question_{number}"], self[f"answerer_{number}"]) for number in self.rows]

    @property
    def takes_more_questions(self) -> bool:
        return len(self.rows) < MOST_QUESTIONS

    def take_error(self, error: StepIncomplete) -> None:
        """An error about the questions stands beside the first of them."""
        if "questions" in error.missing:
            self.add_error("question_1", str(error))
            return
        super().take_error(error)

    def arguments(self) -> dict[str, Any]:
        """Return the step's arguments, the questions as (text, who must answer)."""
        data = self.cleaned_data
        questions = [
            (data[f"question_{number}"], self.answerers[data[f"answerer_{number}"]])
            for number in self.rows
            if data[f"question_{number}"].strip()
        ]
        names = ("outcome", "casting_vote", "category", "elsewhere", "reason")
        return {**{name: data[name] for name in names}, "questions": questions}

    def clean(self) -> dict[str, Any]:
        """Every question names who must answer it."""
        data = super().clean() or self.cleaned_data
        if self.given > MOST_QUESTIONS:
            self.add_error(None, _("Ask at most %d questions at once.") % MOST_QUESTIONS)
        for number in self.rows:
            asked = data.get(f"question_{number}", "").strip()
            if asked and not data.get(f"answerer_{number}"):
                self.add_error(f"answerer_{number}", _("Choose who must answer."))
        return data
