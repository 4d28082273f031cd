"""When changes may be put in place, and when not: change freezes and maintenance windows."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pgtrigger
from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from accounts.models import validate_time_zone
from accounts.roles import Role
from expansive_cm.sure import sure

from .base import StageRecord


class Window(models.Model):
    """A change freeze, in which nothing is put in place, or a maintenance window, for doing so.

    It holds once, or every week on one day; for a service, for a customer, for both together or
    for all. What was said is not edited: a window is cancelled, and another one made.
    """

    class Kind(models.TextChoices):
        FREEZE = "freeze", _("Change freeze")
        MAINTENANCE = "maintenance", _("Maintenance window")

    class Effect(models.TextChoices):
        REFUSES = "refuses", _("Refuses")
        WARNS = "warns", _("Warns")
        OVERRIDE = "override", _("Asks for an override")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=100)
    reason = models.TextField(_("what it is for"), max_length=2000, blank=True)
    effect = models.CharField(_("effect"), max_length=20, choices=Effect.choices)
    override_role = models.CharField(
        _("role that can override it"), max_length=30, choices=Role.choices, blank=True
    )
    service = models.ForeignKey(
        "changes.Service",
        verbose_name=_("service"),
        on_delete=models.PROTECT,
        related_name="windows",
        null=True,
        blank=True,
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        verbose_name=_("customer"),
        on_delete=models.PROTECT,
        related_name="windows",
        null=True,
        blank=True,
    )
    zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    weekday = models.PositiveSmallIntegerField(
        _("every"), choices=list(WEEKDAYS.items()), null=True, blank=True
    )
    from_time = models.TimeField(_("from"), null=True, blank=True)
    to_time = models.TimeField(_("to"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    history = Records()

    class Meta:
        verbose_name = _("freeze or maintenance window")
        verbose_name_plural = _("freezes and maintenance windows")
        ordering = ("starts_at", "pk")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="changes_window_ends_later"
            ),
            models.CheckConstraint(
                condition=Q(weekday=None, from_time=None, to_time=None)
                | Q(weekday__lte=6, from_time__isnull=False, to_time__isnull=False),
                name="changes_window_whole_rule",
            ),
            models.CheckConstraint(
                condition=Q(effect="override") & ~Q(override_role="")
                | ~Q(effect="override") & Q(override_role=""),
                name="changes_window_who_overrides",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["ends_at", "id"],
                condition=Q(cancelled_at=None),
                name="changes_window_ends",
            ),
            models.Index(
                fields=["-cancelled_at", "-id"],
                condition=Q(cancelled_at__isnull=False),
                name="changes_window_cancelled",
            ),
        ]
        triggers: ClassVar[list[Any]] = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page, which is for Expansive's own people."""
        return reverse("changes:window", args=[self.pk])

    @property
    def is_freeze(self) -> bool:
        return self.kind == self.Kind.FREEZE

    @property
    def is_for_maintenance(self) -> bool:
        """Whether it is a maintenance window that is in force or to come."""
        return not self.is_freeze and self.cancelled_at is None and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether it held for the last time."""
        return self.ends_at <= timezone.now()

    @property
    def first_day(self) -> date:
        """The day on which it begins, where its times are local times."""
        return self.starts_at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def last_day(self) -> date:
        """The day there on which it begins for the last time, where it comes every week."""
        ends = self.ends_at.astimezone(ZoneInfo(self.zone)).date()
        over_night = self.weekday is not None and sure(self.to_time) <= sure(self.from_time)
        return ends - timedelta(days=1) if over_night else ends

    def is_for(self, change: Any, services: Collection[int]) -> bool:
        """Whether it concerns a change that affects these services."""
        its_customer = self.organisation_id in (None, change.organisation_id)
        return its_customer and (self.service_id is None or self.service_id in services)


class WindowSpan(models.Model):
    """A time in which a window holds: one row for each week of one that comes every week.

    They follow from the window and are made with it, so that one index finds what holds when.
    When it is cancelled, what was still to come of them goes.
    """

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="spans")
    span = DateTimeRangeField(_("when"))

    class Meta:
        verbose_name = _("time of a window")
        ordering = ("span", "pk")
        indexes: ClassVar[list[Any]] = [GistIndex(fields=["span"], name="changes_windowspan_when")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class WindowOverride(StageRecord):
    """Somebody with the role that a window names lets a change be put in place despite of it.

    It counts for this round of delivery of the change alone.
    """

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="window_overrides"
    )
    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="overrides")
    reason = models.TextField(_("reason"), max_length=2000)

    class Meta(StageRecord.Meta):
        abstract = False
        verbose_name = _("override of a freeze or maintenance window")
        verbose_name_plural = _("overrides of freezes and maintenance windows")
        triggers: ClassVar[list[Any]] = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
