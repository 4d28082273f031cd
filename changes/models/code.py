"""Records of the code path, from requirements to deployment."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records

from .base import StageFields, StageRecord


class Requirements(StageRecord):
    """Purpose, scope and objectives of a code change, and how its success is judged."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="requirements"
    )
    purpose = models.TextField(_("purpose"), max_length=5000)
    scope = models.TextField(_("scope"), max_length=5000)
    objectives = models.TextField(_("objectives"), max_length=5000)
    acceptance_criteria = models.TextField(_("acceptance criteria"), max_length=5000)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("requirement definition")


class RiskAssessment(StageRecord):
    """Security risks and impact analysis, signed off by a second person."""

    class Outcome(models.TextChoices):
        PENDING = "", _("Waiting for sign-off")
        SIGNED_OFF = "signed_off", _("Signed off")
        RETURNED = "returned", _("Returned for more work")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="risk_assessments"
    )
    security_risks = models.TextField(_("security risks"), max_length=10000)
    impact_analysis = models.TextField(_("impact analysis"), max_length=10000)
    mitigations = models.TextField(_("mitigations"), max_length=10000)
    outcome = models.CharField(
        _("sign-off"), max_length=20, choices=Outcome.choices, default="", blank=True
    )
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    remarks = models.TextField(_("remarks"), max_length=5000, blank=True)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("risk assessment")
        indexes = [
            # What waits for a second person is little of all there was.
            models.Index(
                fields=["change"],
                condition=models.Q(outcome=""),
                name="changes_risk_unsigned",
            )
        ]


CHECKLIST = {
    "input_validated": _("All input is validated on the server"),
    "access_checked": _("Access is checked for every object, not only for the page"),
    "secrets_kept_out": _("No secrets in code, logs or error messages"),
    "dependencies_checked": _("New and updated dependencies are checked for known weaknesses"),
    "errors_handled": _("Errors are handled and leave nothing half done"),
    "data_protected": _("Personal data is collected, kept and shown only as far as needed"),
    "tests_written": _("Automated tests cover the change"),
}
"""The secure-coding checklist (ISO 27001:2022, Annex A 8.28)."""


class Development(StageFields):
    """One round of development; failed tests or a rolled-back deployment start another."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="developments"
    )
    reference = models.CharField(
        _("pull request or branch"), max_length=500, help_text=_("A link or a branch name.")
    )
    authors: Any = models.ManyToManyField(
        settings.AUTH_USER_MODEL, verbose_name=_("authors"), related_name="developments"
    )
    checklist = models.JSONField(_("secure-coding checklist"), default=list)
    notes = models.TextField(_("what was built"), max_length=5000)
    history = Records(m2m_fields=[authors])

    class Meta(StageFields.Meta):
        abstract = False
        verbose_name = _("development")
        indexes: ClassVar[list[Any]] = [
            GinIndex(
                OpClass(Upper("reference"), "gin_trgm_ops"), name="changes_development_ref_trgm"
            ),
        ]

    @property
    def missing_checks(self) -> list[str]:
        """Labels of the checklist's points that are not ticked."""
        return [str(label) for key, label in CHECKLIST.items() if key not in self.checklist]


class PeerReview(StageRecord):
    """A second developer's view of one round of development."""

    class Outcome(models.TextChoices):
        APPROVED = "approved", _("Approved")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="peer_reviews"
    )
    development = models.ForeignKey(
        Development, on_delete=models.PROTECT, related_name="peer_reviews"
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices)
    findings = models.TextField(_("findings"), max_length=5000)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("peer review")


class StagingTest(StageRecord):
    """One kind of test of one round of development; it counts where it was run in staging."""

    class Kind(models.TextChoices):
        FUNCTIONAL = "functional", _("Functional")
        SECURITY = "security", _("Security")
        REGRESSION = "regression", _("Regression")

    class Result(models.TextChoices):
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="staging_tests"
    )
    development = models.ForeignKey(
        Development, on_delete=models.PROTECT, related_name="staging_tests"
    )
    kind = models.CharField(_("kind of test"), max_length=20, choices=Kind.choices)
    result = models.CharField(_("result"), max_length=20, choices=Result.choices)
    environment = models.CharField(_("environment"), max_length=100, default="staging")
    in_staging = models.BooleanField(
        _("in staging"),
        default=True,
        db_default=True,
        help_text=_("Whether that environment was staging then."),
    )
    evidence = models.TextField(
        _("evidence"), max_length=10000, help_text=_("What was run and what it showed.")
    )

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("staging test")


class Deployment(StageRecord):
    """One planned deployment of one round of development, and how it went."""

    class Outcome(models.TextChoices):
        PENDING = "", _("Not finished")
        SUCCEEDED = "succeeded", _("Deployed")
        ROLLED_BACK = "rolled_back", _("Rolled back")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="deployments"
    )
    development = models.ForeignKey(
        Development, on_delete=models.PROTECT, related_name="deployments"
    )
    release = models.ForeignKey(
        "changes.Release",
        verbose_name=_("release"),
        on_delete=models.PROTECT,
        related_name="deployments",
    )
    rollback_plan = models.TextField(_("rollback plan"), max_length=10000)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=Outcome.choices, default="", blank=True
    )
    notes = models.TextField(_("what happened"), max_length=5000, blank=True)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("deployment")
        indexes = [
            models.Index(
                fields=["started_at"],
                condition=models.Q(started_at__isnull=False),
                name="changes_deployment_begun",
            ),
            # What is planned or under way waits for somebody, and is little of all there was.
            models.Index(
                fields=["change"],
                condition=models.Q(finished_at__isnull=True),
                name="changes_deployment_open",
            ),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(finished_at__isnull=False),
                name="changes_deployment_finished",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(rollback_plan=""), name="changes_deployment_rollback_plan"
            )
        ]
