"""Forms of the configuration path."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import format_lazy
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.ui.forms import DateTimeLocalInput, rows_field
from expansive_cm.workflow.decisions import Decision, Refusal

from .. import gates, permissions, planning, proposing, standard
from ..conflicts import Planned
from ..models import Authorisation, ChangeTemplate, Documentation, Execution, Review
from ..spans import FURTHEST
from ..turns.groups import executors_with, possible_executors
from .base import AsProposedForm, Further, LongText, StepForm, cards, line, text
from .ending import EndingForm


class ReviewForm(EndingForm):
    """The customer success team's view of the request."""

    outcome = cards(
        Review,
        "outcome",
        descriptions={
            Review.Outcome.ENDORSED: _(
                "An authorised approver decides next, unless it is a standard change."
            ),
            Review.Outcome.REFUSED: _("The change ends here; the requester is told why."),
        },
        icons={Review.Outcome.ENDORSED: "thumb-up", Review.Outcome.REFUSED: "ban"},
    )
    findings = text(
        Review,
        "findings",
        help_text=_("What you looked at and what the approver, or the requester, should know."),
    )


class AuthoriseForm(StepForm):
    """The approver's decision."""

    outcome = cards(
        Authorisation,
        "outcome",
        descriptions={
            Authorisation.Outcome.AUTHORISED: _("The execution can be planned."),
            Authorisation.Outcome.REFUSED: _("The change ends here; the requester is told why."),
        },
        icons={
            Authorisation.Outcome.AUTHORISED: "shield-check",
            Authorisation.Outcome.REFUSED: "ban",
        },
    )
    reason = text(
        Authorisation, "reason", help_text=_("Why you decide like this. It stays on record.")
    )


WINDOW = ("window_start", "window_end")


