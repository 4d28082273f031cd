"""Administration: services and releases are kept here; what a workflow owns is only read.

A change and its records move through ``changes.lifecycle`` alone, so these pages offer neither
adding nor changing nor deleting: whoever must correct something takes a step of the process.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin import AdministratorsOnly, ReasonedAdmin, person_of
from accounts.admin_forms import ReasonedForm
from expansive_cm.ui.fields import Line
from expansive_cm.ui.forms import single_values

from . import lifecycle
from .lifecycle.releases import date_faults, what_happened, why_needed
from .models import (
    AccessLink,
    ApprovalRule,
    Assessment,
    Attachment,
    Authorisation,
    BoardDecision,
    Change,
    ChangeLabel,
    ChangeLink,
    ChecklistItem,
    Comment,
    Confirmation,
    ConfirmationLink,
    Deployment,
    Development,
    Documentation,
    Environment,
    Event,
    Execution,
    Label,
    PeerReview,
    PostAction,
    PostReview,
    Question,
    Release,
    Reminder,
    Requirements,
    Review,
    RiskAssessment,
    RuleApprover,
    SavedView,
    Service,
    StagingTest,
    Window,
    WindowOverride,
    parse_reference,
)

# Kept by administrators -----------------------------------------------------------------------


class ServiceForm(ReasonedForm):
    """A service and why it is changed."""

    class Meta:
        model = Service
        fields = ("name", "description", "is_active")


@admin.register(Service)
class ServiceAdmin(ReasonedAdmin):
    """The services that a request can name. One that is no longer offered is made inactive."""

    form = ServiceForm
    list_display = ("name", "description", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "description")


class EnvironmentForm(ReasonedForm):
    """An environment and why it is changed."""

    class Meta:
        model = Environment
        fields = ("name", "is_staging", "is_active")


@admin.register(Environment)
class EnvironmentAdmin(ReasonedAdmin):
    """Where changes are tested, one of them staging. A recorded test keeps what it was then."""

    form = EnvironmentForm
    list_display = ("name", "is_staging", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)


class ReleaseForm(ReasonedForm):
    """A release; moving a date of it asks for a reason."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Release
        fields = ("name", "planned_on", "freeze_on", "notes")
        field_classes: ClassVar = {"name": Line}

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """Ask why a date moves that people count on."""
        planned_on, freeze_on = cleaned.get("planned_on"), cleaned.get("freeze_on")
        if self.instance.pk is None or planned_on is None:
            return None
        needed = why_needed(self._kept(), planned_on, freeze_on, timezone.localdate())
        if needed and self.instance.promised_changes.exists():
            return str(_("Changes are promised by this release: say why its date moves."))
        return needed

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen"] = self.instance.version

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        now = self._kept()
        if self.instance.pk and cleaned.get("seen") not in (None, now.version):
            self.data = {**single_values(self.data), "seen": now.version}
            self.add_error(None, f"{what_happened(now)} {_('Save again to replace that.')}")
        if cleaned.get("planned_on") and "freeze_on" in cleaned:
            days = cleaned["planned_on"], cleaned["freeze_on"]
            for field, sentence in date_faults(now, *days, timezone.localdate()).items():
                self.add_error(field, sentence)
        return cleaned

    def _kept(self) -> Release:
        return Release.objects.filter(pk=self.instance.pk).first() or Release()


@admin.register(Release)
class ReleaseAdmin(ReasonedAdmin):
    """Planned and past releases, saved through the steps that their own pages take.

    What is out or cancelled is only read.
    """

    form = ReleaseForm
    list_display = ("name", "planned_on", "freeze_on", "released_at", "cancelled_at")
    list_filter = ("planned_on",)
    ordering = ("-planned_on",)
    search_fields = ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes a release that is over."""
        over = isinstance(obj, Release) and obj.is_over
        return not over and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Take the step that the page of releases takes."""
        values = {name: form.cleaned_data[name] for name in ReleaseForm.Meta.fields}
        if change:
            told = {name: form.cleaned_data[name] for name in ("reason", "seen")}
            lifecycle.change_release(obj, actor=person_of(request), **told, **values)
        else:
            obj.pk = lifecycle.plan_release(actor=person_of(request), **values).pk


class SavedViewForm(ReasonedForm):
    """Whether Changes opens with a view for a role."""

    class Meta:
        model = SavedView
        fields = ("opens_role",)


@admin.register(SavedView)
class SavedViewAdmin(ReasonedAdmin):
    """The views that are shared with a role: with one of each, Changes can open.

    What a view asks for is its owner's alone.
    """

    form = SavedViewForm
    fields = ("name", "role", "owner", "opens_role", "reason")
    readonly_fields = ("name", "role", "owner")
    list_display = ("name", "role", "owner", "opens_role")
    list_filter = ("role", "opens_role")
    list_select_related = ("owner",)
    search_fields = ("name",)
    ordering = ("role", "name", "pk")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedView]:
        """Return what is shared with a role; the others are nothing for administrators."""
        views: QuerySet[SavedView] = super().get_queryset(request)
        return views.filter(role__isnull=False)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds here: whoever has a list before them saves a view of it."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Take the step, where something is to change."""
        if "opens_role" in form.changed_data:
            opens, why = form.cleaned_data["opens_role"], form.cleaned_data["reason"].strip()
            lifecycle.open_for_role(obj, actor=person_of(request), opens=opens, why=why)


