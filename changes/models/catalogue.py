"""What administrators keep: the services customers use, planned releases, where is tested."""

from django.db import models
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
    """A planned or past release of the platform, into which code changes are deployed."""

    name = models.CharField(_("name"), max_length=50, unique=True)
    planned_on = models.DateField(_("planned for"), db_index=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    notes = models.TextField(_("notes"), max_length=10000, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ("planned_on", "pk")

    def __str__(self) -> str:
        return self.name
