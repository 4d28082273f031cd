"""Views of the list of changes that somebody keeps under a name."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from accounts.roles import Role


class SavedView(models.Model):
    """Filters and order of the list, as its address holds them, and whom they are for.

    It grants no sight: what somebody sees through it is what they may see. Shared with nobody it
    is its owner's alone; else it is theirs with whom it is shared, be its owner among them or not.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="saved_views",
    )
    name = models.CharField(_("name"), max_length=60)
    filters = models.JSONField(_("filters"), default=dict, blank=True)
    """Lists of texts by the name of the filter."""
    team = models.ForeignKey(
        "accounts.SuccessTeam",
        verbose_name=_("shared with the team"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    role = models.CharField(  # noqa: DJ001  (nothing, so that the planner knows how rare it is)
        _("shared with the role"), max_length=20, choices=Role.choices, null=True, blank=True
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        verbose_name=_("shared with the people of"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    opens_role = models.BooleanField(
        _("Changes opens with it for the role"),
        default=False,
        db_default=False,
        help_text=_("For everybody of the role who has chosen nothing else."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("saved"), auto_now_add=True)
    history = Records()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ("name", "pk")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                models.F("owner"), Upper("name"), name="changes_saved_view_name"
            ),
            models.CheckConstraint(
                condition=(
                    Q(team=None, role=None)
                    | Q(team=None, organisation=None)
                    | Q(role=None, organisation=None)
                ),
                name="changes_saved_view_shared_once",
            ),
            models.CheckConstraint(
                condition=Q(opens_role=False) | Q(role__isnull=False),
                name="changes_saved_view_opens_role",
            ),
            models.UniqueConstraint(
                fields=["role"], condition=Q(opens_role=True), name="changes_saved_view_one_a_role"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["role"], name="changes_saved_view_role")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        """Whether others see it too."""
        return bool(self.team_id or self.role or self.organisation_id)

    @property
    def shared(self) -> str:
        """Whom it is shared with, as forms name them; "" for nobody."""
        if self.team_id:
            return f"team:{self.team_id}"
        if self.organisation_id:
            return f"organisation:{self.organisation_id}"
        return f"role:{self.role}" if self.role else ""


class FirstView(models.Model):
    """The saved view that Changes opens with for somebody, as long as they see it; or with all.

    Who has none, or sees it no more, begins with the view of their role (``opens_role``).

    A habit of one person, which decides nothing: it has no history.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", primary_key=True
    )
    view = models.ForeignKey(
        SavedView, on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )

    class Meta:
        verbose_name = _("view that Changes opens with")
        verbose_name_plural = _("views that Changes opens with")

    def __str__(self) -> str:
        return f"{self.person_id}: {self.view_id}"


class ListColumns(models.Model):
    """The columns that somebody has chosen for the list, by name and in order (``columns``).

    A habit of one person, which decides nothing: it has no history.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", primary_key=True
    )
    names = models.CharField(_("columns"), max_length=300)

    class Meta:
        verbose_name = _("columns of the list")
        verbose_name_plural = _("columns of the list")

    def __str__(self) -> str:
        return f"{self.person_id}: {self.names}"