# Owned by the workflow --------------------------------------------------------------------------


class ReadOnlyAdmin(AdministratorsOnly, admin.ModelAdmin):
    """Shows what a workflow owns and lets nobody touch it."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes anything here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """Every change, with the way to its own page."""

    list_display = ("reference", "title", "state", "type", "organisation", "owner", "page")
    list_select_related = ("organisation", "owner")
    list_filter = ("state", "type")
    search_fields = ("title",)
    ordering = ("-pk",)

    @admin.display(description=_("page"))
    def page(self, change: Change) -> SafeString:
        """Lead to the change's own page."""
        return format_html('<a href="{}">{}</a>', change.get_absolute_url(), _("Open"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Change], search_term: str
    ) -> tuple[QuerySet[Change], bool]:
        """Find a change by its reference, too."""
        number = parse_reference(search_term)
        if number is not None:
            return queryset.filter(pk=number), False
        return super().get_search_results(request, queryset, search_term)


class StageRecordAdmin(ReadOnlyAdmin):
    """The records of one stage."""

    list_display = ("change", "recorded_by", "recorded_at", "path", "round")
    list_select_related = ("change", "recorded_by")


admin.site.register(
    [
        Assessment,
        Authorisation,
        BoardDecision,
        Deployment,
        Development,
        Documentation,
        Execution,
        PeerReview,
        Requirements,
        Review,
        RiskAssessment,
        StagingTest,
        WindowOverride,
    ],
    StageRecordAdmin,
)


@admin.register(Window)
class WindowAdmin(ReadOnlyAdmin):
    """Freezes and maintenance windows, which are made and cancelled on their own pages."""

    list_display = ("name", "kind", "effect", "starts_at", "ends_at", "cancelled_at")
    list_filter = ("kind", "effect")
    search_fields = ("name",)


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    """Questions of the board."""

    list_display = ("change", "answerer", "answered_at")
    list_select_related = ("change", "answerer")


@admin.register(Confirmation)
class ConfirmationAdmin(ReadOnlyAdmin):
    """Questions to requesters."""

    list_display = ("change", "asked_at", "answer", "answered_at")
    list_select_related = ("change",)
    list_filter = ("answer",)


@admin.register(ConfirmationLink)
class ConfirmationLinkAdmin(ReadOnlyAdmin):
    """Mailed links; of a link's secret there is only a hash, and that is not shown."""

    list_display = ("confirmation", "sent_to", "created_at", "expires_at", "used_at")
    list_select_related = ("confirmation",)


@admin.register(AccessLink)
class AccessLinkAdmin(ReadOnlyAdmin):
    """Links to a requester's page; of a link's secret there is only a hash, not shown either."""

    list_display = ("change", "person", "sent_to", "created_at", "expires_at", "revoked_at")
    list_select_related = ("change", "person")


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    """Reminders that were sent."""

    list_display = ("confirmation", "after_days", "sent_at")
    list_select_related = ("confirmation",)


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    """Comments and notes."""

    list_display = ("change", "author", "is_internal", "created_at")
    list_select_related = ("change", "author")


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    """What is known of each file; the file itself is handed out on the change's page."""

    list_display = ("name", "change", "size", "content_type", "uploaded_by", "uploaded_at")
    list_select_related = ("change", "uploaded_by")
    exclude = ("file",)


@admin.register(ChangeLink)
class ChangeLinkAdmin(ReadOnlyAdmin):
    """Links between changes."""

    list_display = ("source", "kind", "target", "created_by")
    list_select_related = ("source", "target", "created_by")


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(ReadOnlyAdmin):
    """Approval rules; their own page makes, changes and ends them."""

    list_display = ("name", "position", "needed", "in_order", "ended_at")


@admin.register(RuleApprover)
class RuleApproverAdmin(ReadOnlyAdmin):
    """Whom approval rules name."""

    list_display = ("rule", "person", "position")
    list_select_related = ("rule", "person")


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    """Labels; their own page renames, merges and ends them."""

    list_display = ("name", "colour", "is_active", "merged_into", "created_by")
    list_select_related = ("merged_into", "created_by")


@admin.register(ChangeLabel)
class ChangeLabelAdmin(ReadOnlyAdmin):
    """Labels on changes."""

    list_display = ("change", "label", "put_by", "put_at")
    list_select_related = ("change", "label", "put_by")


@admin.register(ChecklistItem)
class ChecklistItemAdmin(ReadOnlyAdmin):
    """Checklists of changes; they are ticked on the change's page."""

    list_display = ("change", "text", "is_required", "ticked_by", "ticked_at")
    list_select_related = ("change", "ticked_by")


@admin.register(PostReview)
class PostReviewAdmin(ReadOnlyAdmin):
    """Looks back on changes; their own pages record them."""

    list_display = ("change", "due_at", "met", "recorded_by", "recorded_at")
    list_select_related = ("change", "recorded_by")


@admin.register(PostAction)
class PostActionAdmin(ReadOnlyAdmin):
    """What follows from looking back."""

    list_display = ("text", "change", "owner", "due_on", "done_at")
    list_select_related = ("change", "owner")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Who did what, when and why."""

    list_display = ("at", "change", "verb", "actor_name", "from_state", "to_state")
    list_select_related = ("change",)
    list_filter = ("verb",)
    ordering = ("-pk",)
