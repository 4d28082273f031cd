"""The question to the original requester, the links that ask it and the answer."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Confirmation(models.Model):
    """One time the requester was asked whether a change meets their needs."""

    class Answer(models.TextChoices):
        NONE = "", _("No answer yet")
        CONFIRMED = "confirmed", _("Confirmed")
        NOT_AS_EXPECTED = "not_as_expected", _("Not as expected")
        UNANSWERED = "unanswered", _("Closed without an answer")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="confirmations"
    )
    path = models.PositiveSmallIntegerField(default=1)
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    what_was_done = models.TextField(_("what was done"))
    answer = models.CharField(
        _("answer"), max_length=20, choices=Answer.choices, default="", blank=True
    )
    reason = models.TextField(_("reason"), max_length=5000, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("confirmation")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["change"],
                condition=models.Q(answer=""),
                name="changes_confirmation_one_open",
            )
        ]
        indexes = [
            models.Index(
                fields=["asked_at"],
                condition=models.Q(answer=""),
                name="changes_confirmation_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether the requester has not answered and nobody has closed without an answer."""
        return self.answer == ""


class ConfirmationLink(models.Model):
    """One mailed link. Only the hash of its token is stored."""

    confirmation = models.ForeignKey(Confirmation, on_delete=models.PROTECT, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    sent_to = models.EmailField(_("sent to"))
    created_at = models.DateTimeField(_("sent"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["token_hash"])

    class Meta:
        verbose_name = _("confirmation link")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Reminder(models.Model):
    """A reminder that was sent; the pair of question and day exists once."""

    confirmation = models.ForeignKey(
        Confirmation, on_delete=models.PROTECT, related_name="reminders"
    )
    after_days = models.PositiveSmallIntegerField(_("after days"))
    sent_at = models.DateTimeField(_("sent"), auto_now_add=True)

    class Meta:
        verbose_name = _("reminder")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["confirmation", "after_days"], name="changes_reminder_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
