"""What administrators keep: the services customers use and the planned releases."""

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


class Release(models.Model):
    """A planned or past release of the platform, into which code changes are deployed."""

    name = models.CharField(_("name"), max_length=50, unique=True)
    planned_on = models.DateField(_("planned for"), db_index=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    history = Records()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ("planned_on", "pk")

    def __str__(self) -> str:
        return self.name
