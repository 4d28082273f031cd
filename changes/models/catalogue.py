"""What administrators keep: the services customers use, planned releases, where is tested."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


class Service(models.Model):
    """A part of the platform that a change may affect."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    history = Records()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page, which is for Expansive's own people."""
        return reverse("changes:service", args=[self.pk])


class ServiceDependency(models.Model):
    """A service needs another one to work. Together they have no circle; see ``dependencies``."""

    # The constraint's index finds what a service needs, the other one what needs it.
    service = models.ForeignKey(
        Service,
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        related_name="needing",
        db_index=False,
    )
    needs = models.ForeignKey(
        Service,
        verbose_name=_("service that it needs"),
        on_delete=models.PROTECT,
        related_name="needed_by",
        db_index=False,
    )
    history = Records()

    class Meta:
        verbose_name = _("dependency between services")
        verbose_name_plural = _("dependencies between services")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["service", "needs"], name="changes_service_dependency_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(service=models.F("needs")),
                name="changes_service_dependency_other",
            ),
        ]
        indexes = [models.Index(fields=["needs", "service"], name="changes_service_dependants")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Environment(models.Model):
    """Where changes are tested. What counts before a deployment is a test in the one of staging."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    is_staging = models.BooleanField(
        _("this is staging"),
        default=False,
        help_text=_("Only tests that pass here count for a deployment. One environment is it."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    history = Records()

    class Meta:
        verbose_name = _("environment")
        verbose_name_plural = _("environments")
        ordering = ("-is_staging", "name")
        constraints = [
            models.UniqueConstraint(
                fields=["is_staging"],
                condition=models.Q(is_staging=True),
                name="changes_environment_one_staging",
                violation_error_message=_("Another environment is marked as staging."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Release(models.Model):
    """A planned or past release of the platform, into which code changes are deployed.

    Where it is in its life follows from its dates (``state``), so no two fields can disagree.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        FROZEN = "frozen", _("Frozen")
        RELEASED = "released", _("Released")
        CANCELLED = "cancelled", _("Cancelled")

    name = models.CharField(_("name"), max_length=50, unique=True)
    planned_on = models.DateField(_("planned for"), db_index=True)
    freeze_on = models.DateField(
        _("code complete"),
        null=True,
        blank=True,
        help_text=_(
            "The code freeze. In a frozen release nothing joins or leaves without a reason."
        ),
    )
    frozen_at = models.DateTimeField(_("frozen"), null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    notes = models.TextField(_("notes"), max_length=5000, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    history = Records()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ("planned_on", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(freeze_on=None)
                | models.Q(freeze_on__lte=models.F("planned_on")),
                name="changes_release_freeze_first",
                violation_error_message=_("The code is complete before the release, or that day."),
            ),
            models.CheckConstraint(
                condition=models.Q(released_at=None) | models.Q(cancelled_at=None),
                name="changes_release_one_end",
                violation_error_message=_("What was released cannot be cancelled."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the release's page, which is for Expansive's own people."""
        return reverse("changes:release", args=[self.pk])

    @property
    def state(self) -> "Release.State":
        """Where the release is in its life."""
        if self.cancelled_at:
            return self.State.CANCELLED
        if self.released_at:
            return self.State.RELEASED
        return self.State.FROZEN if self.frozen_at else self.State.PLANNED

    @property
    def is_over(self) -> bool:
        """Whether it went out, or never will: nothing about it changes any more."""
        return bool(self.released_at or self.cancelled_at)
