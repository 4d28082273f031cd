"""Administration of people, organisations and success teams.

Only administrators see these pages. Nothing here can be deleted, because changes refer to it
for good: people and organisations are deactivated instead. Each save can carry a reason, and
must carry one when it gives somebody power over changes; the reason stays in the history.
"""

from contextlib import nullcontext
from typing import Any

from allauth.account.admin import EmailAddress
from allauth.account.decorators import secure_admin_login
from allauth.account.forms import ResetPasswordForm
from django.contrib import admin, messages
from django.contrib.auth import admin as _registers  # noqa: F401 - groups, which are taken away here
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from post_office import admin as mail_admin
from simple_history.admin import SimpleHistoryAdmin

from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepError
from expansive_cm.workflow.steps import explain

from . import address_changes, leaving
from .admin_forms import OrganisationForm, PersonForm, SuccessTeamForm
from .models import EmailDomain, Organisation, SuccessTeam, User
from .roles import PROCESS_ROLES, Role

admin.site.site_header = _("Expansive Change Management")
admin.site.site_title = _("Expansive Change Management")
admin.site.index_title = _("Administration")
# One sign-in page and one for the password, on which attempts are limited.


def person_of(request: HttpRequest) -> User:
    """Return who is signed in: nobody else gets into these pages."""
    assert isinstance(request.user, User)
    return request.user


site: Any = admin.site
site.login = secure_admin_login(site.login)
site.password_change = lambda request, extra_context=None: redirect("account_change_password")

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
        if not (isinstance(person, User) and person.is_active and person.is_internal):
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


