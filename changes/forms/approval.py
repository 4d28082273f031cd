"""The form of an approval rule: what a change must be, who approves, and how many."""

from typing import Any

from django import forms
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from expansive_cm.ui.fields import Line
from expansive_cm.ui.forms import rows_field
from expansive_cm.workflow.errors import StepIncomplete

from ..lifecycle import RuleWords
from ..lifecycle.approving import MOST_NAMED
from ..models import ApprovalRule, ChangeTemplate, Service
from ..risk import RiskLevel
from ..turns.parts import approvers

PLACES = [f"person_{place}" for place in range(1, MOST_NAMED + 1)]
MOST = 9999
"""The highest number in the order of rules."""


def _risk(value: Any) -> int | None:
    return int(value) if value else None


class RuleForm(forms.Form):
    """All that is said of an approval rule."""

    use_required_attribute = False

    name = Line(
        label=_("Name"), max_length=100, help_text=_("Such as: High risk at Harbour Hospitals.")
    )
    position = forms.IntegerField(
        label=_("Order"),
        min_value=1,
        max_value=MOST,
        help_text=_(
            "Of several rules that fit a change, the one with the lowest number applies; of the"
            " same number, the one made first."
        ),
    )
    organisation = forms.ModelChoiceField(
        label=_("Customer"),
        queryset=Organisation.objects.filter(is_active=True).order_by("name"),
        empty_label=_("Every customer"),
        required=False,
    )
    service = forms.ModelChoiceField(
        label=_("Service"),
        queryset=Service.objects.filter(is_active=True),
        empty_label=_("Every service"),
        required=False,
    )
    risk = forms.TypedChoiceField(
        label=_("Lowest risk"),
        choices=[("", _("Every risk")), *RiskLevel.choices],
        coerce=_risk,
        empty_value=None,
        required=False,
    )
    template = forms.ModelChoiceField(
        label=_("Template"),
        queryset=ChangeTemplate.objects.filter(is_active=True).order_by("name", "pk"),
        empty_label=_("With any template, or none"),
        required=False,
    )
    customers_own = forms.BooleanField(
        label=_("Also every authorised approver of the change's customer"),
        required=False,
        help_text=_("In order, they come after those named."),
    )
    needed = forms.IntegerField(
        label=_("How many of them must approve?"), min_value=1, max_value=100, initial=1
    )
    in_order = forms.ChoiceField(
        label=_("How are they asked?"),
        choices=[("", _("All at once")), ("yes", _("One after the other"))],
        required=False,
        widget=forms.RadioSelect,
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, rule: ApprovalRule | None = None) -> None:
        super().__init__(data, initial=_said(rule) if rule else {"position": _next()})
        everybody = approvers().order_by("display_name", "pk")
        for place, name in enumerate(PLACES, start=1):
            self.fields[name] = forms.ModelChoiceField(
                label=_("Approver %d") % place, queryset=everybody, empty_label="–", required=False
            )
        if rule is not None:
            self._keep(rule)

    def _keep(self, rule: ApprovalRule) -> None:
        """Offer what the rule says, though it is not offered to new ones any more."""
        for name in ("organisation", "service", "template"):
            field = rows_field(self, name)
            key = getattr(rule, f"{name}_id")
            if key is not None and field.queryset is not None:
                field.queryset = field.queryset | field.queryset.model.objects.filter(pk=key)

    @property
    def people(self) -> list[Any]:
        """The fields of those named, in their order."""
        return [self[name] for name in PLACES]

    def words(self) -> RuleWords:
        """Return what was said, as the rule is made with."""
        said = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "seen" and name not in PLACES
        }
        named = [self.cleaned_data[name] for name in PLACES if self.cleaned_data.get(name)]
        return RuleWords(**{**said, "people": named, "in_order": bool(said["in_order"])})

    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be beside its field; of those named, beside whom it is about."""
        for name in error.missing or (None,):
            self.add_error(self._twice() if name == "people" else name, str(error))

    def _twice(self) -> str:
        """Return the place that names somebody whom an earlier one names, else the first."""
        named: set[User] = set()
        for name in PLACES:
            person = self.cleaned_data.get(name)
            if person in named:
                return name
            if person:
                named.add(person)
        return PLACES[0]


def _next() -> int:
    """Return the number after those of the rules in use, so that a new one comes last."""
    highest = ApprovalRule.objects.filter(ended_at=None).aggregate(Max("position"))
    return min((highest["position__max"] or 0) + 1, MOST)


def _said(rule: ApprovalRule) -> dict[str, Any]:
    names = ("name", "position", "organisation", "service", "risk", "template", "customers_own")
    said = {name: getattr(rule, name) for name in (*names, "needed")}
    named = rule.named.order_by("position", "pk").values_list("person", flat=True)
    return {
        **said,
        "in_order": "yes" if rule.in_order else "",
        "seen": rule.version,
        **dict(zip(PLACES, named, strict=False)),
    }
