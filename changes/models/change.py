"""The change request and the legal moves of its life."""

from datetime import date
from functools import lru_cache
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Upper
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from accounts.history_rows import Records
from expansive_cm.database.saved import Saved
from expansive_cm.statements import known_or_read

from ..risk import RiskLevel, Urgency
from ..states import (
    CODE_ONLY,
    CONFIGURATION_ONLY,
    FINAL,
    LEGAL_MOVES,
    OPEN,
    ChangeType,
    State,
    path_of,
)
from .choices import Channel, Promise
from .moves import Moves

S = State


class Change(Moves, Saved):
    """A change request. Its state moves only through ``changes.lifecycle``."""

    title = models.CharField(_("title"), max_length=200, blank=True)
    description = models.TextField(
        _("description"),
        max_length=50000,
        blank=True,
        help_text=_("What should change, and what for? Markdown is welcome."),
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        verbose_name=_("organisation"),
        on_delete=models.PROTECT,
        related_name="changes",
        db_index=False,
        null=True,
        blank=True,
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("requester"),
        on_delete=models.PROTECT,
        related_name="requested_changes",
        db_index=False,
        null=True,
        blank=True,
    )
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("raised by"),
        on_delete=models.PROTECT,
        related_name="raised_changes",
        db_index=False,
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="owned_changes",
        db_index=False,
        null=True,
        blank=True,
        help_text=_("Who sees the change through."),
    )
    channel = models.CharField(
        _("channel"), max_length=20, choices=Channel.choices, default=Channel.PORTAL
    )
    desired_on = models.DateField(_("desired date"), null=True, blank=True)
    services: Any = models.ManyToManyField(
        "changes.Service", verbose_name=_("affected services"), related_name="changes", blank=True
    )
    labels = models.ManyToManyField(
        "changes.Label", through="changes.ChangeLabel", related_name="changes", blank=True
    )
    template = models.ForeignKey(
        "changes.ChangeTemplate",
        verbose_name=_("template"),
        on_delete=models.PROTECT,
        related_name="changes",
        db_index=False,
        null=True,
        blank=True,
    )
    watchers: Any = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("watchers"),
        related_name="watched_changes",
        blank=True,
    )

    state = FSMField(
        _("state"), choices=State.choices, default=State.DRAFT, protected=True, max_length=30
    )
    state_since = models.DateTimeField(_("in this state since"), default=timezone.now)
    type = models.CharField(_("type"), max_length=20, choices=ChangeType.choices, blank=True)
    path = models.PositiveSmallIntegerField(_("path"), default=1)
    round = models.PositiveSmallIntegerField(_("round of delivery"), default=1)
    revision = models.PositiveIntegerField(_("revision of the request"), default=1)
    version = models.PositiveIntegerField(default=1, editable=False)
    urgency = models.PositiveSmallIntegerField(
        _("urgency"), choices=Urgency.choices, null=True, blank=True
    )
    risk = models.PositiveSmallIntegerField(
        _("risk"), choices=RiskLevel.choices, null=True, blank=True
    )
    promise = models.CharField(_("promise"), max_length=20, choices=Promise.choices, blank=True)
    promised_at = models.DateTimeField(_("promised"), null=True, blank=True)
    promised_release = models.ForeignKey(
        "changes.Release",
        verbose_name=_("promised by release"),
        on_delete=models.PROTECT,
        related_name="promised_changes",
        null=True,
        blank=True,
    )
    due_on = models.DateField(_("due"), null=True, blank=True)
    first_due_on = models.DateField(
        _("first promised by"),
        null=True,
        blank=True,
        help_text=_("Of a promise that the board has moved: the day it had at first."),
    )
    promise_zone = models.CharField(
        _("zone of the promise"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("Where the day promised ends: that of the board. Empty: the product's own."),
    )
    release = models.ForeignKey(
        "changes.Release",
        verbose_name=_("release"),
        on_delete=models.PROTECT,
        related_name="changes",
        db_index=False,
        null=True,
        blank=True,
        help_text=_("With which one it is meant to go out."),
    )
    late_reason = models.TextField(
        _("why later than promised"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text=_("Why its release comes after the day promised. Between colleagues."),
    )
    late_told = models.TextField(
        _("why later than promised, for the customer"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
    )
    emergency_reason = models.TextField(
        _("why it is an emergency change"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text=_("Empty: it is none."),
    )
    approval_rule = models.ForeignKey(
        "changes.ApprovalRule",
        verbose_name=_("approval rule"),
        on_delete=models.PROTECT,
        related_name="changes",
        db_index=False,
        null=True,
        blank=True,
    )
    approval_why = models.CharField(
        _("why this rule"), max_length=700, blank=True, default="", db_default=""
    )
    left_unanswered = models.BooleanField(
        _("ended with a question open"), default=False, db_default=False, editable=False
    )
    external_source = models.CharField(_("imported from"), max_length=50, blank=True)
    external_id = models.CharField(_("number there"), max_length=100, blank=True)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="english")
        + SearchVector("description", weight="B", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    history = Records(excluded_fields=["search", "updated_at"], m2m_fields=[services, watchers])

    class Meta:
        verbose_name = _("change request")
        verbose_name_plural = _("change requests")
        ordering = ("-pk",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(state=S.DRAFT)
                | (Q(organisation__isnull=False) & Q(requester__isnull=False) & ~Q(title=""))
                | Q(state=S.WITHDRAWN),
                name="changes_change_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(CONFIGURATION_ONLY)) | Q(type="configuration"),
                name="changes_change_configuration_states",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(CODE_ONLY)) | Q(type="code"),
                name="changes_change_code_states",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="changes_change_known_state"
            ),
            models.UniqueConstraint(
                fields=["external_source", "external_id"],
                condition=~Q(external_id=""),
                name="changes_change_imported_once",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "-id"], name="changes_change_state"),
            models.Index(fields=["organisation", "-id"], name="changes_change_org"),
            models.Index(fields=["owner", "-id"], name="changes_change_owner"),
            models.Index(fields=["requester", "-id"], name="changes_change_requester"),
            models.Index(fields=["raised_by", "-id"], name="changes_change_raiser"),
            models.Index(
                fields=["raised_by", "-id"],
                condition=Q(template__isnull=False),
                name="changes_change_from_template",
            ),
            # What began with a template and ended last: candidates for standard changes.
            models.Index(
                fields=["-closed_at"],
                condition=Q(template__isnull=False, closed_at__isnull=False),
                name="changes_change_template_ended",
            ),
            models.Index(
                fields=["release", "id"],
                condition=Q(release__isnull=False),
                name="changes_change_release",
            ),
            models.Index(fields=["type", "-id"], name="changes_change_type"),
            models.Index(fields=["risk", "-id"], name="changes_change_risk"),
            models.Index(
                fields=["external_id"], condition=~Q(external_id=""), name="changes_change_external"
            ),
            # The orders of the list (orders.SORTS); two for due dates, so that none sorts last.
            models.Index(fields=["state_since", "id"], name="changes_change_since"),
            models.Index(fields=["updated_at", "id"], name="changes_change_updated"),
            models.Index(Upper("title"), "id", name="changes_change_title"),
            models.Index(Coalesce("risk", 0), "id", name="changes_change_risk_key"),
            models.Index(Coalesce("due_on", date.max), "id", name="changes_change_due"),
            models.Index(Coalesce("due_on", date.min), "id", name="changes_change_due_down"),
            models.Index(Coalesce("urgency", 0), "id", name="changes_change_urgency"),
            models.Index(fields=["channel", "id"], name="changes_change_channel"),
            models.Index(
                fields=["closed_at", "id"],
                condition=Q(closed_at__isnull=False),
                name="changes_change_closed",
            ),
            models.Index(
                fields=["desired_on", "id"],
                condition=Q(desired_on__isnull=False),
                name="changes_change_desired",
            ),
            # What came and what ended, day by day (``figures``).
            models.Index(
                fields=["submitted_at"],
                include=["organisation", "type"],
                condition=Q(submitted_at__isnull=False),
                name="changes_change_submitted",
            ),
            models.Index(
                fields=["closed_at"],
                include=["submitted_at", "organisation", "type", "state"],
                condition=Q(closed_at__isnull=False, submitted_at__isnull=False),
                name="changes_change_ended",
            ),
            # What waits (``changes/turns``) and what is late are a few of many changes.
            models.Index(
                fields=["state", "state_since", "id"],
                condition=Q(state__in=sorted(OPEN)),
                name="changes_change_queue",
            ),
            models.Index(
                fields=["state_since", "id"],
                condition=Q(state__in=sorted(OPEN)),
                name="changes_change_oldest",
            ),
            models.Index(
                fields=["due_on", "id"],
                condition=Q(state__in=sorted(OPEN), due_on__isnull=False),
                name="changes_change_late",
            ),
            models.Index(
                fields=["due_on", "id"],
                condition=Q(state__in=sorted(OPEN)) & ~Q(promise=""),
                name="changes_change_promised",
            ),
            # Every promise, by its day, of a customer, by when it was made (``changes/promises``).
            models.Index(
                Coalesce("due_on", date.max),
                "id",
                condition=~Q(promise=""),
                name="changes_promise_due",
            ),
            models.Index(
                "organisation",
                Coalesce("due_on", date.max),
                "id",
                condition=~Q(promise=""),
                name="changes_promise_org",
            ),
            models.Index(
                fields=["due_on"],
                include=["closed_at", "organisation", "promised_at", "promise_zone"],
                condition=Q(state=S.CLOSED) & ~Q(promise=""),
                name="changes_promise_closed",
            ),
            models.Index(
                fields=["promised_at", "id"], condition=~Q(promise=""), name="changes_promise_made"
            ),
            # What ended with a question open (``changes/asked.py``): few, and not for long.
            models.Index(
                fields=["state_since", "id"],
                condition=Q(left_unanswered=True),
                name="changes_change_unanswered",
            ),
            models.Index(
                fields=["-id"],
                condition=~Q(emergency_reason=""),
                name="changes_change_emergency",
            ),
            GinIndex(fields=["search"], name="changes_change_search"),
            GinIndex(OpClass(Upper("title"), "gin_trgm_ops"), name="changes_change_title_trgm"),
            # Titles in scripts without spaces, by pairs of letters (``changes.searching``).
            GinIndex(models.Func("title", function="changes_pieces"), name="changes_change_pieces"),
        ]
        triggers: ClassVar[list[Any]] = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[
                    (old.value, new.value) for old, exits in LEGAL_MOVES.items() for new in exits
                ],
            ),
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}".strip()

    def get_absolute_url(self) -> str:
        """Return the address of the change's page."""
        if not self.pk:
            return reverse("changes:detail", args=[self.pk])
        return _address_form(get_script_prefix()).format(self.reference)

    @property
    def reference(self) -> str:
        """The name people use for the change: ``CR-000123``."""
        return f"CR-{self.pk:06d}" if self.pk else "CR-new"

    @property
    def is_thrown_away(self) -> bool:
        """Whether it was given up before it was ever sent (the rule of ``THROWN_AWAY``)."""
        return self.state == S.WITHDRAWN and self.submitted_at is None

    @property
    def is_unsent(self) -> bool:
        """Whether nobody but its writer was ever meant to see it (the rule of ``UNSENT``)."""
        return self.state == S.DRAFT or self.is_thrown_away

    @property
    def is_emergency(self) -> bool:
        """Whether it was declared an emergency change, and is one still."""
        return bool(self.emergency_reason)

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the change any more."""
        return self.state in FINAL

    @property
    def stages(self) -> tuple[State, ...]:
        """The stages of this change's path, in order."""
        return path_of(self.type)

    # The newest record of each kind that counts now. Each reads the whole reverse relation, so
    # that a prefetch (queries.with_story) serves all of them in a fixed number of queries.

    def _current(self, relation: str) -> Any:
        records = [record for record in known_or_read(self, relation) if record.path == self.path]
        return max(records, key=lambda record: record.pk, default=None)

    def _current_in_round(self, relation: str) -> Any:
        record = self._current(relation)
        return record if record and record.round == self.round else None

    @property
    def assessment(self) -> Any:
        return self._current("assessments")

    @property
    def authorisation(self) -> Any:
        return self._current("authorisations")

    @property
    def board_decision(self) -> Any:
        """The newest that was not taken back."""
        standing = [one for one in known_or_read(self, "board_decisions") if one.stands]
        own = [one for one in standing if one.path == self.path]
        return max(own, key=lambda record: record.pk, default=None)

    @property
    def open_questions(self) -> list[Any]:
        """What the board asked on this path and nobody has answered; older paths are void.

        So is what was taken back.
        """
        asked = {
            one.pk for one in self.board_decisions.all() if one.path == self.path and one.stands
        }
        return [one for one in self.questions.all() if one.is_open and one.decision_id in asked]

    @property
    def requirement_definition(self) -> Any:
        return self._current("requirements")

    @property
    def risk_assessment(self) -> Any:
        return self._current("risk_assessments")

    @property
    def execution(self) -> Any:
        """The execution of this round, planned, running or finished."""
        return self._current_in_round("executions")

    @property
    def development(self) -> Any:
        """The newest development of this round; reviews and tests of older ones are void."""
        return self._current_in_round("developments")

    @property
    def deployment(self) -> Any:
        """The deployment of this round, planned, running or finished."""
        return self._current_in_round("deployments")

    @property
    def confirmation(self) -> Any:
        return self._current("confirmations")


@lru_cache(maxsize=8)
def _address_form(_prefix: str) -> str:
    """Return the address of a change's page with a gap for its reference.

    A list has the addresses of fifty changes, which differ in nothing else.
    """
    example = Change(pk=1)
    return reverse("changes:detail", args=[1]).replace(example.reference, "{}")
