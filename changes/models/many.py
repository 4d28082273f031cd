"""One act on many changes: what was asked for, and what became of each."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .change import Change


class ManyRun(models.Model):
    """One act that somebody takes on several changes, one after the other.

    What is done stands in the history of each change; this is what its person reads of it.
    ``key`` is that of the form, which makes one run however often it arrives.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    key = models.CharField(_("key"), max_length=40)
    act = models.CharField(_("act"), max_length=30)
    arguments = models.JSONField(_("what was filled in"), default=dict, blank=True)
    back = models.CharField(_("page it came from"), max_length=1000, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("act on many changes")
        verbose_name_plural = _("acts on many changes")
        ordering = ("-pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["person", "key"], name="changes_many_run_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["id"],
                condition=models.Q(finished_at=None),
                name="changes_many_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of the page that shows how far it is, and what became of each."""
        return reverse("changes:many_run", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.finished_at is not None


class ManyRow(models.Model):
    """One change of a run. ``seen`` is the version that its person saw, None where none counts."""

    class Outcome(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", _("Not done yet")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Could not be done")

    run = models.ForeignKey(ManyRun, on_delete=models.CASCADE, related_name="rows")
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="+")
    seen = models.PositiveIntegerField(_("version that was seen"), null=True)
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome.choices, default=Outcome.WAITING
    )
    reason = models.TextField(_("why not"), blank=True)

    class Meta:
        verbose_name = _("change of an act on many")
        verbose_name_plural = _("changes of an act on many")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "change"], name="changes_many_row_once")
        ]

    def __str__(self) -> str:
        return f"{self.change_id}: {self.outcome}"
