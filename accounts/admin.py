"""Administration of people, organisations and success teams.

Only administrators see these pages. Nothing here can be deleted, because changes refer to it
for good: people and organisations are deactivated instead. Each save can carry a reason, and
must carry one when it gives somebody power over changes; the reason stays in the history.
"""

from typing import Any

from allauth.account.admin import EmailAddress
from allauth.account.decorators import secure_admin_login
from allauth.account.forms import ResetPasswordForm
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from post_office import admin as mail_admin
from simple_history.admin import SimpleHistoryAdmin

from . import address_changes
from .addresses import normal
from .forms import time_zone_choices
from .models import EmailDomain, Organisation, SuccessTeam, User
from .roles import PROCESS_ROLES, STAFF_ROLES, Role

admin.site.site_header = _("Expansive Change Management")
admin.site.site_title = _("Expansive Change Management")
admin.site.index_title = _("Administration")
# One sign-in page and one for the password, on which attempts are limited.
admin.site.login = secure_admin_login(admin.site.login)
admin.site.password_change = lambda request, extra_context=None: redirect("account_change_password")

# Roles are groups with fixed names, and addresses follow the person's own: neither is edited.
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)
# Mails hold links that act for their readers, and prove what people were told.
for page in (mail_admin.Email, mail_admin.Log, mail_admin.EmailTemplate, mail_admin.Attachment):
    admin.site.unregister(page)


# How the filters beside a list ask for what they offer; nobody else may ask a list anything.
FILTER_LOOKUPS = frozenset(
    ("", "exact", "id__exact", "isnull", "gte", "lt", "year", "month", "day")
)


class AdministratorsOnly:
    """Pages for administrators, on which nothing is deleted."""

    def _is_administrator(self, request: HttpRequest) -> bool:
        person = request.user
        if not isinstance(person, User) or not person.is_active:
            return False
        return person.is_superuser or person.has_role(Role.ADMINISTRATOR)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Whether an address may ask a list this: what its own filters ask, and nothing else.

        Django lets an address ask for any field of the model, and so read by trials what no page
        shows: whose password's hash begins with "a"?
        """
        filters = (*self.list_filter, self.date_hierarchy)  # type: ignore[attr-defined]
        for field in (one for one in filters if isinstance(one, str)):
            head, found, rest = lookup.partition(field)
            if found and not head and (not rest or rest.startswith("__")):
                return rest.removeprefix("__") in FILTER_LOOKUPS
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_administrator(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_administrator(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_administrator(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_administrator(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


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


class ReasonedAdmin(AdministratorsOnly, SimpleHistoryAdmin):
    """Keeps the reason of a save with the rows of history that it makes."""

    list_per_page = 50
    object_history_list_template = "admin/accounts/history_list.html"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save with the reason given; the person's name is kept by the history itself."""
        obj._change_reason = form.cleaned_data.get("reason", "").strip() or None
        super().save_model(request, obj, form, change)

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show an earlier version. Nothing is brought back from it: the page only shows."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied(_("Earlier versions can be read, not brought back."))
        return super().history_form_view(request, *args, **kwargs)


class PersonForm(ReasonedForm):
    """A person, with the rules on who may hold which role."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices)
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
            self.fields["groups"].label_from_instance = lambda group: Role(group.name).label

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
        return cleaned

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


class RoleFilter(admin.SimpleListFilter):
    """People by the role they hold."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Role.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


