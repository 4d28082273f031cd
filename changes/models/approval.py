"""Who approves, as data: rules that say which approvers, and how many, a change asks for."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records

from ..risk import RiskLevel


class ApprovalRule(models.Model):
    """Who authorises the configuration changes to which it applies, and how many of them.

    The first one in order that is in use and fits a change applies to it when its authorisation is
    asked for. One that has ended applies to nothing, not even to what waits: that goes the way of
    changes without a rule.
    """

    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveSmallIntegerField(
        _("order"), default=1, help_text=_("Of several rules that fit, the lowest one applies.")
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        verbose_name=_("customer"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    service = models.ForeignKey(
        "changes.Service",
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    template = models.ForeignKey(
        "changes.ChangeTemplate",
        verbose_name=_("template"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    risk = models.PositiveSmallIntegerField(
        _("lowest risk"), choices=RiskLevel.choices, null=True, blank=True
    )
    customers_own = models.BooleanField(
        _("the authorised approvers of the customer"),
        default=False,
        help_text=_("Beside those named; in order they come last."),
    )
    needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    in_order = models.BooleanField(_("one after the other"), default=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    history = Records()

    class Meta:
        verbose_name = _("approval rule")
        verbose_name_plural = _("approval rules")
        ordering = ("position", "pk")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(needed__gte=1), name="changes_rule_needs_somebody"),
        ]
        triggers: ClassVar[list[Any]] = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page, which is for Expansive's own people."""
        return reverse("changes:approval_rule", args=[self.pk])


class RuleApprover(models.Model):
    """A person whom a rule names, and their place in its order."""

    rule = models.ForeignKey(
        ApprovalRule, on_delete=models.PROTECT, related_name="named", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("approver"),
        on_delete=models.PROTECT,
        related_name="approves_by",
    )
    position = models.PositiveSmallIntegerField(_("order"))
    history = Records()

    class Meta:
        verbose_name = _("approver by a rule")
        verbose_name_plural = _("approvers by rules")
        ordering = ("position", "pk")
        constraints = [
            models.UniqueConstraint(fields=["rule", "person"], name="changes_rule_names_once"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
