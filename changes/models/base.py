"""What every record of a stage shares."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from expansive_cm.database.saved import Saved


class StageFields(Saved):
    """Evidence of one stage of one change, for a model that declares its own history.

    ``path`` is the change's path number when the record was made: reclassifying starts a new
    path and keeps the records of the old one, which then count for nothing. ``round`` likewise:
    failed tests, a rollback and rework start a new round of delivery on the same path.
    """

    change: Any
    path = models.PositiveSmallIntegerField(_("path"), default=1, editable=False)
    round = models.PositiveSmallIntegerField(_("round"), default=1, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class StageRecord(StageFields):
    """Evidence of one stage of one change, with history."""

    history = Records(inherit=True)

    class Meta(StageFields.Meta):
        abstract = True