@admin.register(User)
class PersonAdmin(ReasonedAdmin):
    """People: added without a password, which they choose from a mail."""

    form = PersonForm
    list_display = ("display_name", "role_names", "organisation", "email", "is_active")
    list_filter = ("is_active", RoleFilter, "organisation")
    list_select_related = ("organisation",)
    search_fields = ("display_name", "email")
    readonly_fields = ("last_login", "date_joined", "mail_failed_at", "mail_failure")
    actions = ("send_password_link",)
    fieldsets = (
        (None, {"fields": ("email", "display_name", "organisation", "time_zone", "is_active")}),
        (_("What they may do"), {"fields": ("groups", "reason")}),
        (_("Mail"), {"fields": ("mail_pace", "mail_failed_at", "mail_failure")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever could alter a superuser would be one: only a superuser may."""
        beyond = isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser
        return not beyond and super().has_change_permission(request, obj)

    @admin.display(description=_("roles"))
    def role_names(self, person: User) -> str:
        """The roles of one person, from the groups that the list has fetched."""
        known = set(Role.values)
        names = [group.name for group in person.groups.all()]
        return ", ".join(str(Role(name).label) for name in sorted(names) if name in known)

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> type[ModelForm]:
        """Refuse that administrators lock themselves out."""
        form = super().get_form(request, obj, **kwargs)
        if obj is None or obj.pk != request.user.pk:
            return form

        class OwnForm(form):
            def clean(self) -> dict[str, Any]:
                cleaned = super().clean()
                names = {group.name for group in cleaned.get("groups") or ()}
                if not cleaned.get("is_active"):
                    self.add_error("is_active", _("You cannot deactivate yourself."))
                if Role.ADMINISTRATOR not in names and not obj.is_superuser:
                    self.add_error("groups", _("Another administrator must take this role away."))
                return cleaned

        return OwnForm

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; who administers may enter these pages, and a new person has no password yet.

        Effects: an address that is no longer the person's stops opening their account, and is
        told so, as is the new one.
        """
        names = {group.name for group in form.cleaned_data.get("groups") or ()}
        obj.is_staff = obj.is_superuser or Role.ADMINISTRATOR in names
        if not change:
            obj.set_unusable_password()
        if "email" in form.changed_data:
            obj.mail_failed_at, obj.mail_failure = None, ""
        super().save_model(request, obj, form, change)
        EmailAddress.objects.filter(user=obj).exclude(email__iexact=obj.email).delete()
        if change and form.new_address(form.cleaned_data):
            address_changes.tell_of_change(request, obj, form.initial["email"])
        if not change and obj.is_active:
            self._invite(request, obj)

    def _invite(self, request: HttpRequest, person: User) -> None:
        """Send a new person the mail by which they choose a password, and say that it was sent."""
        form = ResetPasswordForm({"email": person.email})
        if form.is_valid():
            form.save(request)
            text = _("%s gets a mail with a link to choose a password.")
            self.message_user(request, text % person, messages.SUCCESS)

    @admin.action(description=_("Send a mail with a link to choose a password"))
    def send_password_link(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Send each active person chosen the same mail as after a forgotten password."""
        sent = 0
        for person in queryset.filter(is_active=True):
            if address_changes.rests_until(person):
                text = _("%s: the address was changed lately, so no password is chosen by mail.")
                self.message_user(request, text % person, messages.WARNING)
                continue
            form = ResetPasswordForm({"email": person.email})
            if form.is_valid():
                form.save(request)
                sent += 1
        text = ngettext("%d mail is on its way.", "%d mails are on their way.", sent) % sent
        self.message_user(request, text, messages.SUCCESS)


class DomainInline(AdministratorsOnly, admin.TabularInline):
    """The mail domains whose addresses belong to an organisation."""

    model = EmailDomain
    extra = 1

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A domain can be taken away again: nothing refers to it."""
        return self._is_administrator(request)


class OrganisationForm(ReasonedForm):
    """A customer; naming somebody who may authorise its changes asks for a reason."""

    class Meta:
        model = Organisation
        fields = ("name", "success_team", "approvers", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "approvers" in self.fields:
            self.fields["approvers"].queryset = User.objects.filter(
                is_active=True, groups__name=Role.APPROVER
            ).select_related("organisation")

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Authority over a customer's changes is never given silently."""
        if self.newly("approvers", cleaned):
            return str(_("Say why this person may authorise changes for this customer."))
        return None


@admin.register(Organisation)
class OrganisationAdmin(ReasonedAdmin):
    """Customers, their mail domains, their team and who authorises for them."""

    form = OrganisationForm
    list_display = ("name", "success_team", "is_active")
    list_filter = ("is_active", "success_team")
    list_select_related = ("success_team",)
    search_fields = ("name", "domains__domain")
    filter_horizontal = ("approvers",)
    inlines = (DomainInline,)
    fields = ("name", "success_team", "approvers", "is_active", "reason")


class SuccessTeamForm(ReasonedForm):
    """A team; whoever joins it acts on its customers' changes, which asks for a reason."""

    class Meta:
        model = SuccessTeam
        fields = ("name", "email", "members")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "members" in self.fields:
            self.fields["members"].queryset = User.objects.filter(
                is_active=True, organisation__isnull=True
            )

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Joining a team gives power over its customers' changes."""
        if self.newly("members", cleaned):
            return str(_("Say why this person joins the team."))
        return None


@admin.register(SuccessTeam)
class SuccessTeamAdmin(ReasonedAdmin):
    """Customer success teams and their members."""

    form = SuccessTeamForm
    list_display = ("name", "email")
    search_fields = ("name", "email")
    filter_horizontal = ("members",)
    fields = ("name", "email", "members", "reason")
