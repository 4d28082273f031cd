"""Decisions as rows of a file: what the list shows, without single votes."""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from changes.models import BoardDecision

from .models import BoardOutcome
from .overtime.figures import PromiseState

CHUNK = 1_000
HEADINGS = (
    _("Reference"),
    _("Title"),
    _("Organisation"),
    _("Outcome"),
    _("Reason category"),
    _("Meeting"),
    _("Submitted"),
    _("Recorded"),
    _("Days from submission"),
    _("The vote"),
    _("Casting vote"),
    _("By consent"),
    _("Promise"),
    _("Due"),
    _("First promised by"),
)
FIELDS = (
    "item__change_id",
    "item__change__title",
    "item__change__organisation__name",
    "decision__outcome",
    "decision__category",
    "counted_on",
    "item__change__submitted_at",
    "recorded_at",
    "days",
    "sentence",
    "casting_vote",
    "by_consent",
    "promise",
    "item__change__due_on",
    "item__change__first_due_on",
)


def lines(decisions: QuerySet[BoardOutcome], zone: tzinfo) -> Iterator[list[Any]]:
    """Yield the cells of each decision, the newest first; PostgreSQL hands them over in chunks."""
    for row in decisions.order_by("-pk").values(*FIELDS).iterator(chunk_size=CHUNK):
        yield [
            f"CR-{row['item__change_id']:06d}",
            row["item__change__title"],
            row["item__change__organisation__name"],
            BoardDecision.Outcome(row["decision__outcome"]).label,
            _label(BoardDecision.Category, row["decision__category"]),
            row["counted_on"],
            _moment(row["item__change__submitted_at"], zone),
            _moment(row["recorded_at"], zone),
            row["days"],
            row["sentence"],
            _("yes") if row["casting_vote"] else "",
            _("yes") if row["by_consent"] else "",
            _label(PromiseState, row["promise"]),
            row["item__change__due_on"] if row["promise"] else "",
            row["item__change__first_due_on"] if row["promise"] else "",
        ]


def _label(choices: Any, value: str) -> Any:
    return choices(value).label if value else ""


def _moment(moment: Any, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(" ", "seconds") if moment else ""
