"""Administration of boards and their members; what a workflow owns can only be read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import AdministratorsOnly, ReasonedAdmin
from accounts.admin_forms import ReasonedForm
from accounts.forms import time_zone_choices
from accounts.models import User
from accounts.roles import Role
from expansive_cm.ui.forms import rows_field

from . import queries
from .models import (
    Absence,
    Action,
    Addendum,
    AgendaItem,
    AgendaVersion,
    Attendance,
    AttendanceMark,
    Board,
    BoardOutcome,
    CalendarFeed,
    Invitation,
    KeptSeat,
    Meeting,
    Membership,
    Minutes,
    Vote,
)
from .states import ItemState

BOARD_FIELDS = (
    "name",
    "is_active",
    "organisations",
    "zone",
    "weekday",
    "start",
    "length_minutes",
    "interval_days",
    "first_date",
    "holiday_region",
    "holiday_policy",
    "cutoff_days",
    "quorum_count",
    "quorum_share",
    "hides_votes",
    "emergencies",
    "consent_count",
)
WITHOUT_REASON = {"name", "reason"}


class BoardForm(ReasonedForm):
    """A board. Whoever changes its rhythm or its quorum says why."""

    zone = forms.ChoiceField(
        label=Board._meta.get_field("zone").verbose_name, choices=time_zone_choices
    )

    class Meta:
        model = Board
        fields = BOARD_FIELDS

    def clean(self) -> dict[str, Any]:
        """No customer that has a board is left without one: its code changes would be stuck.

        Effects: holds every board until the page's transaction ends, as two who each give up one
        of the last two boards would not see each other.
        """
        cleaned = super().clean()
        if self.instance.pk is None or {"is_active", "organisations"}.isdisjoint(self.changed_data):
            return cleaned
        queries.lock_who_decides()
        chosen = cleaned.get("organisations") or ()
        left = queries.stranded_by(
            Board.objects.get(pk=self.instance.pk),
            is_active=cleaned.get("is_active", False),
            only_for=[one.pk for one in chosen],
        )
        if left:
            names = ", ".join(str(one) for one in left[:5]) + (" …" if len(left) > 5 else "")
            message = _("No board would decide for: %(names)s. Set up the other board first.")
            field = "organisations" if cleaned.get("is_active") else "is_active"
            self.add_error(field, ValidationError(message, params={"names": names}))
        return cleaned

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """The rules of deciding are never changed silently."""
        if self.instance.pk is not None and set(self.changed_data) - WITHOUT_REASON:
            return str(_("Say why the board's rhythm or rules change."))
        return None


@admin.register(Board)
class BoardAdmin(ReasonedAdmin):
    """Boards: planned meetings follow a new rhythm within the hour."""

    form = BoardForm
    list_display = ("name", "weekday", "start", "zone", "interval_days", "is_active")
    search_fields = ("name",)
    filter_horizontal = ("organisations",)
    fieldsets = (
        (None, {"fields": ("name", "is_active", "organisations")}),
        (
            _("When it meets"),
            {
                "fields": (
                    "zone",
                    "weekday",
                    "start",
                    "length_minutes",
                    "interval_days",
                    "first_date",
                    "holiday_region",
                    "holiday_policy",
                ),
                "description": _(
                    "Meetings are planned three months ahead. After a change those to come "
                    "follow within the hour, and everybody invited is told with your reason. "
                    "Meetings that the chair moved stay where they are."
                ),
            },
        ),
        (
            _("How it decides"),
            {
                "fields": (
                    "cutoff_days",
                    "quorum_count",
                    "quorum_share",
                    "hides_votes",
                    "emergencies",
                    "consent_count",
                )
            },
        ),
        (None, {"fields": ("reason",)}),
    )


class MembershipForm(ReasonedForm):
    """A term on a board; who joins it decides on changes, which asks for a reason."""

    class Meta:
        model = Membership
        fields = ("board", "user", "starts_on", "ends_on", "is_chair", "is_deputy")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            # A term stays with its person and board: votes rest on it.
            self.fields["board"].disabled = self.fields["user"].disabled = True
        elif "user" in self.fields:
            rows_field(self, "user").queryset = User.objects.filter(
                is_active=True, organisation=None, groups__name=Role.CRB_MEMBER
            )
            self.fields["user"].help_text = _("People with the role “CRB member”.")

    def reason_needed(self, cleaned: dict[str, Any]) -> str | None:
        """A vote, or the chair, is never given silently."""
        return str(_("Say why the board's membership changes.")) if self.changed_data else None


@admin.register(Membership)
class MembershipAdmin(ReasonedAdmin):
    """Members and their terms; a term is ended, never deleted."""

    form = MembershipForm
    list_display = ("user", "board", "starts_on", "ends_on", "is_chair", "is_deputy")
    list_filter = ("board", "is_chair")
    list_select_related = ("board", "user")
    search_fields = ("user__display_name", "user__email")
    fields = ("board", "user", "starts_on", "ends_on", "is_chair", "is_deputy", "reason")


class ReadOnlyAdmin(AdministratorsOnly, admin.ModelAdmin):
    """What the board's workflow owns: nothing is added, changed or deleted here."""

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Meeting)
class MeetingAdmin(ReadOnlyAdmin):
    """Meetings."""

    list_display = ("date", "start", "zone", "board", "kind", "state")
    list_filter = ("board", "kind", "state")
    list_select_related = ("board",)
    date_hierarchy = "date"


