"""The question to the original requester, the links that ask it and the answer."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from accounts.models import User


class Confirmation(models.Model):
    """One time the requester was asked whether a change meets their needs."""

    class Answer(models.TextChoices):
        NONE = "", _("No answer yet")
        CONFIRMED = "confirmed", _("Confirmed")
        NOT_AS_EXPECTED = "not_as_expected", _("Not as expected")
        UNANSWERED = "unanswered", _("Closed without an answer")

    class Wish(models.TextChoices):
        """What somebody wants whose needs are not met."""

        NOT_RIGHT = "not_right", _("What we agreed is not right")
        SOMETHING_FURTHER = "something_further", _("I would like something further")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="confirmations"
    )
    path = models.PositiveSmallIntegerField(default=1)
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    what_was_done = models.TextField(_("what was done"))
    answer = models.CharField(
        _("answer"), max_length=20, choices=Answer.choices, default="", blank=True
    )
    meets_need = models.BooleanField(_("meets the need"), null=True, blank=True)
    as_expected = models.BooleanField(_("as expected"), null=True, blank=True)
    wish = models.CharField(
        _("what is wished for"),
        max_length=20,
        choices=Wish.choices,
        blank=True,
        default="",
        db_default="",
    )
    reason = models.TextField(_("reason"), max_length=5000, blank=True)
    rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True)
    rating_comment = models.TextField(
        _("comment on the rating"), max_length=2000, blank=True, default="", db_default=""
    )
    rated_at = models.DateTimeField(_("rated"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("confirmation")
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rating__isnull=True) | models.Q(rating__range=(1, 5)),
                name="changes_confirmation_rating",
            ),
            models.UniqueConstraint(
                fields=["change"],
                condition=models.Q(answer=""),
                name="changes_confirmation_one_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-rated_at"],
                condition=models.Q(rated_at__isnull=False),
                name="changes_confirmation_rated",
            ),
            models.Index(
                fields=["asked_at"],
                condition=models.Q(answer=""),
                name="changes_confirmation_waiting",
            ),
            models.Index(
                fields=["answered_at"],
                condition=models.Q(answered_at__isnull=False),
                name="changes_confirmation_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether the requester has not answered and nobody has closed without an answer."""
        return self.answer == ""


class ContactAttempt(models.Model):
    """How one of Expansive's own people tried to reach a requester who has not answered."""

    class Means(models.TextChoices):
        TELEPHONE = "telephone", _("Telephone")
        VISIT = "visit", _("Visit")
        OTHER = "other", _("Another way")

    confirmation = models.ForeignKey(
        Confirmation, on_delete=models.PROTECT, related_name="contact_attempts"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("recorded"), auto_now_add=True)
    means = models.CharField(_("how"), max_length=20, choices=Means.choices)
    reached = models.BooleanField(_("reached"))
    note = models.TextField(_("note"), max_length=2000)
    history = Records()

    class Meta:
        verbose_name = _("attempt to reach the requester")
        verbose_name_plural = _("attempts to reach requesters")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ConfirmationLink(models.Model):
    """One mailed link. Only the hash of its token is stored.

    ``email`` is the mail that carries it; the time it lives counts from the sending of that.
    ``opened_at`` says that somebody, or a mail scanner, has looked at the page; ``expired_at``
    that somebody was told that it has expired, which no clock takes back.
    """

    confirmation = models.ForeignKey(Confirmation, on_delete=models.PROTECT, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    sent_to = models.EmailField(_("sent to"))
    created_at = models.DateTimeField(_("sent"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    email = models.ForeignKey(
        "post_office.Email",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True, editable=False)
    expired_at = models.DateTimeField(null=True, blank=True, editable=False)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)
    browser_of: User | None = None
    """Who else than its reader is signed in where it is used; known while an act is taken."""
    history = Records(excluded_fields=["token_hash", "email", "opened_at", "expired_at"])

    class Meta:
        verbose_name = _("confirmation link")
        ordering = ("-pk",)
        indexes = [
            models.Index(
                fields=["email"],
                condition=models.Q(email__isnull=False),
                name="changes_conflink_email",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Reminder(models.Model):
    """A reminder that was sent; question, day and address exist once together.

    Silence is one address's: whom the question is put to later is reminded from the beginning.
    Without an address, as before there was one on record, it counts for whoever is asked.
    """

    confirmation = models.ForeignKey(
        Confirmation, on_delete=models.PROTECT, related_name="reminders"
    )
    after_days = models.PositiveSmallIntegerField(_("after days"))
    sent_at = models.DateTimeField(_("sent"), auto_now_add=True)
    sent_to = models.EmailField(_("sent to"), blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("reminder")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["confirmation", "after_days", "sent_to"], name="changes_reminder_once_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
