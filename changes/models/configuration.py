"""Records of the configuration path: review, authorisation, execution, documentation."""

import re

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from .base import StageRecord

STEP_MARK = re.compile(r"^\s*(?:[-*+•]|[0-9]{1,3}[.)])\s+")
MOST_STEPS = 200
"""So many steps of a plan can be ticked; a text of 10,000 letters has hardly more."""


class Review(StageRecord):
    """The customer success team's review of a configuration change."""

    class Outcome(models.TextChoices):
        ENDORSED = "endorsed", _("Endorsed: send for authorisation")
        REFUSED = "refused", _("Refused")

    change = models.ForeignKey("changes.Change", on_delete=models.PROTECT, related_name="reviews")
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices)
    findings = models.TextField(_("findings"), max_length=5000)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("customer success review")


class Authorisation(StageRecord):
    """An authorised approver's decision on a configuration change.

    ``standard`` is the pre-approval by which it was given in advance; ``recorded_by`` is then who
    gave that.
    """

    class Outcome(models.TextChoices):
        AUTHORISED = "authorised", _("Authorised")
        REFUSED = "refused", _("Refused")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="authorisations"
    )
    revision = models.PositiveIntegerField(_("revision of the request"))
    outcome = models.CharField(_("decision"), max_length=20, choices=Outcome.choices)
    reason = models.TextField(_("reason"), max_length=5000)
    standard = models.ForeignKey(
        "changes.StandardApproval",
        verbose_name=_("standard change"),
        on_delete=models.PROTECT,
        related_name="authorisations",
        db_index=False,
        null=True,
        blank=True,
    )

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("authorisation")
        indexes = [
            models.Index(
                fields=["standard", "-id"],
                condition=Q(standard__isnull=False),
                name="changes_authorisation_standard",
            ),
        ]


class Execution(StageRecord):
    """One planned execution of a configuration change, and how it went."""

    class Outcome(models.TextChoices):
        PENDING = "", _("Not finished")
        SUCCEEDED = "succeeded", _("Done as planned")
        ROLLED_BACK = "rolled_back", _("Rolled back")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="executions"
    )
    executor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("executor"),
        on_delete=models.PROTECT,
        related_name="executions",
    )
    window_start = models.DateTimeField(_("window opens"))
    window_end = models.DateTimeField(_("window closes"))
    steps = models.TextField(_("steps"), max_length=10000)
    rollback_plan = models.TextField(_("rollback plan"), max_length=10000)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=Outcome.choices, default="", blank=True
    )
    notes = models.TextField(_("what happened"), max_length=5000, blank=True)
    ticked = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("steps ticked as done"),
        null=True,
        blank=True,
        help_text=_("By their number in the plan, from 1; history says when and by whom."),
    )

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("execution")
        indexes = [
            models.Index(fields=["recorded_by", "-id"], name="changes_execution_by"),
            # What is planned or under way waits for somebody, and is little of all there was.
            models.Index(
                fields=["change"],
                condition=Q(finished_at__isnull=True),
                name="changes_execution_open",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
                name="changes_execution_finished",
            ),
            # What is done when: the calendar, and what else is planned at that time.
            GistIndex(
                Func("window_start", "window_end", function="tstzrange"),
                name="changes_execution_when",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(window_end__gt=F("window_start")), name="changes_execution_window"
            ),
            models.CheckConstraint(
                condition=~Q(rollback_plan=""), name="changes_execution_rollback_plan"
            ),
        ]

    @property
    def steps_planned(self) -> list[str]:
        """The steps of the plan, one a line, without the marks and numbers of a list."""
        return self._steps_written[:MOST_STEPS]

    @property
    def steps_beyond(self) -> int:
        """How many steps the plan has besides, which nobody can tick."""
        return len(self._steps_written) - len(self.steps_planned)

    @property
    def _steps_written(self) -> list[str]:
        lines = (STEP_MARK.sub("", line).strip() for line in self.steps.splitlines())
        return [line for line in lines if line]


class Documentation(StageRecord):
    """Where the change is logged in the customer success tool."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="documentations"
    )
    system = models.CharField(_("system"), max_length=100)
    reference = models.CharField(_("reference"), max_length=100)
    link = models.URLField(_("link"), max_length=500, blank=True)
    summary = models.TextField(_("summary"), max_length=5000)

    class Meta(StageRecord.Meta):
        abstract = False
        indexes = [
            models.Index(Upper("reference"), name="changes_documentation_number"),
            models.Index(fields=["recorded_by", "-id"], name="changes_documentation_by"),
        ]
        verbose_name = _("documentation")
