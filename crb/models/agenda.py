"""What is on the agenda of a meeting, and agendas as they were published."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from accounts.history_rows import Records
from expansive_cm.database.saved import Saved

from ..states import (
    ITEM_MOVES,
    ItemState,
)
from .base import APPEND_ONLY, NO_DELETE, legal_moves
from .meeting import Meeting


class AgendaItem(Saved):
    """One visit of a change to the board. A deferred change gets a new item, voted on anew."""

    class Kind(models.TextChoices):
        RETURNING = "returning", _("Returning with answers")
        CORRECTION = "correction", _("Correction of a decision")
        CARRIED = "carried", _("Carried over")
        NEW = "new", _("New")

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="items")
    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="agenda_items"
    )
    path = models.PositiveSmallIntegerField(_("path"), default=1, editable=False)
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = FSMField(
        _("state"),
        choices=ItemState.choices,
        default=ItemState.OPEN,
        protected=True,
        max_length=20,
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    remark = models.TextField(_("remark"), max_length=2000, blank=True)
    presenter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("presenter"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    time_box = models.PositiveSmallIntegerField(_("time box in minutes"), null=True, blank=True)
    notes = models.TextField(
        _("speaker notes"), max_length=10000, blank=True, default="", db_default=""
    )
    late_reason = models.TextField(
        _("why it was added late"), max_length=2000, blank=True, default="", db_default=""
    )
    is_consent = models.BooleanField(_("consent item"), default=False, db_default=False)
    pulled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken out of the consent items by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    pulled_at = models.DateTimeField(_("taken out"), null=True, blank=True)
    pull_reason = models.TextField(
        _("why it was taken out"), max_length=2000, blank=True, default="", db_default=""
    )
    seconds_spent = models.PositiveIntegerField(
        _("seconds discussed"), default=0, db_default=0, editable=False
    )
    discussion = models.TextField(
        _("discussion"), max_length=20000, blank=True, default="", db_default=""
    )
    history = Records()

    class Meta:
        verbose_name = _("agenda item")
        verbose_name_plural = _("agenda items")
        ordering = ("position", "pk")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["change"], condition=Q(state="open"), name="crb_item_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ItemState.values), name="crb_item_known_state"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["meeting", "position"], name="crb_item_agenda")
        ]
        triggers: ClassVar[list[Any]] = [
            legal_moves(ITEM_MOVES),
            NO_DELETE,
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.change}"

    def get_absolute_url(self) -> str:
        """Return where the item stands on its meeting's page."""
        return f"{reverse('crb:meeting', args=[self.meeting_id])}#item-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == ItemState.OPEN

    def _settle(self, remark: str) -> None:
        self.settled_at, self.remark = timezone.now(), remark

    @transition(field=state, source=ItemState.OPEN, target=ItemState.DECIDED)
    def decide(self, remark: str = "") -> None:
        self._settle(remark)

    @transition(field=state, source=ItemState.DECIDED, target=ItemState.OPEN)
    def reopen(self, remark: str) -> None:
        self.settled_at, self.remark = None, remark

    @transition(field=state, source=ItemState.OPEN, target=ItemState.DEFERRED)
    def defer(self, remark: str) -> None:
        self._settle(remark)

    @transition(field=state, source=ItemState.OPEN, target=ItemState.DROPPED)
    def drop(self, remark: str) -> None:
        self._settle(remark)


class AgendaVersion(models.Model):
    """An agenda as it was published: kept as the members read it, whatever happens later.

    ``entries`` has one object per item, in order: ``item``, ``reference``, ``title``, ``kind``,
    ``organisation``, ``presenter``, ``time_box``, ``is_consent`` and ``late_reason``.
    """

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="agenda_versions")
    number = models.PositiveSmallIntegerField(_("version"))
    published_at = models.DateTimeField(_("published"), auto_now_add=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("published by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    reason = models.TextField(_("why"), max_length=2000, blank=True)
    entries = models.JSONField(_("entries"), default=list)

    class Meta:
        verbose_name = _("version of an agenda")
        verbose_name_plural = _("versions of agendas")
        ordering = ("number",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["meeting", "number"], name="crb_agenda_version_once")
        ]
        triggers: ClassVar[list[Any]] = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.meeting}: {self._meta.verbose_name} {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of the agenda as it was published."""
        return reverse("crb:agenda_version", args=[self.meeting_id, self.number])
