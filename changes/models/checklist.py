"""The checklist of a change: its own copy of what its template says is to be checked."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from expansive_cm.database.saved import Saved


class ChecklistItem(Saved):
    """One entry. A tick counts for the path and round in which it was made, like a record."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="checklist_items"
    )
    text = models.CharField(_("entry"), max_length=200)
    is_required = models.BooleanField(
        _("required"),
        default=False,
        help_text=_("It must be ticked before it can be recorded that all was done."),
    )
    ticked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("ticked by"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        null=True,
        blank=True,
    )
    ticked_at = models.DateTimeField(_("ticked"), null=True, blank=True)
    ticked_path = models.PositiveSmallIntegerField(_("path"), null=True, blank=True)
    ticked_round = models.PositiveSmallIntegerField(_("round"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("checklist entry")
        verbose_name_plural = _("checklist entries")
        # As they were written: those of a change are made at once, in that order.
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text

    @property
    def is_ticked(self) -> bool:
        """Whether somebody has ticked it since the present round of the change began."""
        now = (self.change.path, self.change.round)
        return self.ticked_at is not None and now == (self.ticked_path, self.ticked_round)
