"""Mailed links that open one change for one person without an account."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from accounts.models import User


class AccessLink(models.Model):
    """One mailed link to one change. Only the hash of its token is stored.

    ``email`` is the mail that carries it; the time it lives counts from the sending of that.
    ``opened_at`` says that somebody, or a mail scanner, has looked at the page; ``expired_at``
    that somebody was told that it has expired, which no clock takes back.
    """

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="access_links"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_links"
    )
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
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    browser_of: User | None = None
    """Who else than its reader is signed in where it is used; known while an act is taken."""
    history = Records(excluded_fields=["token_hash", "email", "opened_at", "expired_at"])

    class Meta:
        verbose_name = _("link to a change")
        verbose_name_plural = _("links to changes")
        ordering = ("-pk",)
        indexes = [
            models.Index(
                fields=["email"],
                condition=models.Q(email__isnull=False),
                name="changes_accesslink_email",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