@admin.register(AgendaItem)
class AgendaItemAdmin(ReadOnlyAdmin):
    """Items on agendas."""

    list_display = ("change", "meeting", "position", "kind", "state")
    list_filter = ("state", "kind")
    list_select_related = ("change", "meeting__board")


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    """Votes as they were cast, of items that are settled: before that a meeting's page shows them.

    There it is asked of each reader whether they stand aside, an administrator like others.
    """

    list_display = ("item", "member", "for_member", "choice", "revision", "at")
    list_filter = ("choice",)
    list_select_related = ("item__change", "member", "for_member")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Vote]":
        """Leave out what is still being voted on."""
        return queries.settled_votes(super().get_queryset(request))


@admin.register(Attendance)
class AttendanceAdmin(ReadOnlyAdmin):
    """Who was at which meeting."""

    list_display = ("meeting", "user", "arrived_at")
    list_select_related = ("meeting__board", "user")


@admin.register(AttendanceMark)
class AttendanceMarkAdmin(ReadOnlyAdmin):
    """What was marked of who is at a meeting; those taken back as well."""

    list_display = ("meeting", "user", "guest", "mark", "at", "set_by", "set_at", "withdrawn_at")
    list_select_related = ("meeting__board", "user", "set_by")


@admin.register(KeptSeat)
class KeptSeatAdmin(ReadOnlyAdmin):
    """Who sat at which meeting, as it was when it began."""

    list_display = ("meeting", "user", "absent", "is_chair", "is_deputy")
    list_select_related = ("meeting__board", "user", "absent")


@admin.register(BoardOutcome)
class BoardOutcomeAdmin(ReadOnlyAdmin):
    """Outcomes with the vote as it stood."""

    list_display = (
        "item",
        "taken_from",
        "decision",
        "casting_vote",
        "recorded_by",
        "recorded_at",
    )
    list_select_related = ("item__change", "taken_from__change", "decision", "recorded_by")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[BoardOutcome]":
        """Leave out what was taken back and is voted on again: it says how the votes stood."""
        found: QuerySet[BoardOutcome] = super().get_queryset(request)
        return found.exclude(taken_from__state=ItemState.OPEN)


@admin.register(Absence)
class AbsenceAdmin(ReadOnlyAdmin):
    """Who is away when, and who stands in."""

    list_display = ("membership", "starts_on", "ends_on", "alternate", "withdrawn_at")
    list_filter = ("membership__board",)
    list_select_related = ("membership__board", "membership__user", "alternate")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """What each person has been told about each meeting."""

    list_display = ("meeting", "user", "sequence", "sent_at", "cancelled_at")
    list_filter = ("meeting__board",)
    list_select_related = ("meeting__board", "user")
    search_fields = ("user__display_name", "user__email")


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyAdmin):
    """Calendar addresses: when they were made and read, never what they are."""

    fields = ("user", "created_at", "last_read_at", "revoked_at")
    list_display = fields
    list_select_related = ("user",)
    search_fields = ("user__display_name", "user__email")


@admin.register(AgendaVersion)
class AgendaVersionAdmin(ReadOnlyAdmin):
    """Agendas as they were published."""

    list_display = ("meeting", "number", "published_at", "published_by", "reason")
    list_select_related = ("meeting__board", "published_by")


@admin.register(Minutes)
class MinutesAdmin(ReadOnlyAdmin):
    """Minutes of meetings."""

    list_display = ("meeting", "published_at", "published_by")
    list_select_related = ("meeting__board", "published_by")


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    """What somebody is to do after a meeting."""

    list_display = ("text", "owner", "due_on", "done_at", "meeting")
    list_filter = ("meeting__board",)
    list_select_related = ("meeting__board", "owner")


@admin.register(Addendum)
class AddendumAdmin(ReadOnlyAdmin):
    """What was added to published minutes."""

    list_display = ("minutes", "added_at", "added_by")
    list_select_related = ("minutes__meeting__board", "added_by")
