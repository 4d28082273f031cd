"""Risk as likelihood × impact on a 5×5 matrix (ISO 27005's qualitative approach)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Likelihood(models.IntegerChoices):
    """How likely it is that the change goes wrong."""

    RARE = 1, _("Rare")
    UNLIKELY = 2, _("Unlikely")
    POSSIBLE = 3, _("Possible")
    LIKELY = 4, _("Likely")
    ALMOST_CERTAIN = 5, _("Almost certain")


class Impact(models.IntegerChoices):
    """How much it would hurt if it did."""

    NEGLIGIBLE = 1, _("Negligible")
    MINOR = 2, _("Minor")
    MODERATE = 3, _("Moderate")
    MAJOR = 4, _("Major")
    SEVERE = 5, _("Severe")


class RiskLevel(models.IntegerChoices):
    """What the two amount to."""

    LOW = 1, _("Low")
    MODERATE = 2, _("Moderate")
    HIGH = 3, _("High")
    CRITICAL = 4, _("Critical")


class Urgency(models.IntegerChoices):
    """How soon the requester needs it."""

    LOW = 1, _("Low")
    NORMAL = 2, _("Normal")
    HIGH = 3, _("High")
    CRITICAL = 4, _("Critical")


def risk_level(likelihood: int, impact: int) -> RiskLevel:
    """Return the level of a cell of the matrix; both arguments run from 1 to 5."""
    if not (1 <= likelihood <= 5 and 1 <= impact <= 5):
        raise ValueError("likelihood and impact run from 1 to 5")
    score = likelihood * impact
    if score >= 15:
        return RiskLevel.CRITICAL
    if score >= 9:
        return RiskLevel.HIGH
    if score >= 4:
        return RiskLevel.MODERATE
    return RiskLevel.LOW
