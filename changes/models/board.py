"""What the Change Request Board decided, and what it asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records

from .base import StageRecord


def undo_time() -> timedelta:
    """Return how long an outcome of the board can be taken back, and its mails wait."""
    return timedelta(seconds=settings.OUTCOME_UNDO_SECONDS)


class BoardDecision(StageRecord):
    """One outcome of the board for one revision of a code change."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        ACCEPTED_AS_PRIORITY = "accepted_as_priority", _("Accepted as a priority")
        INFORMATION_REQUIRED = "information_required", _("Information required")
        REJECTED = "rejected", _("Rejected")

    class Category(models.TextChoices):
        """Why a change was rejected: the process knows these two reasons."""

        ADDRESSED_ELSEWHERE = "addressed_elsewhere", _("The aims are being addressed elsewhere")
        NOT_STRATEGIC = "not_strategic", _("Does not meet the strategic goals")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="board_decisions"
    )
    revision = models.PositiveIntegerField(_("revision of the request"))
    outcome = models.CharField(_("outcome"), max_length=30, choices=Outcome.choices)
    category = models.CharField(
        _("reason category"), max_length=30, choices=Category.choices, blank=True
    )
    elsewhere = models.CharField(
        _("addressed by"), max_length=200, blank=True, help_text=_("A change or a reference.")
    )
    reason = models.TextField(_("reason"), max_length=5000, blank=True)
    meeting = models.CharField(_("meeting"), max_length=200, blank=True)
    corrects = models.ForeignKey(
        "self",
        verbose_name=_("corrects"),
        on_delete=models.PROTECT,
        related_name="corrections",
        null=True,
        blank=True,
        editable=False,
    )
    taken_back_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken back by"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        null=True,
        blank=True,
    )
    taken_back_reason = models.TextField(
        _("why it was taken back"), max_length=2000, blank=True, default="", db_default=""
    )

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("board decision")
        indexes = [
            models.Index(fields=["recorded_at"], name="changes_decision_recorded"),
        ]

    @property
    def stands(self) -> bool:
        """Whether it was not taken back: what was counts for nothing, and stays readable."""
        return self.taken_back_at is None

    @property
    def settles(self) -> bool:
        """Whether it answers the request: to ask for information answers nothing."""
        return self.outcome != self.Outcome.INFORMATION_REQUIRED

    def correction(self, among: Iterable["BoardDecision"]) -> "BoardDecision | None":
        """Return which of these decisions of the change corrects this one."""
        return next((one for one in among if one.corrects_id == self.pk and one.stands), None)

    @property
    def may_be_taken_back_until(self) -> datetime:
        """When the short time ends in which a slip is undone, and in which its mails wait."""
        return self.recorded_at + undo_time()


ACCEPTING = (BoardDecision.Outcome.ACCEPTED, BoardDecision.Outcome.ACCEPTED_AS_PRIORITY)
"""The outcomes with which the board takes a change on, and promises it."""


class Question(models.Model):
    """A question of the board, with the person who must answer it."""

    decision = models.ForeignKey(BoardDecision, on_delete=models.PROTECT, related_name="questions")
    change = models.ForeignKey("changes.Change", on_delete=models.PROTECT, related_name="questions")
    text = models.TextField(_("question"), max_length=2000)
    answerer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("to be answered by"),
        on_delete=models.PROTECT,
        related_name="questions",
    )
    answer = models.TextField(_("answer"), max_length=10000, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("question")
        ordering = ("pk",)
        indexes = [
            models.Index(
                fields=["answerer"],
                condition=models.Q(answered_at__isnull=True),
                name="changes_question_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.answered_at is None
