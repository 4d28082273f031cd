"""Votes and the outcomes they led to."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..voting import Choice
from .agenda import AgendaItem
from .base import APPEND_ONLY, NO_DELETE


class Vote(models.Model):
    """One vote as it was cast, on one revision of the request; the latest per member counts."""

    class Choice(models.TextChoices):
        ACCEPTED = Choice.ACCEPTED.value, _("Accept")
        ACCEPTED_AS_PRIORITY = Choice.ACCEPTED_AS_PRIORITY.value, _("Accept as a priority")
        INFORMATION_REQUIRED = Choice.INFORMATION_REQUIRED.value, _("Ask for information")
        REJECTED = Choice.REJECTED.value, _("Reject")
        ABSTAIN = Choice.ABSTAIN.value, _("Abstain")
        RECUSE = Choice.RECUSE.value, _("Recuse")

    item = models.ForeignKey(AgendaItem, on_delete=models.PROTECT, related_name="votes")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("member"),
        on_delete=models.PROTECT,
        related_name="board_votes",
    )
    for_member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("as the alternate of"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    revision = models.PositiveIntegerField(_("revision of the request"))
    choice = models.CharField(_("vote"), max_length=30, choices=Choice.choices)
    reason = models.TextField(_("reason"), max_length=5000, blank=True)
    question = models.TextField(_("question"), max_length=2000, blank=True)
    category = models.CharField(_("reason category"), max_length=30, blank=True)
    elsewhere = models.CharField(_("addressed by"), max_length=200, blank=True)
    at = models.DateTimeField(_("cast"), auto_now_add=True)

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=~Q(choice="recuse") | ~Q(reason=""), name="crb_vote_recused_why"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["item", "member", "-id"], name="crb_vote_latest"),
            # Few votes are recusals, and each member's worklist asks for theirs.
            models.Index(fields=["member"], condition=Q(choice="recuse"), name="crb_vote_recusals"),
        ]
        triggers: ClassVar[list[Any]] = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.member}: {self.get_choice_display()}"


class BoardOutcome(models.Model):
    """How an item became a decision: the vote as it stood, and who recorded it.

    ``item`` is the one whose outcome it is. One that was taken back is no item's outcome any more,
    so nothing counts it; ``taken_from`` says where it was. Its decision says who did so and why.
    """

    item = models.OneToOneField(
        AgendaItem, on_delete=models.PROTECT, related_name="outcome", null=True, blank=True
    )
    taken_from = models.ForeignKey(
        AgendaItem,
        verbose_name=_("taken back from"),
        on_delete=models.PROTECT,
        related_name="taken_back",
        null=True,
        blank=True,
    )
    decision = models.OneToOneField(
        "changes.BoardDecision", on_delete=models.PROTECT, related_name="board_outcome"
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    casting_vote = models.BooleanField(_("by the chair's casting vote"), default=False)
    by_consent = models.BooleanField(_("by consent"), default=False, db_default=False)
    sentence = models.CharField(_("the vote"), max_length=500)
    tally = models.JSONField(_("tally"), default=dict)
    promised = models.CharField(
        _("what it promised"), max_length=500, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(item__isnull=False, taken_from__isnull=True)
                | Q(item__isnull=True, taken_from__isnull=False),
                name="crb_outcome_of_one_item",
            ),
        ]
        triggers: ClassVar[list[Any]] = [
            NO_DELETE,
            pgtrigger.Protect(
                name="append_only_but_taken_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NOT (OLD.item_id IS NOT NULL AND NEW.item_id IS NULL"
                    " AND NEW.taken_from_id = OLD.item_id"
                    " AND to_jsonb(NEW) - '{item_id,taken_from_id}'::text[]"
                    " = to_jsonb(OLD) - '{item_id,taken_from_id}'::text[])"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item or self.taken_from}: {self.decision.get_outcome_display()}"
