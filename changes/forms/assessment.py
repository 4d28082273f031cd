"""Forms of the initial assessment and of what may happen at any time."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role

from ..models import Assessment, Change, Service
from ..states import ChangeType
from .base import LongText, StepForm, cards, scale, text

TYPE_GUIDANCE = {
    ChangeType.CONFIGURATION: _(
        "Settings or parameters of the platform change; no code is touched. Usually lower risk "
        "and quick.\nFor example: who may use what, a system setting or environment variable, "
        "switching a feature on or off."
    ),
    ChangeType.CODE: _(
        "The application or its infrastructure as code changes, because configuration alone "
        "cannot do it. Higher risk: it goes to the board.\nFor example: a fix or patch, a new or "
        "better feature, an API or back-end change."
    ),
}
TYPE_ICONS = {ChangeType.CONFIGURATION: "adjustments", ChangeType.CODE: "code"}


class JudgementForm(StepForm):
    """Need, risk, impact and urgency: what both assessing and reclassifying ask."""

    need = text(Assessment, "need", rows=3, help_text=_("Why is the change needed, and for whom?"))
    likelihood = scale(Assessment, "likelihood", label=_("Likelihood that it goes wrong"))
    impact = scale(Assessment, "impact", label=_("Impact if it does"))
    service_impact = text(
        Assessment,
        "service_impact",
        rows=3,
        help_text=_("Which services are touched, and is any of them unavailable meanwhile?"),
    )
    customer_impact = text(
        Assessment,
        "customer_impact",
        rows=3,
        help_text=_("Who notices what: this customer, and others?"),
    )
    urgency = scale(Assessment, "urgency")

    def prepare(self) -> None:
        """Propose an ordinary urgency."""
        self.fields["urgency"].initial = Assessment._meta.get_field("urgency").default


class AssessForm(JudgementForm):
    """The initial assessment, which decides the type."""

    type = cards(
        Assessment,
        "type",
        label=_("Type of change"),
        descriptions=TYPE_GUIDANCE,
        icons=TYPE_ICONS,
        help_text=_(
            "Not sure? If nobody has to write or alter code, it is a configuration change."
        ),
    )
    services = forms.ModelMultipleChoiceField(
        label=_("Affected services"),
        queryset=Service.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ["type", "need"]

    def prepare(self) -> None:
        """Offer the services in use and those that the request names."""
        super().prepare()
        named = [service.pk for service in self.change.services.all()]
        active = Service.objects.filter(is_active=True) | Service.objects.filter(pk__in=named)
        self.fields["services"].queryset = active.distinct()
        self.fields["services"].initial = named


class ReclassifyForm(JudgementForm):
    """A new assessment for the other path, with the reason for leaving this one."""

    reason = text(
        Assessment,
        "reason",
        rows=3,
        label=_("Why is it the other type?"),
        help_text=_("Everybody who follows the change reads this."),
    )
    field_order = ["reason", "need"]

    def prepare(self) -> None:
        """Start from what was assessed before."""
        super().prepare()
        latest = self.change.assessment
        if latest is not None:
            for name in ("need", "likelihood", "impact", "service_impact", "customer_impact"):
                self.fields[name].initial = getattr(latest, name)
            self.fields["urgency"].initial = latest.urgency


class OwnerField(forms.ModelChoiceField):
    """One of Expansive's own people."""

    def label_from_instance(self, person: Any) -> str:
        """Say what the person does beside the name."""
        roles = ", ".join(sorted(str(role.label) for role in person.roles))
        return f"{person} ({roles})" if roles else str(person)


class AssignForm(StepForm):
    """Who sees the change through."""

    owner = OwnerField(label=_("Owner"), queryset=User.objects.none(), empty_label="–")

    def prepare(self) -> None:
        """Offer everybody of Expansive's own who holds a role in the process."""
        names = [role.value for role in Role if role not in (Role.AUDITOR, Role.ADMINISTRATOR)]
        self.fields["owner"].queryset = (
            User.objects.filter(is_active=True, organisation=None, groups__name__in=names)
            .distinct()
            .prefetch_related("groups")
        )
        self.fields["owner"].initial = self.change.owner_id


class WithdrawForm(StepForm):
    """Why the request is taken back."""

    reason = LongText(
        label=_("Reason"),
        max_length=5000,
        help_text=_("What made the request unnecessary? Everybody who follows it reads this."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


def other_type(change: Change) -> ChangeType:
    """Return the type that reclassifying would give the change."""
    code = change.type == ChangeType.CONFIGURATION
    return ChangeType.CODE if code else ChangeType.CONFIGURATION