class ExecutorForm(StepForm):
    """Who executes, and when."""

    executor = forms.ModelChoiceField(
        label=_("Executor"),
        queryset=User.objects.none(),
        empty_label="–",
        help_text=_("Only this person can start the execution and record its outcome."),
    )
    window_start = forms.DateTimeField(label=_("Window opens"), widget=DateTimeLocalInput)
    window_end = forms.DateTimeField(label=_("Window closes"), widget=DateTimeLocalInput)

    def propose_times(self) -> None:
        """Begin with an hour of tomorrow's evening."""
        tomorrow = _tomorrow_evening()
        self.fields["window_start"].initial = tomorrow
        self.fields["window_end"].initial = tomorrow + timedelta(hours=1)

    def clean(self) -> dict[str, Any]:
        """Refuse a window that closes before it opens, or that lies in the past."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("window_start"), cleaned.get("window_end")
        if start and end and end <= start:
            self.add_error("window_end", _now("The window must close after it opens."))
        elif end and end <= timezone.now():
            self.add_error("window_end", _now("The window has passed already."))
        return cleaned


class PlanManyForm(ExecutorForm, AsProposedForm):
    """One person and one window for many changes; how each is done stands with it already."""

    def prepare(self) -> None:
        """Offer whoever may execute for somebody; the rules of each change are asked later."""
        field = rows_field(self, "executor")
        field.queryset = executors_with(self.user.team_ids)
        field.help_text = _now(
            "Of all of them. A change that this person may not execute is refused. Steps and "
            "rollback plan of each stay as they are planned, or are what was approved with it, or "
            "what its template says."
        )
        self.propose_times()
        last = proposing.used_last(Execution, "executor", self.user, None)
        self.fields["executor"].initial = last


class PlanExecutionForm(ExecutorForm):
    """Who does what, when, and how it is undone.

    By its second button the person who plans carries it out, from now on, whatever the form says
    of executor and window: for as long as it does.
    """

    further: Further | None = Further(_("I carry it out now"), "player-play")

    steps = text(
        Execution,
        "steps",
        rows=6,
        help_text=_("One line per step, so that somebody else could follow them."),
    )
    rollback_plan = text(
        Execution,
        "rollback_plan",
        rows=4,
        help_text=_("How everything is put back as it was, and who decides that it has to be."),
    )

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(_with_chosen_time(data), *args, **kwargs)

    def prepare(self) -> None:
        """Offer those who may execute, remember the others, and propose the existing plan."""
        candidates = possible_executors(self.change)
        decisions = [(one, permissions.may_execute(one, self.change)) for one in candidates]
        allowed = [person.pk for person, decision in decisions if decision]
        self.not_offered = [
            (person, _why_not(decision)) for person, decision in decisions if not decision
        ]
        rows_field(self, "executor").queryset = User.objects.filter(pk__in=allowed)
        if self.user.pk not in allowed:
            self.further = None
        if self.goes_further:
            for name in ExecutorForm.base_fields:
                self.fields[name].required = False
        plan = self.change.execution
        if plan is not None and not plan.finished_at:
            for name in self.fields:
                self.fields[name].initial = getattr(plan, name)
        else:
            self.propose_times()
            self._propose_last_plan(allowed)

    def clean(self) -> dict[str, Any]:
        """Take whoever plans as the executor, and now, where they carry it out themselves."""
        if self.goes_further:
            start, end = map(self.cleaned_data.get, ("window_start", "window_end"))
            length = _length(start, end)
            now = timezone.now().replace(second=0, microsecond=0)
            mine = {"executor": self.user, "window_start": now, "window_end": now + length}
            self.cleaned_data.update(mine)
        return super().clean()

    @property
    def only_asks(self) -> bool:
        """Whether somebody asks when it could go, or takes one of these times into the form."""
        return any(self.data.get(name) for name in ("when", CHOSEN))

    @property
    def asks_when(self) -> bool:
        """Whether somebody asks when it could go."""
        return self.data.get("when") == "yes"

    def could_go(self) -> planning.CouldGo | None:
        """Return when it could go, for as long as the form says, where that is asked.

        Times that are not right are those of an hour: nobody is asked to correct them first. None
        where they are longer than what is looked at.
        """
        if not self.asks_when:
            return None
        start, end = (self._time_in(name) for name in ("window_start", "window_end"))
        length = _length(start, end)
        executor = self.now_in("executor")
        now = timezone.now()
        plan = planning.of_execution(self.change, now, now + length, executor)
        return planning.could_go(self.user, self.change, plan)

    def _time_in(self, name: str) -> datetime | None:
        """Return the moment that was typed, whatever the form as a whole thinks of it."""
        try:
            found: datetime | None = self.fields[name].clean(self[name].data)
        except forms.ValidationError:
            return None
        return found

    def planned(self) -> Planned | None:
        """Return the plan that the form holds, None while its times are none."""
        start, end, executor = map(self.now_in, ("window_start", "window_end", "executor"))
        now = timezone.now()
        if not start or not end or end <= start or max(abs(start - now), abs(end - now)) > FURTHEST:
            return None
        if executor is not None and not isinstance(executor, User):
            executor = User.objects.filter(pk=executor).first()
        return planning.of_execution(self.change, start, end, executor)

    def _propose_last_plan(self, allowed: list[int]) -> None:
        """After a rollback, start from the steps that were planned then; at first, from others.

        The steps are those of the template, or as they were approved with it; the executor is
        whoever this person named last.
        """
        own = [one for one in self.change.executions.all() if one.path == self.change.path]
        earlier = max(own, key=lambda one: one.pk, default=None)
        if approved := standard.approved_plan(self.change):
            self._take_approved(approved)
        elif earlier is not None:
            for name in ("executor", "steps", "rollback_plan"):
                self.fields[name].initial = getattr(earlier, name)
            return
        else:
            self.propose(proposing.template_of(self.change), ChangeTemplate.PLAN)
        last = proposing.used_last(Execution, "executor", self.user, self.change.organisation_id)
        if last in allowed:
            self.fields["executor"].initial = last

    def _take_approved(self, approved: dict[str, str]) -> None:
        """Begin with the plan that was approved with a standard change."""
        for name, words in approved.items():
            self.fields[name].initial = words
            self.fields[name].help_text = _now("As it was approved: fill in the blanks (…) alone.")


CHOSEN = "slot"
"""By what a form is sent that takes a free time."""


def parse_moment(text: str) -> datetime | None:
    """Return a moment as an address says it, None for anything else or one that is far away."""
    try:
        found = parse_datetime(text[:40])
    except ValueError:
        return None
    if found is None or timezone.is_naive(found):
        return None
    return found if abs(found - timezone.now()) <= FURTHEST else None


def _with_chosen_time(data: Any) -> Any:
    """Return what was typed with the free time that was chosen, in the person's zone."""
    times = [parse_moment(text) for text in (data or {}).get(CHOSEN, "").split("/")]
    if len(times) != len(WINDOW) or None in times:
        return data
    typed = data.copy()
    for name, moment in zip(WINDOW, times, strict=True):
        typed[name] = timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")
    return typed


def _length(start: datetime | None, end: datetime | None) -> timedelta:
    """Return how long a window is, an hour where its times are not right.

    By the clocks of one zone it is an hour more or less over the night in which they change.
    """
    if not start or not end:
        return timedelta(hours=1)
    found = end.astimezone(UTC) - start.astimezone(UTC)
    return found if found > timedelta() else timedelta(hours=1)


def _why_not(decision: Decision) -> str:
    if decision.kind == Refusal.SEPARATION:
        return _now("authorised this change; somebody else has to execute it")
    return decision.reason


