"""Minutes of a meeting: what was said, who does what by when, and what was added later."""

from typing import Any, ClassVar
from zlib import crc32

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records

from .agenda import AgendaItem
from .base import APPEND_ONLY, NO_DELETE
from .meeting import Meeting

PUBLISHED_STAYS = pgtrigger.Protect(
    name="published_stays",
    operation=pgtrigger.Update,
    condition=pgtrigger.Q(old__published_at__isnull=False),
)


class Minutes(models.Model):
    """The minutes of one meeting: prose by the chair until they are published, then frozen.

    ``content`` is the whole record as it was published; the database refuses to change it.
    """

    meeting = models.OneToOneField(Meeting, on_delete=models.PROTECT, related_name="minutes")
    remarks = models.TextField(_("remarks"), max_length=20000, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("published by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    content = models.JSONField(_("content"), default=dict)
    version = models.PositiveIntegerField(default=1, editable=False)
    history = Records()

    class Meta:
        verbose_name = _("minutes")
        verbose_name_plural = _("minutes")
        ordering = ("-pk",)
        triggers: ClassVar[list[Any]] = [PUBLISHED_STAYS, NO_DELETE]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name}: {self.meeting}"

    @property
    def is_published(self) -> bool:
        return self.published_at is not None


OPEN_ACTION = models.Q(done_at=None, dropped_at=None)
"""What is still to be done, as ``Action.is_open`` says of one."""


class Action(models.Model):
    """Something that somebody is to do after a meeting, by a day."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="actions")
    item = models.ForeignKey(
        AgendaItem, on_delete=models.PROTECT, related_name="actions", null=True, blank=True
    )
    text = models.CharField(_("action"), max_length=500)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="board_actions",
    )
    due_on = models.DateField(_("due"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    dropped_at = models.DateTimeField(_("dropped"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        ordering = ("due_on", "pk")
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["owner", "due_on"],
                condition=OPEN_ACTION,
                name="crb_action_open",
            )
        ]
        triggers: ClassVar[list[Any]] = [NO_DELETE]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        return self.done_at is None and self.dropped_at is None

    @property
    def fingerprint(self) -> str:
        """Return what tells this wording, owner and day from others."""
        return f"{self.owner_id}:{self.due_on.isoformat()}:{crc32(self.text.encode())}"


class Addendum(models.Model):
    """What was added to published minutes, dated; the minutes themselves stay as they are."""

    minutes = models.ForeignKey(Minutes, on_delete=models.PROTECT, related_name="addenda")
    text = models.TextField(_("addendum"), max_length=10000)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("addendum")
        verbose_name_plural = _("addenda")
        ordering = ("pk",)
        triggers: ClassVar[list[Any]] = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
