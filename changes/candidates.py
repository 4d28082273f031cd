"""Templates whose changes went well again and again: candidates for standard changes."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import User

from . import proposing
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
    ended = Q(state=State.CLOSED)
    failed, not_failed = Q(undone_at__gte=since), Q(undone_at=None) | Q(undone_at__lt=since)
    clean = ended & Q(confirmed__isnull=False, declined=None, undone_at=None)
    rows = (
        Change.objects.filter(pk__in=newest, type=ChangeType.CONFIGURATION)
        .annotate(**_what_became())
        .order_by()
        .values("template")
        .annotate(
            went_well=Count("pk", filter=clean),
            ended=Count("pk", filter=ended & not_failed),
            undone=Count("pk", filter=failed),
            last=Max("closed_at", filter=ended),
        )
        .values_list("template", "went_well", "ended", "undone", "last")
    )
    return {key: Runs(good, max(over - good, 0), bad, last) for key, good, over, bad, last in rows}


def _what_became() -> dict[str, Subquery]:
    """The answers and the last rollback of each change.

    As values and not by EXISTS, for which the database may read all confirmations and executions
    instead of those of the few changes that are counted.
    """
    answers = Confirmation.objects.filter(change=OuterRef("pk")).order_by()
    confirmed = answers.filter(answer=Confirmation.Answer.CONFIRMED, path=OuterRef("path"))
    declined = answers.filter(answer=Confirmation.Answer.NOT_AS_EXPECTED)
    undone = Execution.objects.filter(change=OuterRef("pk"), outcome="rolled_back")
    return {
        "confirmed": Subquery(confirmed.values("pk")[:1]),
        "declined": Subquery(declined.values("pk")[:1]),
        "undone_at": Subquery(undone.order_by("-finished_at").values("finished_at")[:1]),
    }


def candidates(keeper: User | None = None) -> list[Candidate]:
    """Return the templates with enough clean runs and no rollback, the most runs first.

    Not those that are standard changes already or are proposed; of a keeper, those for all
    customers and for theirs. Three queries at most.
    """
    runs = runs_of_templates()
    good = [key for key, one in runs.items() if one.clean >= ENOUGH and not one.rolled_back]
    taken = StandardApproval.objects.filter(template=OuterRef("pk"), ending="").filter(
        Q(decision="") | Q(decision="approved", valid_until__gte=today())
    )
    rows = ChangeTemplate.objects.filter(~Exists(taken), pk__in=good, is_active=True)
    if keeper is not None:
        theirs = Q(organisation__in=proposing.kept_by(keeper))
        rows = rows.filter(Q(organisation=None) | theirs)
    found = [Candidate(one, runs[one.pk]) for one in rows.select_related("organisation")]
    found.sort(key=lambda one: (-one.runs.clean, one.template.name, one.template.pk))
    return found[:SHOWN]
