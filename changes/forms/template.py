"""Writing a change template, and filling in a request from one."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from expansive_cm.ui.fields import Line
from expansive_cm.ui.forms import MarkdownTextarea, rows_field
from expansive_cm.workflow.errors import StepIncomplete

from .. import checklists, proposing
from ..models import Change, ChangeTemplate, Service
from .base import LongText, line, text


def _model(name: str) -> Any:
    return ChangeTemplate._meta.get_field(name)


def _scale(name: str, label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=[("", _("No proposal")), *_model(name).choices],
        coerce=int,
        empty_value=None,
        required=False,
    )


class TemplateForm(forms.Form):
    """All of a template; only its name and what it is for are needed."""

    name = Line(label=_("Name"), max_length=100, help_text=_("Such as “Feature flag on or off”."))
    purpose = Line(label=_("What it is for"), max_length=300, help_text=_model("purpose").help_text)
    organisation = forms.ModelChoiceField(
        label=_("For"),
        queryset=Organisation.objects.none(),
        empty_label=_("All customers"),
        required=False,
    )
    is_offered = forms.BooleanField(
        label=_("Offered to customers"), required=False, help_text=_model("is_offered").help_text
    )
    is_active = forms.BooleanField(
        label=_("In use"), required=False, initial=True, help_text=_model("is_active").help_text
    )
    title = Line(label=_("Title"), max_length=200, required=False)
    description = LongText(
        label=_("Description"), max_length=50000, required=False, widget=MarkdownTextarea
    )
    services = forms.ModelMultipleChoiceField(
        label=_("Affected services"),
        queryset=Service.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    type = forms.ChoiceField(
        label=_("Type of change"),
        choices=[("", _("No proposal")), *_model("type").choices],
        required=False,
        help_text=_("A proposal: whoever assesses the change decides."),
    )
    need = text(ChangeTemplate, "need", rows=3, required=False)
    likelihood = _scale("likelihood", _("Likelihood that it goes wrong"))
    impact = _scale("impact", _("Impact if it does"))
    service_impact = text(ChangeTemplate, "service_impact", rows=2, required=False)
    customer_impact = text(ChangeTemplate, "customer_impact", rows=2, required=False)
    urgency = _scale("urgency", _("Urgency"))
    steps = text(ChangeTemplate, "steps", rows=6, required=False, help_text=_("One line per step."))
    rollback_plan = text(ChangeTemplate, "rollback_plan", rows=4, required=False)
    checklist = text(
        ChangeTemplate,
        "checklist",
        rows=5,
        required=False,
        help_text=_(
            "What is to be checked before, while and after it is done: one line per entry. A line "
            "that ends with “(required)” must be ticked before it is recorded as done."
        ),
    )
    system = line(
        ChangeTemplate,
        "system",
        required=False,
        help_text=_("The customer success tool in which such changes are logged."),
    )
    reason = Line(
        label=_("Why is it changed?"),
        max_length=500,
        required=False,
        help_text=_("It stays in the history of the template."),
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    KEPT = (
        *("name", "purpose", "organisation", "is_offered", "is_active"),
        *ChangeTemplate.REQUEST,
        *ChangeTemplate.ASSESSMENT,
        *ChangeTemplate.PLAN,
        "checklist",
        "system",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        user: User,
        template: ChangeTemplate | None = None,
        made_from: Change | None = None,
    ) -> None:
        initial = values_of(template) if template else values_from(made_from)
        super().__init__(data, initial=initial)
        named = initial.get("services", [])
        offered = Service.objects.filter(is_active=True) | Service.objects.filter(pk__in=named)
        rows_field(self, "services").queryset = offered
        customers = proposing.kept_by(user)
        if template is not None:
            customers |= Organisation.objects.filter(pk=template.organisation_id or 0)
        rows_field(self, "organisation").queryset = customers
        if template is None:
            del self.fields["is_active"], self.fields["reason"]

    def arguments(self) -> dict[str, Any]:
        """Return what is kept, for lifecycle."""
        return {name: self.cleaned_data[name] for name in self.KEPT if name in self.cleaned_data}

    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be kept beside its field."""
        for name in error.missing:
            self.add_error(name, str(error))


def values_of(template: ChangeTemplate) -> dict[str, Any]:
    """Return what the form shows of a template."""
    values = {name: getattr(template, name) for name in TemplateForm.KEPT}
    services = [service.pk for service in template.services.all()]
    return {**values, "services": services, "seen": template.version}


def values_from(change: Change | None) -> dict[str, Any]:
    """Return what a change and its later stages have written that others like it may need.

    For its own customer alone, until somebody has read it with others in mind.
    """
    if change is None:
        return {}
    services = [service.pk for service in change.services.all() if service.is_active]
    values: dict[str, Any] = {
        "name": change.title[:100],
        "organisation": change.organisation_id,
        "title": change.title,
        "description": change.description,
        "services": services,
    }
    plan = max(change.executions.all(), key=lambda one: one.pk, default=None)
    logged = max(change.documentations.all(), key=lambda one: one.pk, default=None)
    sources = (
        (change.assessment, ChangeTemplate.ASSESSMENT),
        (plan, ChangeTemplate.PLAN),
        (logged, ("system",)),
    )
    for record, names in sources:
        values |= {name: getattr(record, name) for name in names if record is not None}
    checked = checklists.as_entries(checklists.items_of(change))
    values["checklist"] = checklists.as_text(checked)
    return values


def values_for_request(template: ChangeTemplate | None) -> dict[str, Any]:
    """Return what a new request shows that begins with a template."""
    if template is None:
        return {}
    values = {name: getattr(template, name) for name in ChangeTemplate.REQUEST}
    named = {"services": sorted(_services(template)), "template": template.pk}
    return {**values, **named, "organisation": template.organisation_id}


def filled_in(
    data: QueryDict, template: ChangeTemplate | None, previous: ChangeTemplate | None
) -> QueryDict:
    """Return what was typed, with what the template says where nothing was.

    What ``previous``, chosen before, had filled in and nobody has touched since goes away again.
    """
    filled = data.copy()
    for name in ChangeTemplate.REQUEST:
        typed = filled.get(name, "").replace("\r\n", "\n").strip()
        if not typed or (previous is not None and typed == getattr(previous, name).strip()):
            filled[name] = getattr(template, name) if template else ""
    ticked = set(filled.getlist("services"))
    if not ticked or (previous is not None and ticked == _services(previous)):
        filled.setlist("services", sorted(_services(template)) if template else [])
    if template is not None and template.organisation_id and not filled.get("organisation"):
        filled["organisation"] = str(template.organisation_id)
    filled["template"] = str(template.pk) if template else ""
    return filled


def _services(template: ChangeTemplate) -> set[str]:
    return {str(one.pk) for one in template.services.all() if one.is_active}
