"""The initial assessment: type, need, risk and impact."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..risk import Impact, Likelihood, RiskLevel, Urgency, risk_level
from ..states import ChangeType
from .base import StageRecord

SCALE = [MinValueValidator(1), MaxValueValidator(5)]


class Assessment(StageRecord):
    """One assessment of a change. The latest counts; a reclassification adds another."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="assessments"
    )
    type = models.CharField(_("type of change"), max_length=20, choices=ChangeType.choices)
    need = models.TextField(_("need"), max_length=5000)
    likelihood = models.PositiveSmallIntegerField(
        _("likelihood"), choices=Likelihood.choices, validators=SCALE
    )
    impact = models.PositiveSmallIntegerField(_("impact"), choices=Impact.choices, validators=SCALE)
    level = models.PositiveSmallIntegerField(
        _("risk level"), choices=RiskLevel.choices, editable=False
    )
    service_impact = models.TextField(_("impact on services"), max_length=5000)
    customer_impact = models.TextField(_("impact on customers"), max_length=5000)
    urgency = models.PositiveSmallIntegerField(
        _("urgency"), choices=Urgency.choices, default=Urgency.NORMAL
    )
    reason = models.TextField(_("reason for reclassifying"), max_length=2000, blank=True)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Compute the level from the two scales, so that the three never disagree."""
        self.level = risk_level(self.likelihood, self.impact)
        super().save(*args, **kwargs)
