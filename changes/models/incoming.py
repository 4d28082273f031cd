"""Mail that comes in: the message as it was received, and what was made of it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


class IncomingMail(models.Model):
    """One message that was received, with what it says and what was made of it.

    It is stored in the transaction that acts on it; ``mailbox``, ``uid_validity`` and ``uid``
    name it on the IMAP server, so that it is taken once, however often it is fetched.
    """

    class Outcome(models.TextChoices):
        CHANGE = "change", _("Change request")
        COMMENT = "comment", _("Comment")
        ANSWER = "answer", _("Proposed answer")
        TRIAGE = "triage", _("Waits for support")
        DISCARDED = "discarded", _("Discarded")
        BOUNCE = "bounce", _("Bounce")
        IGNORED = "ignored", _("Ignored")
        DUPLICATE = "duplicate", _("Duplicate")

    mailbox = models.CharField(_("mailbox"), max_length=200)
    uid_validity = models.BigIntegerField(null=True, blank=True, editable=False)
    uid = models.BigIntegerField(null=True, blank=True, editable=False)
    message_id = models.CharField("Message-ID", max_length=500, blank=True)
    sender = models.CharField(_("sender"), max_length=320, blank=True)
    sender_name = models.CharField(_("name of the sender"), max_length=200, blank=True)
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    body = models.TextField(_("text"), blank=True)
    quoted = models.TextField(_("quoted text"), blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField("SHA-256", max_length=64)
    outcome = models.CharField(_("what was made of it"), max_length=20, choices=Outcome.choices)
    why = models.CharField(_("why"), max_length=500, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    change = models.ForeignKey(
        "changes.Change",
        on_delete=models.PROTECT,
        related_name="incoming_mail",
        null=True,
        blank=True,
    )
    comment = models.ForeignKey(
        "changes.Comment", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    in_answer_to = models.ForeignKey(
        "post_office.Email", on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True)
    history = Records(excluded_fields=["body", "quoted"])

    class Meta:
        verbose_name = _("incoming mail")
        verbose_name_plural = _("incoming mail")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "uid_validity", "uid"], name="changes_incoming_once"
            ),
            models.UniqueConstraint(
                fields=["message_id"],
                condition=~models.Q(message_id="") & ~models.Q(outcome="duplicate"),
                name="changes_incoming_message_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-id"],
                condition=models.Q(outcome="triage"),
                name="changes_incoming_triage",
            ),
            models.Index(fields=["outcome", "-id"], name="changes_incoming_outcome"),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self._meta.verbose_name} {self.pk}"

    @property
    def was_taken(self) -> bool:
        """Whether the message was read; one that was too large or failed is only kept."""
        return bool(self.sha256)


class RawMail(models.Model):
    """The bytes of an incoming mail, exactly as they were received."""

    mail = models.OneToOneField(IncomingMail, on_delete=models.PROTECT, related_name="raw")
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("raw mail")
        verbose_name_plural = _("raw mail")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ProposedAnswer(models.Model):
    """What somebody replied by mail to a question of the board; support accepts it or not."""

    question = models.ForeignKey(
        "changes.Question", on_delete=models.PROTECT, related_name="proposed_answers"
    )
    mail = models.ForeignKey(
        IncomingMail, on_delete=models.PROTECT, related_name="proposed_answers"
    )
    text = models.TextField(_("answer"), max_length=10000)
    accepted = models.BooleanField(_("accepted"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("proposed answer")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["question", "mail"], name="changes_proposed_once")
        ]
        indexes = [
            models.Index(
                fields=["question"],
                condition=models.Q(accepted__isnull=True),
                name="changes_proposed_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
