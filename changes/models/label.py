"""Labels: words that Expansive's people put on changes, to find again what belongs together."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


class Colour(models.TextChoices):
    """The colours of the interface that a label can have."""

    GREY = "grey", _("Grey")
    BLUE = "blue", _("Blue")
    TEAL = "teal", _("Teal")
    GREEN = "green", _("Green")
    AMBER = "amber", _("Amber")
    ORANGE = "orange", _("Orange")
    RED = "red", _("Red")
    PURPLE = "purple", _("Purple")


class Label(models.Model):
    """A label. One that was merged keeps its changes, on which the other one is shown."""

    name = models.CharField(_("name"), max_length=40)
    colour = models.CharField(
        _("colour"), max_length=10, choices=Colour.choices, default=Colour.GREY
    )
    is_active = models.BooleanField(
        _("in use"), default=True, help_text=_("One that has ended stays on the changes it is on.")
    )
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged"
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    history = Records()

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ("name", "pk")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(Upper("name"), name="changes_label_name"),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | models.Q(is_active=False),
                name="changes_label_merged_has_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def now(self) -> "Label":
        """The label that is shown for it: itself, or the one that it was merged into."""
        return self.merged_into or self


def shown(labels: Iterable[Label]) -> list[Label]:
    """Return what is shown of the labels of a change: each once, by name."""
    found = {one.now.pk: one.now for one in labels}
    return sorted(found.values(), key=lambda one: (one.name.casefold(), one.pk))


class ChangeLabel(models.Model):
    """A label on a change."""

    # The constraint's index finds by change, the other one by label.
    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="labelled", db_index=False
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="on", db_index=False)
    put_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    put_at = models.DateTimeField(_("put on"), auto_now_add=True)
    history = Records()

    class Meta:
        verbose_name = _("label of a change")
        verbose_name_plural = _("labels of changes")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["change", "label"], name="changes_label_once")
        ]
        indexes = [models.Index(fields=["label", "change"], name="changes_label_changes")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
