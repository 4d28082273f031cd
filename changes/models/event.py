"""What happened to a change: one append-only row per step."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from ..states import State

REPLACING = ("replace_requester", "correct_customer")
"""The steps with which another took a requester's place."""
REPLACED = Cast(KeyTextTransform("from", "data"), models.BigIntegerField())
"""Whose place another took, of the event that says so."""


class Event(models.Model):
    """One act of one person (or, without an actor, of the product) on a change.

    The row keeps the actor's name and address as they were, so that it outlives them.
    Separation of duties is judged by these rows.
    """

    change = models.ForeignKey(
        "changes.Change", on_delete=models.PROTECT, related_name="events", db_index=False
    )
    verb = models.CharField(_("step"), max_length=40)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,
        null=True,
        blank=True,
    )
    actor_name = models.CharField(max_length=150, blank=True)
    actor_email = models.EmailField(blank=True)
    at = models.DateTimeField(_("when"), auto_now_add=True, db_index=True)
    from_state = models.CharField(max_length=30, choices=State.choices, blank=True)
    to_state = models.CharField(max_length=30, choices=State.choices, blank=True)
    entered_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("Of a step that moved the change: when it had come into the state it left."),
    )
    path = models.PositiveSmallIntegerField(default=1)
    revision = models.PositiveIntegerField(default=1)
    reason = models.TextField(_("why"), blank=True)
    is_internal = models.BooleanField(default=False)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        ordering = ("pk",)
        indexes = [
            models.Index(fields=["change", "verb"], name="changes_event_change_verb"),
            models.Index(fields=["actor", "-id"], name="changes_event_actor"),
            # Who asked for a change, whoever asks for it now (``turns.askers``).
            models.Index(
                fields=["actor"],
                condition=models.Q(verb="submit"),
                name="changes_event_submitted",
            ),
            models.Index(
                REPLACED,
                condition=models.Q(verb__in=REPLACING),
                name="changes_event_replaced",
            ),
            # Whose code was complete lately: how long that takes is told of a release.
            models.Index(
                fields=["-id"],
                condition=models.Q(from_state=State.TESTING, to_state=State.DEPLOYMENT),
                name="changes_event_code_complete",
            ),
            # How long changes were in which stage (``figures``).
            models.Index(
                fields=["at"],
                include=["from_state", "to_state", "entered_at", "change"],
                condition=models.Q(entered_at__isnull=False),
                name="changes_event_left_stage",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def moved(self) -> bool:
        """Whether the step took the change to another state."""
        return self.from_state != self.to_state
