"""Mailed links that open one change for one person without an account."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class AccessLink(models.Model):
    """One mailed link to one change. Only the hash of its token is stored."""

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
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["token_hash"])

    class Meta:
        verbose_name = _("link to a change")
        verbose_name_plural = _("links to changes")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