def _tomorrow_evening() -> datetime:
    tomorrow = timezone.localtime() + timedelta(days=1)
    return tomorrow.replace(hour=19, minute=0, second=0, microsecond=0)


AS_PLANNED = _(
    "Left empty, it says “Carried out as planned”. It is proposed as what the requester reads."
)


class StartExecutionForm(StepForm):
    """Nothing within the planned window; outside of it, why it is done now.

    By its second button it also records that all went well.
    """

    further = Further(_("It is carried out"), "checks")

    reason = LongText(
        label=_("Why is it done outside of its window?"),
        max_length=5000,
        help_text=_("Such as: agreed on the telephone with the ward. It stays on record."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    notes = text(
        Execution,
        "notes",
        rows=2,
        label=_("What was done"),
        help_text=format_lazy("{} {}", _("For “It is carried out” alone."), AS_PLANNED),
        required=False,
    )

    def arguments(self) -> dict[str, Any]:
        """Leave out what was done where it only begins."""
        found = super().arguments()
        if not self.goes_further:
            del found["notes"]
        return found

    def prepare(self) -> None:
        """Ask for the reason only where the window is not kept; what was typed is not lost."""
        if not (gates.outside_window(self.change) or self.data.get("reason")):
            del self.fields["reason"]


class RecordExecutionForm(StepForm):
    """How the execution went."""

    outcome = cards(
        Execution,
        "outcome",
        descriptions={
            Execution.Outcome.SUCCEEDED: _("Every step was done. It is documented next."),
            Execution.Outcome.ROLLED_BACK: _(
                "Everything is back as it was. It is planned again, or given up."
            ),
        },
        icons={
            Execution.Outcome.SUCCEEDED: "circle-check",
            Execution.Outcome.ROLLED_BACK: "arrow-back-up",
        },
    )
    notes = text(
        Execution,
        "notes",
        rows=5,
        help_text=_("What was done and checked, and what differed from the plan."),
    )


class ExecuteForm(StepForm):
    """What was done, where all went well."""

    notes = text(
        Execution,
        "notes",
        rows=5,
        label=_("What was done"),
        help_text=format_lazy("{} {}", _("What was done and checked."), AS_PLANNED),
        required=False,
    )


class AskAuthorisationForm(StepForm):
    """Why a standard change is to be authorised by itself."""

    reason = LongText(
        label=_("Reason"),
        max_length=2000,
        help_text=_("What is done otherwise, or what went wrong. Customer and approver read this."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class CloseRolledBackForm(EndingForm):
    """Why the change is given up."""

    reason = LongText(
        label=_("Reason"),
        max_length=5000,
        help_text=_("The requester reads this."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class DocumentForm(StepForm):
    """Where the change is logged, and what the requester is told was done."""

    system = line(
        Documentation, "system", help_text=_("The customer success tool that holds the entry.")
    )
    reference = line(Documentation, "reference", help_text=_("The entry's number there."))
    link = forms.URLField(
        label=_("Link"),
        max_length=Documentation._meta.get_field("link").max_length,
        required=False,
        assume_scheme="https",
        validators=[URLValidator(["http", "https"])],
    )
    summary = text(
        Documentation,
        "summary",
        rows=5,
        help_text=_("In plain words: the requester reads this and is asked to confirm it."),
    )

    def prepare(self) -> None:
        """Propose where it was logged last, and what was written down when it was executed."""
        earlier = max(self.change.documentations.all(), key=lambda one: one.pk, default=None)
        if earlier is not None:
            self.fields["system"].initial = earlier.system
        else:
            self._propose_system()
        done = self.change.execution
        if done is not None and done.notes:
            self.fields["summary"].initial = done.notes
            begun = _now("It begins with what was written down when it was executed.")
            self.fields["summary"].help_text = f"{self.fields['summary'].help_text} {begun}"

    def _propose_system(self) -> None:
        self.propose(proposing.template_of(self.change), ["system"])
        if self.template is None:
            customer = self.change.organisation_id
            last = proposing.used_last(Documentation, "system", self.user, customer)
            self.fields["system"].initial = last


class DocumentManyForm(DocumentForm):
    """One entry of the tool, and the same words, for many changes."""

    def prepare(self) -> None:
        """Propose the system that this person used last, and words that fit every request."""
        self.fields["system"].initial = proposing.used_last(
            Documentation, "system", self.user, None
        )
        self.fields["reference"].help_text = _now("The entry's number there, for all of them.")
        self.fields["summary"].initial = _now("It is done as you asked.")
        self.fields["summary"].help_text = _now(
            "In plain words: each requester reads this of their own request, and confirms it."
        )
