"""Pre-approvals: a template whose changes need no authorisation of their own for a year."""

from datetime import date
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records


class StandardApproval(models.Model):
    """What was proposed, and approved, as a standard change: the exact content of a template.

    One that ended is kept. ``content`` is compared with each change (`changes.standard`); a
    template whose content changes ends what was approved of it.
    """

    class Decision(models.TextChoices):
        """What the approver said."""

        WAITING = "", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")

    class Ending(models.TextChoices):
        """How it ended before its day."""

        NONE = "", _("Not ended")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EDITED = "edited", _("Void: the template was changed")
        ROLLED_BACK = "rolled_back", _("Withdrawn after a rollback")
        RENEWED = "renewed", _("Approved anew")

    class State(models.TextChoices):
        """Where it is in its life; follows from the other fields."""

        WAITING = "waiting", _("Waits for approval")
        IN_FORCE = "in_force", _("In force")
        EXPIRED = "expired", _("Expired")
        REFUSED = "refused", _("Refused")
        ENDED = "ended", _("Ended")

    template = models.ForeignKey(
        "changes.ChangeTemplate",
        verbose_name=_("template"),
        on_delete=models.PROTECT,
        related_name="standard_approvals",
    )
    template_version = models.PositiveIntegerField(_("version of the template"))
    content = models.JSONField(_("content that was proposed"), editable=False)
    case = models.TextField(
        _("why it needs no authorisation each time"),
        max_length=2000,
        help_text=_("How often it is done, what can go wrong, and how it is undone."),
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("proposed by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    proposed_at = models.DateTimeField(_("proposed"), auto_now_add=True)
    decision = models.CharField(
        _("decision"), max_length=20, choices=Decision.choices, default="", blank=True
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.TextField(_("reason for the decision"), max_length=2000, blank=True)
    valid_until = models.DateField(_("last day"), null=True, blank=True)
    ending = models.CharField(
        _("ending"), max_length=20, choices=Ending.choices, default="", blank=True
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("ended by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_why = models.TextField(_("why it ended"), max_length=2000, blank=True)
    failed_change = models.ForeignKey(
        "changes.Change",
        verbose_name=_("change that was rolled back"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    reminded_at = models.DateTimeField(_("reminded of its end"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    history = Records()

    class Meta:
        verbose_name = _("standard change")
        verbose_name_plural = _("standard changes")
        ordering = ("-pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["template"],
                condition=Q(decision="", ending=""),
                name="changes_standard_one_waits",
            ),
            models.UniqueConstraint(
                fields=["template"],
                condition=Q(decision="approved", ending=""),
                name="changes_standard_one_approved",
            ),
            models.CheckConstraint(
                condition=~Q(decision="approved")
                | Q(decided_by__isnull=False, decided_at__isnull=False, valid_until__isnull=False),
                name="changes_standard_who_until",
            ),
            models.CheckConstraint(
                condition=Q(ending="", ended_at=None)
                | (~Q(ending="") & ~Q(ended_why="") & Q(ended_at__isnull=False)),
                name="changes_standard_ended_why",
            ),
        ]
        triggers: ClassVar[list[Any]] = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.template}, {self.template_version}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("changes:standard_change", args=[self.pk])

    @property
    def state(self) -> State:
        """Where it is now."""
        return self.state_on(timezone.localdate(timezone=timezone.get_default_timezone()))

    def state_on(self, today: date) -> State:
        """Where it is on a day, which is one of the product's own zone, not of a reader's."""
        if self.ending:
            return self.State.ENDED
        if self.decision == self.Decision.REFUSED:
            return self.State.REFUSED
        if self.decision == self.Decision.WAITING:
            return self.State.WAITING
        assert self.valid_until is not None
        return self.State.IN_FORCE if today <= self.valid_until else self.State.EXPIRED
