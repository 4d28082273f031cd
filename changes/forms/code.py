"""Forms of the code path."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.sure import sure
from expansive_cm.ui.forms import rows_field

from .. import gates, permissions, proposing
from ..models import (
    CHECKLIST,
    Deployment,
    Development,
    Environment,
    PeerReview,
    Question,
    Release,
    Requirements,
    RiskAssessment,
    StagingTest,
)
from .base import LongText, StepForm, cards, line, text
from .fields import AttachmentsField, say_limits
from .release import ReleaseField, ReleaseStepForm, meant_for, told_field


class QuestionField(forms.ModelChoiceField):
    """A question of the board, by its words."""

    widget = forms.RadioSelect

    def label_from_instance(self, question: Any) -> str:
        """Say the question and whom it was put to."""
        return _now("%(question)s (to %(person)s)") % {
            "question": question.text,
            "person": question.answerer,
        }


class AnswerQuestionForm(StepForm):
    """The answer to one of the board's open questions."""

    question = QuestionField(
        label=_("Question"), queryset=Question.objects.none(), empty_label=None
    )
    answer = text(Question, "answer", rows=6)

    def prepare(self) -> None:
        """Offer the person's own open questions, and to those who pass answers on all of them."""
        still_open = [
            one
            for one in self.change.open_questions
            if permissions.may_answer(self.user, self.change, one)
        ]
        offered = Question.objects.filter(pk__in=[one.pk for one in still_open])
        rows_field(self, "question").queryset = offered.select_related("answerer")
        still_open.sort(key=lambda one: (one.answerer_id != self.user.pk, one.pk))
        self.fields["question"].initial = still_open[0].pk if still_open else None


class DefineRequirementsForm(StepForm):
    """What is to be built, and how its success is judged."""

    purpose = text(Requirements, "purpose", rows=3, help_text=_("What is the change for?"))
    scope = text(
        Requirements, "scope", rows=4, help_text=_("What belongs to it, and what does not.")
    )
    objectives = text(
        Requirements, "objectives", rows=3, help_text=_("What will be better, and by how much.")
    )
    acceptance_criteria = text(
        Requirements,
        "acceptance_criteria",
        rows=4,
        help_text=_("What must be seen to work before anybody calls it done; one per line."),
    )


class AssessRiskForm(StepForm):
    """Security risks and the impact analysis."""

    security_risks = text(
        RiskAssessment,
        "security_risks",
        rows=5,
        help_text=_("Confidentiality, integrity, availability: what could the change open up?"),
    )
    impact_analysis = text(
        RiskAssessment,
        "impact_analysis",
        rows=5,
        help_text=_("Services, data and customers that it touches, and what depends on them."),
    )
    mitigations = text(
        RiskAssessment, "mitigations", rows=5, help_text=_("What is done about each risk.")
    )

    def prepare(self) -> None:
        """After a return, start from the assessment that was returned."""
        earlier = self.change.risk_assessment
        if earlier is not None and earlier.outcome == RiskAssessment.Outcome.RETURNED:
            for name in self.fields:
                self.fields[name].initial = getattr(earlier, name)


class SignRiskAssessmentForm(StepForm):
    """The second person's decision."""

    decision = cards(
        RiskAssessment,
        "outcome",
        label=_("Decision"),
        descriptions={
            RiskAssessment.Outcome.SIGNED_OFF: _("Development can begin."),
            RiskAssessment.Outcome.RETURNED: _("Its author writes it again; say what it lacks."),
        },
        icons={
            RiskAssessment.Outcome.SIGNED_OFF: "writing",
            RiskAssessment.Outcome.RETURNED: "arrow-back-up",
        },
    )
    remarks = text(
        RiskAssessment,
        "remarks",
        required=False,
        help_text=_("Required when you return the assessment."),
    )

    def arguments(self) -> dict[str, Any]:
        """The step takes a yes or no."""
        signed = self.cleaned_data["decision"] == RiskAssessment.Outcome.SIGNED_OFF
        return {"signed_off": signed, "remarks": self.cleaned_data["remarks"]}


