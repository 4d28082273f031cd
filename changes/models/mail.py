"""Mail that goes out: who was told what, the files that go along, and what became of it."""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


class MailFile(models.Model):
    """A file that some mails carry, kept in the database so that it commits with them."""

    emails: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        "post_office.Email", related_name="files"
    )
    name = models.CharField(_("name"), max_length=255)
    content_type = models.CharField(_("type"), max_length=100)
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("file of a mail")
        verbose_name_plural = _("files of mails")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_calendar(self) -> bool:
        return self.content_type.startswith("text/calendar")


class Notice(models.Model):
    """One person is told of one event; several notices may share a mail.

    ``message`` names a function of ``changes.messages``. Without ``email`` it waits for the
    person's daily digest, or is told in the app alone. It is an entry of the person's
    notifications (``changes/inbox.py``) while ``is_in_inbox``: what is from before there were
    any is in none, nor is what was no longer so before anybody read it.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices"
    )
    change = models.ForeignKey("changes.Change", on_delete=models.PROTECT, related_name="notices")
    event = models.ForeignKey(
        "changes.Event", on_delete=models.PROTECT, related_name="notices", null=True, blank=True
    )
    email = models.ForeignKey(
        "post_office.Email",
        on_delete=models.SET_NULL,
        related_name="notices",
        null=True,
        blank=True,
    )
    message = models.CharField(_("message"), max_length=40)
    why = models.CharField(_("why"), max_length=200)
    created_at = models.DateTimeField(_("written"), auto_now_add=True)
    is_for_digest = models.BooleanField(_("for the daily digest"), default=False)
    is_in_inbox = models.BooleanField(_("in the notifications"), default=True, db_default=False)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        ordering = ("pk",)
        indexes = [
            models.Index(
                fields=["person", "created_at", "id"],
                condition=models.Q(is_in_inbox=True),
                name="changes_notice_inbox",
            ),
            models.Index(
                fields=["person", "created_at", "id"],
                condition=models.Q(is_in_inbox=True, read_at__isnull=True),
                name="changes_notice_unread",
            ),
            models.Index(
                fields=["person", "id"],
                condition=models.Q(email__isnull=True, is_for_digest=True),
                name="changes_notice_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class MailEvent(models.Model):
    """Something that became of a mail after it was written; rows are only ever added."""

    class Kind(models.TextChoices):
        REFUSED = "refused", _("Refused by the mail server")
        BOUNCED = "bounced", _("Came back")
        OPENED = "opened", _("Link opened")
        ANSWERED = "answered", _("Answered")

    FAILURES = (Kind.REFUSED, Kind.BOUNCED)

    email = models.ForeignKey(
        "post_office.Email", on_delete=models.SET_NULL, related_name="+", null=True
    )
    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="mail_events"
    )
    kind = models.CharField(_("what"), max_length=20, choices=Kind.choices)
    address = models.EmailField(_("address"), blank=True)
    detail = models.TextField(_("detail"), blank=True)
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("event of a mail")
        verbose_name_plural = _("events of mails")
        ordering = ("pk",)
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class DeliveryProblem(models.Model):
    """A mail about a change that will never arrive: the success team has to act."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="delivery_problems"
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    email = models.ForeignKey(
        "post_office.Email", on_delete=models.SET_NULL, related_name="+", null=True
    )
    address = models.EmailField(_("address"))
    reason = models.TextField(_("reason"))
    at = models.DateTimeField(_("when"), auto_now_add=True)
    resolved_at = models.DateTimeField(_("settled"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    resolution = models.CharField(_("what was done"), max_length=500, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("mail that did not arrive")
        verbose_name_plural = _("mails that did not arrive")
        ordering = ("-pk",)
        indexes = [
            models.Index(
                fields=["-id"],
                condition=models.Q(resolved_at__isnull=True),
                name="changes_delivery_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class UntoldMove(models.Model):
    """What was known of when a promised change comes, before it moved and nobody is told yet.

    There only until then: of several moves the first says what people knew.
    """

    change = models.OneToOneField("changes.Change", on_delete=models.PROTECT, related_name="+")
    forecast_on = models.DateField(_("was to come on"), null=True)
    due_on = models.DateField(_("was promised by"), null=True)
    release = models.ForeignKey("changes.Release", on_delete=models.PROTECT, related_name="+")
    why = models.TextField(_("why"), blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
    )
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("move of which nobody is told")
        verbose_name_plural = _("moves of which nobody is told")
        ordering = ("change_id",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class PromisesTold(models.Model):
    """When the promises that somebody looks after were looked at last, to tell them weekly."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("summary of promises")
        verbose_name_plural = _("summaries of promises")
        ordering = ("person_id",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ToldPart(models.Model):
    """A part that nobody can take, of which the administrators were mailed.

    There for as long as it is so: the mail goes out once, and anew when it comes to that again.
    """

    key = models.CharField(_("part"), max_length=60, unique=True)
    at = models.DateTimeField(_("told"), auto_now_add=True)

    class Meta:
        verbose_name = _("part of which was told")
        verbose_name_plural = _("parts of which was told")
        ordering = ("key",)

    def __str__(self) -> str:
        return self.key
