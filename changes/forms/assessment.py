"""Forms of the initial assessment and of what may happen at any time."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.roles import Role
from expansive_cm.ui.forms import rows_field

from .. import finding, proposing
from ..lifecycle import open_changes_of, requesters
from ..models import Assessment, Change, ChangeTemplate, Review, Service
from ..states import ChangeType
from .base import AsProposedForm, Further, LongText, StepForm, cards, scale, text
from .ending import EndingForm

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


ENDORSE_TOO = Further(_("Assess and endorse"), "thumb-up")


def _findings() -> LongText:
    """Ask for the words of a review that is done with the assessment."""
    return text(
        Review,
        "findings",
        rows=2,
        label=_("Findings of your review"),
        help_text=_(
            "For “Assess and endorse” alone: what the approver, or the requester, should know."
        ),
        required=False,
        initial=_("Reviewed with the assessment, which says what there is to know."),
    )


class EndorsingForm(StepForm):
    """Assesses, and by its second button endorses in the review as well."""

    further = ENDORSE_TOO

    def clean_findings(self) -> str:
        """Ask for them where the review is done as well, and leave them out where it is not."""
        if not self.goes_further:
            return ""
        if not (words := str(self.cleaned_data["findings"])):
            raise forms.ValidationError(_now("This field is required."), code="required")
        return words


class AssessAsProposedForm(EndorsingForm, AsProposedForm):
    """The assessment of many changes, each as its template proposes it."""

    findings = _findings()


class AssessForm(EndorsingForm, JudgementForm):
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
    findings = _findings()
    field_order = ["type", "need"]

    def prepare(self) -> None:
        """Offer the services in use and those that the request names; propose the template's."""
        super().prepare()
        self.propose(proposing.template_of(self.change), ChangeTemplate.ASSESSMENT)
        named = [service.pk for service in self.change.services.all()]
        active = Service.objects.filter(is_active=True) | Service.objects.filter(pk__in=named)
        rows_field(self, "services").queryset = active.distinct()
        self.fields["services"].initial = named

    def arguments(self) -> dict[str, Any]:
        """Leave out the findings where only the assessment is recorded."""
        found = super().arguments()
        if not self.goes_further:
            del found["findings"]
        return found


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
        rows_field(self, "owner").queryset = (
            User.objects.filter(is_active=True, organisation=None, groups__name__in=names)
            .distinct()
            .prefetch_related("groups")
        )
        self.fields["owner"].initial = self.change.owner_id


class SuccessorFields(forms.Form):
    """Who takes a requester's place: somebody we know, or somebody new of the same customer."""

    user: User
    successor = forms.ModelChoiceField(
        label=_("Who takes over?"),
        queryset=User.objects.none(),
        empty_label=_("Somebody who is not in this list"),
        required=False,
    )
    new_name = forms.CharField(label=_("Name"), max_length=150, required=False)
    new_email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        help_text=_("Both are needed only for somebody who is not in the list."),
    )
    reason = LongText(
        label=_("Reason"),
        max_length=5000,
        help_text=_("Such as: leaves on Friday. Everybody who follows the change reads this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def offer(self, organisation: Any, former: User | None) -> None:
        """Offer everybody of the customer who is still there."""
        self.organisation = organisation
        people = User.objects.filter(organisation=organisation, is_active=True)
        if former is not None:
            people = people.exclude(pk=former.pk)
        rows_field(self, "successor").queryset = people
        if not people.exists():
            self.fields["successor"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        """Either somebody of the list, or name and address of somebody else."""
        data = super().clean() or self.cleaned_data
        if data.get("successor") or {"successor", "new_name", "new_email"} & set(self.errors):
            return data
        if not data.get("new_email"):
            self.add_error("successor", _now("Choose somebody, or write down name and address."))
        elif not data.get("new_name"):
            self.add_error("new_name", _now("Please write down the name too."))
        elif why := finding.why_not_added(self.user, data["new_email"], self.organisation):
            self.add_error("new_email", why)
        return data


class ReplaceRequesterForm(SuccessorFields, StepForm):
    """Who is the requester from now on, and whether of their other open requests too."""

    everywhere = forms.BooleanField(required=False)

    def prepare(self) -> None:
        """Ask about other open requests only where there are some."""
        former = self.change.requester
        self.offer(self.change.organisation, former)
        others = open_changes_of(former, self.change.organisation) if former else None
        number = others.exclude(pk=self.change.pk).count() if others is not None else 0
        if former and number > requesters.AT_ONCE:
            self.fields["successor"].help_text = format_html(
                '<a href="{}">{}</a>',
                reverse("changes:hand_over", args=[former.pk]),
                _now("Hand over all open requests of %s instead") % former,
            )
        if not 0 < number <= requesters.AT_ONCE:
            del self.fields["everywhere"]
            return
        words = ngettext(
            "Hand over the other open request of %(name)s too",
            "Hand over the %(number)d other open requests of %(name)s too",
            number,
        )
        self.fields["everywhere"].label = words % {"name": former, "number": number}


class HandOverForm(SuccessorFields):
    """Who takes over all open requests of a person."""

    def __init__(self, *args: Any, person: User, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.offer(person.organisation, person)


class WithdrawForm(EndingForm):
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
