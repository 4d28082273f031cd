"""Comments, attachments, watchers and links between changes."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


class Comment(models.Model):
    """A public comment or, for Expansive's own people, an internal note."""

    change = models.ForeignKey("changes.Change", on_delete=models.PROTECT, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments"
    )
    body = models.TextField(_("comment"), max_length=20000)
    is_internal = models.BooleanField(_("internal note"), default=False)
    created_at = models.DateTimeField(_("written"), auto_now_add=True)
    corrected_at = models.DateTimeField(_("corrected"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("comment")
        ordering = ("pk",)
        indexes = [GinIndex(SearchVector("body", config="english"), name="changes_comment_words")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


def stored_name(attachment: "Attachment", filename: str) -> str:
    """Return a random name under the change's folder: a file's name never reaches the disk."""
    return f"attachments/{attachment.change_id}/{secrets.token_hex(16)}"


class Attachment(models.Model):
    """A file that belongs to a change, or to one of its internal notes."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="attachments"
    )
    file = models.FileField(_("file"), upload_to=stored_name, max_length=200)
    name = models.CharField(_("name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    content_type = models.CharField(_("type"), max_length=100)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    is_internal = models.BooleanField(_("internal"), default=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    history = Records()

    class Meta:
        verbose_name = _("attachment")
        ordering = ("pk",)
        indexes = [
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="changes_attachment_name_trgm")
        ]

    def __str__(self) -> str:
        return self.name


class Mute(models.Model):
    """Somebody wants no mail about a change but what nobody else can do for them.

    A habit of one person, which is nobody else's to read: it has no history and no event.
    """

    # The constraint's index finds by change as well.
    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="mutes", db_index=False
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("muted change")
        verbose_name_plural = _("muted changes")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["change", "person"], name="changes_mute_once")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ChangeLink(models.Model):
    """A directed link; ``source`` is the successor of / enabled by / … ``target``."""

    class Kind(models.TextChoices):
        SUCCESSOR_OF = "successor_of", _("Successor of")
        ENABLED_BY = "enabled_by", _("Enabled by")
        DUPLICATES = "duplicates", _("Duplicates")
        CONFLICTS_WITH = "conflicts_with", _("Conflicts with")
        COPY_OF = "copy_of", _("Copy of")

    REVERSED: Any = {
        Kind.SUCCESSOR_OF: _("Succeeded by"),
        Kind.ENABLED_BY: _("Enables"),
        Kind.DUPLICATES: _("Duplicated by"),
        Kind.CONFLICTS_WITH: _("Conflicts with"),
        Kind.COPY_OF: _("Copied as"),
    }

    source = models.ForeignKey("changes.Change", on_delete=models.PROTECT, related_name="links_out")
    target = models.ForeignKey("changes.Change", on_delete=models.PROTECT, related_name="links_in")
    kind = models.CharField(_("kind of link"), max_length=20, choices=Kind.choices)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("linked"), auto_now_add=True)
    history = Records()

    class Meta:
        verbose_name = _("link between changes")
        verbose_name_plural = _("links between changes")
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="changes_link_once"),
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")), name="changes_link_not_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
