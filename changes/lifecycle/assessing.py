"""Assessing in fewer acts: with the endorsement of the review, and as a template proposes."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIncomplete

from .. import proposing
from ..models import Change, Review, Service
from ..states import ChangeType
from .as_proposed import insist_on_shown
from .configuration import review
from .core import permitted
from .intake import assess


def assess_and_endorse(
    change: Change,
    *,
    actor: User,
    findings: str,
    seen: int | None = None,
    services: Iterable[Service] | None = None,
    **assessment: Any,
) -> Change:
    """Assess a configuration change and endorse it in its review, as one act of one person.

    Both steps or none. Raises and does what ``assess`` and ``review`` do, each with its own
    permission, record and event; StepIncomplete for a code change, which nobody reviews.
    """
    if assessment["type"] != ChangeType.CONFIGURATION:
        words = _("Only a configuration change is reviewed: record the assessment alone.")
        raise StepIncomplete(words, ["type"])
    with acting():
        assessed = assess(change, actor=actor, seen=seen, services=services, **assessment)
        outcome = Review.Outcome.ENDORSED
        return review(assessed, actor=actor, outcome=outcome, findings=findings)


def assess_as_proposed(
    change: Change,
    *,
    actor: User,
    proposed: Mapping[str, int],
    findings: str = "",
    seen: int | None = None,
) -> Change:
    """Assess a change with exactly what its template proposes; with ``findings`` endorse it too.

    ``proposed`` has the versions of the templates that were shown, by their keys. Raises
    StepIncomplete where the template does not say all of an assessment, ChangeStale where it is
    another one than was shown, and what ``assess`` and ``assess_and_endorse`` raise.
    """
    with permitted("assess", change, actor=actor, seen=seen) as fresh:
        if why_not := proposing.why_not_assessed(fresh):
            raise StepIncomplete(why_not)
        template = sure(fresh.template)
        insist_on_shown(template, proposed)
        assessment = proposing.assessment_of(template)
        if findings:
            return assess_and_endorse(
                fresh, actor=actor, findings=findings, seen=seen, **assessment
            )
        return assess(fresh, actor=actor, seen=seen, **assessment)
