"""What is read of a change before one decides on it, so short that a mail has room for it."""

from html import unescape

from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from expansive_cm.ui import markdown

from .models import Change
from .risk import RiskLevel

SHORT = 240
"""Characters of each text; the page of the step has all of it."""


def in_brief(change: Change) -> list[tuple[str, str]]:
    """Return need, risk, impact and what the review found, each with its label, in few lines.

    Everybody who may read the change, the customer's approvers among them, reads these on its page.
    """
    judged = change.assessment
    if judged is None:
        return []
    reviews = [one for one in change.reviews.all() if one.path == change.path]
    review = max(reviews, key=lambda one: one.pk, default=None)
    found = [
        (_("Request"), short(_without_marks(change.description))),
        (_("Need"), short(judged.need)),
        (_("Risk"), _risk(change)),
        (_("Impact on services"), short(judged.service_impact)),
        (_("Impact on customers"), short(judged.customer_impact)),
        (_("Review"), short(review.findings) if review else ""),
    ]
    return [(label, text) for label, text in found if text]


def short(text: str) -> str:
    """Return the beginning of a text in one paragraph, however many lines it has."""
    return Truncator(" ".join(text.split())).chars(SHORT)


def _without_marks(text: str) -> str:
    """Return the beginning of a text in Markdown as its page reads, in words alone."""
    return unescape(strip_tags(markdown.render(text[: 4 * SHORT])))


def _risk(change: Change) -> str:
    judged = change.assessment
    words = _("%(level)s (likelihood: %(likelihood)s, impact: %(impact)s); urgency: %(urgency)s")
    return words % {
        "level": RiskLevel(judged.level).label,
        "likelihood": judged.get_likelihood_display(),
        "impact": judged.get_impact_display(),
        "urgency": judged.get_urgency_display(),
    }
