"""Forms of the administration pages: what must be explained, and who may hold which role."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.utils.translation import gettext_lazy as _

from expansive_cm.mailreader.addresses import normal
from expansive_cm.ui.forms import rows_field

from . import leaving
from .forms import time_zone_choices
from .models import Organisation, SuccessTeam, User
from .roles import PROCESS_ROLES, STAFF_ROLES, Role


class ReasonedForm(ModelForm):
    """A form that asks why. `reason_needed` says in a sentence when it must be answered."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Stays in the history beside your name."),
    )

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Return why this save must be explained, or None."""
        return None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needed = self.reason_needed(cleaned)
        if needed and not cleaned.get("reason", "").strip():
            self.add_error("reason", needed)
        return cleaned

    def newly(self, field: str, cleaned: dict[str, Any]) -> set[Any]:
        """Return what a many-to-many field would hold that it does not hold now."""
        chosen = set(cleaned.get(field) or ())
        if self.instance.pk is None:
            return chosen
        return chosen - set(getattr(self.instance, field).all())


class PersonForm(ReasonedForm):
    """A person, with the rules on who may hold which role, and on leaving."""

    refused: str = ""
    """Why what the person leaves could not be handed over as was asked for."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices)
    successor = forms.ModelChoiceField(
        label=_("Takes over"),
        queryset=User.objects.none(),
        required=False,
        help_text=_(
            "Changes this person owns, open requests and actions of a board become theirs, and "
            "they are told."
        ),
    )
    falls_to_others = forms.BooleanField(
        label=_("Nobody in particular: it goes on as is said above"), required=False
    )
    groups = forms.ModelMultipleChoiceField(
        label=_("Roles"),
        queryset=Group.objects.filter(name__in=Role.values).order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A requester needs no role. Giving one of the process asks for a reason."),
    )

    class Meta:
        model = User
        fields = (
            "email",
            "display_name",
            "organisation",
            "time_zone",
            "is_active",
            "groups",
            "mail_pace",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "groups" in self.fields:
            groups: Any = self.fields["groups"]
            groups.label_from_instance = lambda group: Role(group.name).label
        rows_field(self, "successor").queryset = leaving.takers(self.instance)

    def clean_email(self) -> str:
        """Addresses are kept in one form and belong to one person."""
        email = normal(self.cleaned_data["email"])
        if not email:
            raise ValidationError(_("Enter an address that cannot be taken for another one."))
        holder = User.objects.with_address(email)
        if holder is not None and holder.pk != self.instance.pk:
            raise ValidationError(_("Somebody else already has this address."))
        return email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        held = {Role(group.name) for group in cleaned.get("groups") or ()}
        internal_only = held & STAFF_ROLES
        if cleaned.get("organisation") and internal_only:
            names = ", ".join(sorted(str(role.label) for role in internal_only))
            message = _("Only Expansive's own people can hold: %(roles)s.")
            self.add_error("groups", ValidationError(message, params={"roles": names}))
        if self.refused:
            self.add_error("successor", self.refused)
        elif self.leaves(cleaned) and not (
            cleaned.get("successor") or cleaned.get("falls_to_others")
        ):
            self._insist_on_successor()
        return cleaned

    def leaves(self, cleaned: dict[str, Any]) -> bool:
        """Whether this save ends what the person is to do: they go, move, or have no role left."""
        if self.instance.pk is None or not self.initial.get("is_active"):
            return False
        moves = "organisation" in self.changed_data
        lays_down = bool(self.initial.get("groups")) and not cleaned.get("groups")
        return not cleaned.get("is_active") or moves or lays_down

    def _insist_on_successor(self) -> None:
        left = [one.text for one in leaving.left_by(self.instance) if one.is_passed_on]
        if left:
            message = _("Say who takes over, or that nobody in particular does. This person %s.")
            self.add_error("successor", message % "; ".join(left))

    def new_address(self, cleaned: dict[str, Any]) -> bool:
        """Whether somebody who is known already would get another address."""
        was = self.initial.get("email") if self.instance.pk else None
        return bool(was) and str(was).lower() != cleaned.get("email", was)

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Power over changes is never given silently, nor is the way into an account."""
        if self.new_address(cleaned):
            return str(_("Say why the address changes."))
        given = {Role(group.name) for group in self.newly("groups", cleaned)}
        if given & PROCESS_ROLES:
            return str(_("Say why this person gets a role in the process."))
        return None


class OrganisationForm(ReasonedForm):
    """A customer; naming somebody who may authorise its changes asks for a reason."""

    class Meta:
        model = Organisation
        fields = ("name", "success_team", "approvers", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "approvers" in self.fields:
            rows_field(self, "approvers").queryset = User.objects.filter(
                is_active=True, groups__name=Role.APPROVER
            ).select_related("organisation")

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Authority over a customer's changes is never given silently."""
        if self.newly("approvers", cleaned):
            return str(_("Say why this person may authorise changes for this customer."))
        return None


class SuccessTeamForm(ReasonedForm):
    """A team; whoever joins it acts on its customers' changes, which asks for a reason."""

    class Meta:
        model = SuccessTeam
        fields = ("name", "email", "members")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "members" in self.fields:
            rows_field(self, "members").queryset = User.objects.filter(
                is_active=True, organisation__isnull=True
            )

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Joining a team gives power over its customers' changes."""
        if self.newly("members", cleaned):
            return str(_("Say why this person joins the team."))
        return None