class ReasonedAdmin(AdministratorsOnly, SimpleHistoryAdmin):
    """Keeps the reason of a save with the rows of history that it makes."""

    list_per_page = 50
    object_history_list_template = "admin/accounts/history_list.html"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save with the reason given; the person's name is kept by the history itself."""
        explain(obj, form.cleaned_data.get("reason", "").strip() or None)
        super().save_model(request, obj, form, change)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Store what one form changes, with all that hangs on it, as one act of history."""
        with acting() if request.method == "POST" else nullcontext():
            return super().changeform_view(request, *args, **kwargs)

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show an earlier version. Nothing is brought back from it: the page only shows."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied(_("Earlier versions can be read, not brought back."))
        return super().history_form_view(request, *args, **kwargs)


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
    readonly_fields = (
        "last_login",
        "date_joined",
        "mail_failed_at",
        "mail_failure",
        "leaves_behind",
    )
    actions = ("send_password_link",)
    fieldsets = (
        (None, {"fields": ("email", "display_name", "organisation", "time_zone", "is_active")}),
        (_("What they may do"), {"fields": ("groups", "reason")}),
        (_("Mail"), {"fields": ("mail_pace", "mail_failed_at", "mail_failure")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """For somebody who is there already: what they would leave, and to whom."""
        usual = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return usual
        fields = ("leaves_behind", "successor", "falls_to_others")
        return (*usual, (_("If this person leaves"), {"fields": fields}))

    @admin.display(description=_("Leaves behind"))
    def leaves_behind(self, person: User) -> str:
        """What the person has not finished, where it is found, and who goes on by itself."""
        left = leaving.left_by(person)
        if not left:
            return str(_("Nothing unfinished."))
        rows = [(one.url, one.text, one.what.goes_on) for one in left]
        return format_html_join("", '<p><a href="{}">{}</a><br>{}</p>', rows)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say beside the field why a hand-over was refused; nothing is saved then."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except StepError as error:
            request.hand_over_refused = str(error)  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

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
        """Refuse that administrators lock themselves out, or give themselves a part in changes."""
        form: Any = super().get_form(request, obj, **kwargs)
        form.refused = getattr(request, "hand_over_refused", "")
        if obj is None or obj.pk != request.user.pk:
            refusing: type[ModelForm] = form
            return refusing

        class OwnForm(form):
            def clean(self) -> dict[str, Any]:
                cleaned = super().clean()
                names = {group.name for group in cleaned.get("groups") or ()}
                if not cleaned.get("is_active"):
                    self.add_error("is_active", _("You cannot deactivate yourself."))
                if Role.ADMINISTRATOR not in names and not obj.is_superuser:
                    self.add_error("groups", _("Another administrator must take this role away."))
                others = User.objects.administrators().exclude(pk=obj.pk)
                taken = {Role(group.name) for group in self.newly("groups", cleaned)}
                if taken & PROCESS_ROLES and others.exists():
                    self.add_error("groups", _("Another administrator must give you this role."))
                return cleaned

        return OwnForm

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; who administers may enter these pages, and a new person has no password yet.

        Effects: an address that is no longer the person's stops opening their account, and is
        told so, as is the new one. What somebody who leaves has not finished becomes their
        successor's; raises the StepError that refuses it.
        """
        names = {group.name for group in form.cleaned_data.get("groups") or ()}
        obj.is_staff = obj.is_superuser or Role.ADMINISTRATOR in names
        if not change:
            obj.set_unusable_password()
        if "email" in form.changed_data:
            obj.mail_failed_at, obj.mail_failure = None, ""
        if change and form.leaves(form.cleaned_data):
            self._hand_over(request, obj, form.cleaned_data)
        super().save_model(request, obj, form, change)
        EmailAddress.objects.filter(user=obj).exclude(email__iexact=obj.email).delete()
        if change and form.new_address(form.cleaned_data):
            address_changes.tell_of_change(request, obj, form.initial["email"])
        if not change and obj.is_active:
            self._invite(request, obj)

    def _hand_over(self, request: HttpRequest, person: User, given: dict[str, Any]) -> None:
        successor = given["successor"]
        if successor is None:
            return
        reason = given["reason"].strip() or str(_("%s leaves.") % person)
        # As they are until this is saved: at their customer, whose requests these are.
        leaver = User.objects.select_related("organisation").get(pk=person.pk)
        passed = leaving.pass_on(
            leaver, successor=successor, actor=person_of(request), reason=reason
        )
        if passed:
            words = _("%(successor)s takes over: %(person)s %(what)s.")
            what = "; ".join(one.text for one in passed)
            values = {"successor": successor, "person": person, "what": what}
            self.message_user(request, words % values, messages.SUCCESS)
        for url in filter(None, (one.progress for one in passed)):
            text = _("So many are handed over one by one, after this page.")
            link = format_html('{} <a href="{}">{}</a>', text, url, _("See how far it is"))
            self.message_user(request, link, messages.INFO)

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
        words = ngettext("%d mail is on its way.", "%d mails are on their way.", sent) % sent
        self.message_user(request, words, messages.SUCCESS)


class SaysWhatLacks(ReasonedAdmin):
    """Says after a save what nobody does any more for a customer or a team. Refuses nothing."""

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        for sentence in leaving.said_of(obj):
            self.message_user(request, sentence, messages.WARNING)
        return super().response_change(request, obj)


class DomainInline(AdministratorsOnly, admin.TabularInline):
    """The mail domains whose addresses belong to an organisation."""

    model = EmailDomain
    extra = 1

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A domain can be taken away again: nothing refers to it."""
        return self._is_administrator(request)


@admin.register(Organisation)
class OrganisationAdmin(SaysWhatLacks):
    """Customers, their mail domains, their team and who authorises for them."""

    form = OrganisationForm
    list_display = ("name", "success_team", "is_active")
    list_filter = ("is_active", "success_team")
    list_select_related = ("success_team",)
    search_fields = ("name", "domains__domain")
    filter_horizontal = ("approvers",)
    inlines = (DomainInline,)
    fields = ("name", "success_team", "approvers", "is_active", "reason")


@admin.register(SuccessTeam)
class SuccessTeamAdmin(SaysWhatLacks):
    """Customer success teams and their members."""

    form = SuccessTeamForm
    list_display = ("name", "email")
    search_fields = ("name", "email")
    filter_horizontal = ("members",)
    fields = ("name", "email", "members", "reason")
