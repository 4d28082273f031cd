"""Change templates: what requests of one kind have in common, written once."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records

from ..risk import Impact, Likelihood, Urgency
from ..states import ChangeType
from .assessment import SCALE


class ChangeTemplate(models.Model):
    """What fills in a request and, as proposals, the forms of its later stages.

    It decides nothing: whoever takes a step confirms each value. One that is withdrawn proposes
    nothing any more, and is never deleted.
    """

    REQUEST: ClassVar = ("title", "description")
    """What a request takes from it; what follows is for Expansive's own people alone."""
    ASSESSMENT: ClassVar = (
        *("type", "need", "likelihood", "impact", "service_impact", "customer_impact", "urgency"),
    )
    PLAN: ClassVar = ("steps", "rollback_plan")

    name = models.CharField(_("name"), max_length=100)
    purpose = models.CharField(
        _("what it is for"),
        max_length=300,
        help_text=_("One sentence, by which somebody finds the right template."),
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        verbose_name=_("only for"),
        on_delete=models.PROTECT,
        related_name="change_templates",
        null=True,
        blank=True,
    )
    is_offered = models.BooleanField(
        _("offered to customers"),
        default=False,
        help_text=_("They see name, purpose, title, description and services; nothing else of it."),
    )
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        help_text=_("Without this it is withdrawn: it is not offered and proposes nothing more."),
    )

    title = models.CharField(_("title"), max_length=200, blank=True)
    description = models.TextField(_("description"), max_length=50000, blank=True)
    services: Any = models.ManyToManyField(
        "changes.Service", verbose_name=_("affected services"), related_name="+", blank=True
    )

    type = models.CharField(
        _("type of change"), max_length=20, choices=ChangeType.choices, blank=True
    )
    need = models.TextField(_("need"), max_length=5000, blank=True)
    likelihood = models.PositiveSmallIntegerField(
        _("likelihood"), choices=Likelihood.choices, validators=SCALE, null=True, blank=True
    )
    impact = models.PositiveSmallIntegerField(
        _("impact"), choices=Impact.choices, validators=SCALE, null=True, blank=True
    )
    service_impact = models.TextField(_("impact on services"), max_length=5000, blank=True)
    customer_impact = models.TextField(_("impact on customers"), max_length=5000, blank=True)
    urgency = models.PositiveSmallIntegerField(
        _("urgency"), choices=Urgency.choices, null=True, blank=True
    )
    steps = models.TextField(_("steps"), max_length=10000, blank=True)
    rollback_plan = models.TextField(_("rollback plan"), max_length=10000, blank=True)
    checklist = models.TextField(
        _("checklist"),
        max_length=10000,
        blank=True,
        default="",
        db_default="",
        help_text=_("An entry a line; each change that is sent gets a copy of its own."),
    )
    system = models.CharField(_("system of the documentation"), max_length=100, blank=True)

    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("written by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("last changed by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("written"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)
    history = Records(excluded_fields=["updated_at"], m2m_fields=[services])

    class Meta:
        verbose_name = _("change template")
        verbose_name_plural = _("change templates")
        ordering = ("name", "pk")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                Upper("name"), condition=Q(is_active=True), name="changes_template_name"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(Upper("name"), "id", name="changes_template_by_name")
        ]

    def __str__(self) -> str:
        return self.name
