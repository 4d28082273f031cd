"""Templates whose changes went well again and again: candidates for standard changes."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone

from .models import Change, ChangeTemplate, Confirmation, Execution, StandardApproval
from .standard import today
from .states import ChangeType, State

LOOKED_AT = 5_000
"""So many changes that began with a template and ended last are counted, on one index."""
WITHIN = timedelta(days=365)
ENOUGH = 3
"""So many clean runs make a candidate."""
SHOWN = 50


@dataclass(frozen=True)
class Runs:
    """What became of a template's configuration changes in the last twelve months."""

    clean: int = 0
    """Confirmed by their requesters at once, and never rolled back."""
    other: int = 0
    """Ended otherwise: not confirmed, or not at first."""
    rolled_back: int = 0
    last: object = None


@dataclass(frozen=True)
class Candidate:
    """A template and its runs."""

    template: ChangeTemplate
    runs: Runs


def runs_of_templates() -> dict[int, Runs]:
    """Return the runs of every template that has some, by its key. One query."""
    since = timezone.now() - WITHIN
    over = Change.objects.filter(template__isnull=False, closed_at__gte=since)
    newest = over.order_by("-closed_at").values("pk")[:LOOKED_AT]
    answers = Confirmation.objects.filter(change=OuterRef("pk"))
    undone = Execution.objects.filter(change=OuterRef("pk"), outcome="rolled_back")
    ended = Q(state=State.CLOSED)
    failed = Exists(undone.filter(finished_at__gte=since))
    clean = (
        ended
        & Exists(answers.filter(answer=Confirmation.Answer.CONFIRMED, path=OuterRef("path")))
        & ~Exists(answers.filter(answer=Confirmation.Answer.NOT_AS_EXPECTED))
        & ~Exists(undone)
    )
    rows = (
        Change.objects.filter(pk__in=newest, type=ChangeType.CONFIGURATION)
        .order_by()
        .values_list("template")
        .annotate(
            clean=Count("pk", filter=clean),
            ended=Count("pk", filter=ended & ~failed),
            undone=Count("pk", filter=failed),
            last=Max("closed_at"),
        )
    )
    return {key: Runs(good, max(over - good, 0), bad, last) for key, good, over, bad, last in rows}


def candidates() -> list[Candidate]:
    """Return the templates with enough clean runs and no rollback, the most runs first.

    Not those that are standard changes already or are proposed. Two queries.
    """
    runs = runs_of_templates()
    good = [key for key, one in runs.items() if one.clean >= ENOUGH and not one.rolled_back]
    taken = StandardApproval.objects.filter(template=OuterRef("pk"), ending="").filter(
        Q(decision="") | Q(decision="approved", valid_until__gte=today())
    )
    rows = ChangeTemplate.objects.filter(~Exists(taken), pk__in=good, is_active=True)
    found = [Candidate(one, runs[one.pk]) for one in rows.select_related("organisation")]
    found.sort(key=lambda one: (-one.runs.clean, one.template.name, one.template.pk))
    return found[:SHOWN]