class RecordDevelopmentForm(StepForm):
    """What was built, by whom, and the secure-coding checklist."""

    reference = line(
        Development, "reference", help_text=_("A link to the pull request, or the branch's name.")
    )
    authors = forms.ModelMultipleChoiceField(
        label=_("Authors"),
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Everybody who wrote some of it. None of them can review or test it."),
    )
    notes = text(Development, "notes", rows=4)
    checklist = forms.MultipleChoiceField(
        label=_("Secure-coding checklist"),
        choices=list(CHECKLIST.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick what you have checked; every point is needed."),
        error_messages={"required": _("Every point of the checklist is needed.")},
    )

    def prepare(self) -> None:
        """Offer the developers; start from the development that is to be reworked."""
        developers = User.objects.filter(
            is_active=True, organisation=None, groups__name=Role.DEVELOPER
        )
        rows_field(self, "authors").queryset = developers.distinct()
        self.fields["authors"].initial = [self.user.pk]
        own = [one for one in self.change.developments.all() if one.path == self.change.path]
        earlier = max(own, key=lambda one: one.pk, default=None)
        if earlier is not None:
            authors = {author.pk for author in earlier.authors.all()}
            self.fields["authors"].initial = sorted(authors | {self.user.pk})
            self.fields["reference"].initial = earlier.reference

    def clean_checklist(self) -> list[str]:
        """Name each point that is still open."""
        ticked = self.cleaned_data["checklist"]
        still_open = [str(words) for key, words in CHECKLIST.items() if key not in ticked]
        if still_open:
            raise forms.ValidationError(
                [_now("Still open: %s.") % words for words in still_open], code="open"
            )
        return ticked


class PeerReviewForm(StepForm):
    """The view of somebody who wrote none of it."""

    outcome = cards(
        PeerReview,
        "outcome",
        descriptions={
            PeerReview.Outcome.APPROVED: _("It goes to staging to be tested."),
            PeerReview.Outcome.CHANGES_REQUESTED: _(
                "It goes back to its authors, who record the reworked version."
            ),
        },
        icons={
            PeerReview.Outcome.APPROVED: "git-merge",
            PeerReview.Outcome.CHANGES_REQUESTED: "arrow-back-up",
        },
    )
    findings = text(
        PeerReview, "findings", rows=6, help_text=_("What you looked at and what you found.")
    )


class RecordTestForm(StepForm):
    """One kind of test in staging, with its evidence."""

    kind = cards(
        StagingTest,
        "kind",
        descriptions={
            StagingTest.Kind.FUNCTIONAL: _("It does what the acceptance criteria say."),
            StagingTest.Kind.SECURITY: _("The risks that were assessed are dealt with."),
            StagingTest.Kind.REGRESSION: _("Everything else still works."),
        },
        icons={
            StagingTest.Kind.FUNCTIONAL: "test-pipe",
            StagingTest.Kind.SECURITY: "shield-lock",
            StagingTest.Kind.REGRESSION: "repeat",
        },
    )
    result = cards(
        StagingTest,
        "result",
        descriptions={
            StagingTest.Result.PASSED: _("When all three kinds have passed, it can be deployed."),
            StagingTest.Result.FAILED: _("The change returns to development as a new round."),
        },
        icons={StagingTest.Result.PASSED: "circle-check", StagingTest.Result.FAILED: "bug"},
    )
    environment = forms.ModelChoiceField(
        label=_("Environment"),
        queryset=Environment.objects.none(),
        to_field_name="name",
        empty_label=None,
        help_text=_("Only what passes in staging counts for the deployment."),
    )
    evidence = text(StagingTest, "evidence", rows=6)
    attachments = AttachmentsField(label=_("Screenshots and logs"))

    def prepare(self) -> None:
        """Propose the first kind that has not passed yet, where this person tested before."""
        say_limits(self, "attachments")
        self.fields["attachments"].help_text += " " + _now("The customer does not see them.")
        environments = Environment.objects.filter(is_active=True)
        rows_field(self, "environment").queryset = environments
        staging = environments.filter(is_staging=True)
        self.fields["environment"].initial = self._last_environment() or staging.first()
        passed = gates.passed_tests(self.change)
        missing = [kind for kind in StagingTest.Kind.values if kind not in passed]
        self.fields["kind"].initial = missing[0] if missing else None

    def _last_environment(self) -> Environment | None:
        """Where the person tested this round of this change last.

        Of another change that would be no good guess: only what passes in staging counts.
        """
        mine = [
            one
            for one in self.change.staging_tests.all()
            if one.recorded_by_id == self.user.pk
            and (one.path, one.round) == (self.change.path, self.change.round)
        ]
        last = max(mine, key=lambda one: one.pk, default=None)
        offered = rows_field(self, "environment").queryset
        return sure(offered).filter(name=last.environment).first() if last else None

    def arguments(self) -> dict[str, Any]:
        """Name the environment."""
        return {**super().arguments(), "environment": self.cleaned_data["environment"].name}


class PlanDeploymentForm(ReleaseStepForm):
    """The release, and how it is undone."""

    release = ReleaseField(label=_("Release"), queryset=Release.objects.none(), empty_label="–")
    rollback_plan = text(
        Deployment,
        "rollback_plan",
        rows=5,
        help_text=_("How the version before is put back, and who decides that it has to be."),
    )
    reason = LongText(
        label=_("Why is a frozen release joined or left?"),
        max_length=500,
        required=False,
        help_text=_("Needed where that is so; customers do not read it."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    told = told_field()

    def prepare(self) -> None:
        """Offer the releases to come; start from the existing plan, or a template.

        A reason is asked for only where one of them is frozen or comes after the day promised;
        what was typed is not lost.
        """
        plan = self.change.deployment
        coming = Release.objects.filter(released_at=None, cancelled_at=None)
        late = self.mind_promise(coming)
        frozen = coming.filter(frozen_at__isnull=False).exists()
        if not (self.data.get("reason") or late or frozen):
            del self.fields["reason"]
        elif late:
            both = _("Why is a frozen release joined or left, or is it later than promised?")
            self.fields["reason"].label = both if frozen else _("Why is it later than promised?")
        if plan is not None:
            self.fields["release"].initial = plan.release_id
            self.fields["rollback_plan"].initial = plan.rollback_plan
            return
        self.propose(proposing.template_of(self.change), ["rollback_plan"])
        upcoming = coming.filter(planned_on__gte=timezone.localdate())
        self.fields["release"].initial = meant_for(self.change) or upcoming.first()


class StartDeploymentForm(StepForm):
    """Nothing for a release that is still to come; otherwise why it is deployed with that one."""

    reason = LongText(
        label=_("Why is it deployed with a release that is out already?"),
        max_length=5000,
        help_text=_("Such as: a hotfix that the release manager agreed to. It stays on record."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def prepare(self) -> None:
        """Ask for the reason only where the release is out; what was typed is not lost."""
        if not (gates.release_is_out(self.change) or self.data.get("reason")):
            del self.fields["reason"]


class DeployForm(StepForm):
    """What was done, where all went well."""

    notes = text(
        Deployment,
        "notes",
        rows=5,
        label=_("What was done"),
        help_text=_("In plain words: each requester reads this, and is asked to confirm."),
    )


class RecordDeploymentForm(StepForm):
    """How the deployment went."""

    outcome = cards(
        Deployment,
        "outcome",
        descriptions={
            Deployment.Outcome.SUCCEEDED: _(
                "The requester is told what was done and asked to confirm it."
            ),
            Deployment.Outcome.ROLLED_BACK: _(
                "The version before is back. The change returns to development."
            ),
        },
        icons={
            Deployment.Outcome.SUCCEEDED: "rocket",
            Deployment.Outcome.ROLLED_BACK: "arrow-back-up",
        },
    )
    notes = text(
        Deployment,
        "notes",
        rows=5,
        help_text=_("In plain words: after a success the requester reads this."),
    )
