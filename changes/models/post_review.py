"""Post-implementation reviews: what is looked back on after a change, and what follows from it."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history_rows import Records
from expansive_cm.database.saved import Saved
from expansive_cm.texts import Text

OPEN_REVIEW = Q(recorded_at=None)
OPEN_POST_ACTION = Q(done_at=None)
NO_DELETE = pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete)
RECORDED_STAYS = pgtrigger.Protect(
    name="no_delete",
    operation=pgtrigger.Delete,
    condition=pgtrigger.Q(old__recorded_at__isnull=False),
)


class PostReview(Saved):
    """A look back on a change that was rolled back, of high risk or an emergency.

    It is made when it is asked for, and waits until somebody has recorded it. Until then it goes
    where the outcome that asked for it is taken back.
    """

    class Met(models.TextChoices):
        """Whether the change did what it was for."""

        YES = "yes", _("Yes")
        PARTLY = "partly", _("Partly")
        NO = "no", _("No")

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="post_reviews", db_index=False
    )
    path = models.PositiveSmallIntegerField(_("path"), default=1, editable=False)
    round = models.PositiveSmallIntegerField(_("round"), default=1, editable=False)
    is_of_emergency = models.BooleanField(_("emergency change"), default=False)
    is_of_rollback = models.BooleanField(_("rolled back"), default=False)
    is_of_high_risk = models.BooleanField(_("high risk"), default=False)
    asked_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    due_at = models.DateTimeField(_("due"))
    happened = models.TextField(_("what happened"), max_length=10000, blank=True, default="")
    met = models.CharField(
        _("objective met"), max_length=10, choices=Met.choices, blank=True, default=""
    )
    findings = models.TextField(_("findings"), max_length=10000, blank=True, default="")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    recorded_at = models.DateTimeField(_("recorded"), null=True, blank=True)
    history = Records()

    class Meta:
        verbose_name = _("post-implementation review")
        verbose_name_plural = _("post-implementation reviews")
        ordering = ("-pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["change"], condition=OPEN_REVIEW, name="changes_postreview_one_open"
            ),
            models.CheckConstraint(
                condition=OPEN_REVIEW
                | (~Q(happened="") & ~Q(met="") & Q(recorded_by__isnull=False)),
                name="changes_postreview_whole",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["change"], name="changes_postreview_change"),
            models.Index(
                fields=["due_at", "id"], condition=OPEN_REVIEW, name="changes_postreview_open"
            ),
            models.Index(
                fields=["-recorded_at", "-id"],
                condition=~OPEN_REVIEW,
                name="changes_postreview_recorded",
            ),
        ]
        triggers: ClassVar[list[Any]] = [RECORDED_STAYS]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("changes:post_review", args=[self.change_id, self.pk])

    @property
    def reasons(self) -> list[Text]:
        """Why it is asked for."""
        why = {
            _("emergency change"): self.is_of_emergency,
            _("rolled back"): self.is_of_rollback,
            _("high risk"): self.is_of_high_risk,
        }
        return [words for words, holds in why.items() if holds]

    @property
    def is_open(self) -> bool:
        """Whether it waits to be recorded."""
        return self.recorded_at is None

    @property
    def is_late(self) -> bool:
        """Whether it was not recorded in time: it is overdue, or came too late."""
        return self.due_at < (self.recorded_at or timezone.now())


class PostAction(Saved):
    """What somebody is to do after such a review, by a day."""

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="post_actions", db_index=False
    )
    review = models.ForeignKey(
        PostReview, on_delete=models.PROTECT, related_name="actions", db_index=False
    )
    text = models.CharField(_("action"), max_length=500)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="post_actions",
        db_index=False,
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
    outcome = models.CharField(_("what was done"), max_length=500, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)
    history = Records()

    class Meta:
        verbose_name = _("action of a review")
        verbose_name_plural = _("actions of reviews")
        ordering = ("due_on", "pk")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=OPEN_POST_ACTION | ~Q(outcome=""), name="changes_postaction_done_how"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["change"], name="changes_postaction_change"),
            models.Index(fields=["review"], name="changes_postaction_review"),
            models.Index(
                fields=["owner", "due_on", "id"],
                condition=OPEN_POST_ACTION,
                name="changes_postaction_owner",
            ),
            models.Index(
                fields=["due_on", "id"], condition=OPEN_POST_ACTION, name="changes_postaction_open"
            ),
        ]
        triggers: ClassVar[list[Any]] = [NO_DELETE]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.done_at is None
