"""Imports from another tool: what was uploaded, how far it is, and what was wrong."""

import secrets

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


def stored_name(run: "ImportRun", filename: str) -> str:
    """Return a random name: a file's own name never reaches the disk."""
    return f"imports/{secrets.token_hex(16)}"


class ImportRun(models.Model):
    """One file being imported, or checked. Its counts are those of the rows done so far."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Stopped")

    class Mode(models.TextChoices):
        """What happens to a file with bad rows."""

        GOOD_ROWS = "good_rows", _("Import all good rows")
        STRICT = "strict", _("Import nothing unless every row is good")
        CHECK = "check", _("Only check, import nothing")

    file = models.FileField(_("file"), upload_to=stored_name, max_length=200, blank=True)
    name = models.CharField(_("name of the file"), max_length=255)
    map_name = models.CharField(_("map"), max_length=255)
    map_text = models.TextField(_("content of the map"))
    parties = models.JSONField(_("for whom"), default=dict, blank=True)
    mode = models.CharField(_("bad rows"), max_length=20, choices=Mode.choices)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.QUEUED
    )
    message = models.TextField(_("message"), blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    total = models.PositiveIntegerField(_("rows"), default=0)
    done = models.PositiveIntegerField(_("rows done"), default=0)
    good = models.PositiveIntegerField(_("good"), default=0)
    bad = models.PositiveIntegerField(_("bad"), default=0)
    skipped = models.PositiveIntegerField(_("imported before"), default=0)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("started by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-pk",)
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(status__in=["queued", "running"]),
                name="changes_import_unfinished",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the page that shows how far it is."""
        return reverse("changes:import_run", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in (self.Status.FINISHED, self.Status.FAILED)

    @property
    def only_checks(self) -> bool:
        """Whether it never imports anything."""
        return self.mode == self.Mode.CHECK


class ImportProblem(models.Model):
    """What is wrong with one value of one line of an imported file."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="problems")
    line = models.PositiveIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=200, blank=True)
    value = models.CharField(_("value"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=500)

    class Meta:
        verbose_name = _("problem")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"
