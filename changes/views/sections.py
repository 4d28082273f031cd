"""The stages of a change with their records, as its page and its agenda item show them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User

from .. import gates, permissions
from ..corrections import finished, kind_of
from ..models import (
    Assessment,
    Authorisation,
    BoardDecision,
    Change,
    Confirmation,
    Deployment,
    Development,
    Execution,
    PeerReview,
    PostAction,
    PostReview,
    Question,
    Requirements,
    RiskAssessment,
    StagingTest,
)
from ..states import State
from .records import (
    WAITING,
    Record,
    Text,
    assessment,
    authorisation,
    badge_of,
    board_decision,
    confirmation,
    deployment,
    development,
    documentation,
    execution,
    peer_review,
    post_action,
    post_review,
    question,
    requirements,
    review,
    risk_assessment,
    staging_test,
)


@dataclass
class Section:
    """A stage with its records: those that count now, and earlier ones."""

    key: str
    title: Text
    icon: str
    current: list[Record] = field(default_factory=list)
    earlier: list[Record] = field(default_factory=list)
    badge: tuple[Text, str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self.current or self.earlier)

    @property
    def latest(self) -> datetime:
        """When the newest record was made."""
        return max(record.when for record in self.current + self.earlier)

    @property
    def alone(self) -> bool:
        """Whether one record is all there is, so that the section's heading says it already."""
        return len(self.current) == 1 and not self.earlier


Builder = Callable[[Any, bool], Record]
KINDS: dict[str, Builder] = {
    "assessments": assessment,
    "reviews": review,
    "authorisations": authorisation,
    "executions": execution,
    "documentations": documentation,
    "board_decisions": board_decision,
    "questions": question,
    "requirements": requirements,
    "risk_assessments": risk_assessment,
    "developments": development,
    "peer_reviews": peer_review,
    "staging_tests": staging_test,
    "deployments": deployment,
    "post_reviews": post_review,
    "post_actions": post_action,
    "confirmations": confirmation,
}
SECTIONS: tuple[tuple[str, Text, str, tuple[str, ...]], ...] = (
    ("assessment", gettext_lazy("Initial assessment"), "scale", ("assessments",)),
    ("review", gettext_lazy("Customer success review"), "clipboard-check", ("reviews",)),
    ("authorisation", gettext_lazy("Authorisation"), "shield-check", ("authorisations",)),
    ("execution", gettext_lazy("Execution"), "tools", ("executions",)),
    ("documentation", gettext_lazy("Documentation"), "notes", ("documentations",)),
    ("board", gettext_lazy("Change Request Board"), "gavel", ("board_decisions", "questions")),
    ("requirements", gettext_lazy("Requirement definition"), "list-check", ("requirements",)),
    ("risk", gettext_lazy("Risk assessment"), "shield-lock", ("risk_assessments",)),
    ("development", gettext_lazy("Secure development"), "code", ("developments", "peer_reviews")),
    ("testing", gettext_lazy("Testing"), "test-pipe", ("staging_tests",)),
    ("deployment", gettext_lazy("Deployment"), "rocket", ("deployments",)),
    (
        "post_review",
        gettext_lazy("Post-implementation review"),
        "checklist",
        ("post_reviews", "post_actions"),
    ),
    ("confirmation", gettext_lazy("Requester confirmation"), "user-question", ("confirmations",)),
)


def sections(change: Change, reader: User, *wanted: str) -> list[Section]:
    """Return the stages that have records, in the order of the process.

    ``wanted`` names the sections, all of them by default.
    """
    found = []
    for key, title, icon, relations in SECTIONS:
        if wanted and key not in wanted:
            continue
        section = _section(change, reader, Section(key, title, icon), relations)
        if section:
            found.append(section)
    return found


def newest_first(sections: Iterable[Section]) -> list[Section]:
    """Return the sections for a page on which one acts: what was recorded last is read first."""
    return sorted(sections, key=lambda section: section.latest, reverse=True)


def _section(change: Change, reader: User, section: Section, relations: Iterable[str]) -> Section:
    full = permissions.can_see_internal(reader)
    for relation in relations:
        ordered = sorted(getattr(change, relation).all(), key=lambda one: -one.pk)
        for one in ordered:
            if not _may_read(one, reader, full):
                continue
            record = KINDS[relation](one, full)
            record.note = _why_earlier(change, one, ordered)
            record.correct_url = _corrected_at(change, one, reader)
            record.take_back_url = _taken_back_at(change, one, reader)
            (section.earlier if record.note else section.current).append(record)
    if section.current:
        section.badge = section.current[0].badge
    if section.key == "testing" and section.current:
        section.badge = _tests_badge(change) or section.badge
    for records in (section.current, section.earlier):
        records.sort(key=lambda record: record.when, reverse=True)
    return section


def _corrected_at(change: Change, one: Any, reader: User) -> str:
    """Return where this person puts right what is on record of something finished, or nothing."""
    if not isinstance(one, Execution | Deployment) or not one.finished_at:
        return ""
    if not permissions.may_correct_record(reader, change, one):
        return ""
    return reverse(f"changes:correct_{kind_of(one)}", args=[change.pk, one.pk])


def _taken_back_at(change: Change, one: Any, reader: User) -> str:
    """Return where this person takes the newest outcome back, or nothing: it is for minutes."""
    if not isinstance(one, Execution | Deployment) or not one.finished_at:
        return ""
    verb = f"take_back_{kind_of(one)}"
    is_newest = finished(change, kind_of(one))[-1].pk == one.pk
    if not is_newest or not permissions.check(verb, reader, change):
        return ""
    return reverse(f"changes:{verb}", args=[change.pk])


def _tests_badge(change: Change) -> tuple[Text, str, str] | None:
    """Say how many kinds of test have passed while some have not; one alone proves little."""
    passed, kinds = len(gates.passed_tests(change)), len(StagingTest.Kind)
    if not 0 < passed < kinds:
        return None
    words = _("%(passed)d of %(kinds)d passed") % {"passed": passed, "kinds": kinds}
    return badge_of(words, WAITING)


def _may_read(one: Any, reader: User, full: bool) -> bool:
    """What was taken back, asked of our own people, or is looked back on is not the customer's.

    Nor is the approval of one of several, before the change is approved.
    """
    if isinstance(one, Authorisation) and one.change.state == State.AUTHORISATION:
        return full or one.recorded_by_id == reader.pk or one.standard_id is not None
    if full or not isinstance(one, Question | BoardDecision | PostReview | PostAction):
        return True
    if isinstance(one, PostReview | PostAction):
        return False
    if isinstance(one, BoardDecision) or not one.decision.stands:
        return (one if isinstance(one, BoardDecision) else one.decision).stands
    return one.answerer.organisation_id == one.change.organisation_id


ONE_COUNTS = (
    Assessment,
    RiskAssessment,
    Requirements,
    Execution,
    Deployment,
    Development,
    Confirmation,
)
"""Of these the newest counts; of the others several may count at once."""
PER_ROUND = (Execution, Development, PeerReview, StagingTest, Deployment)


def _why_earlier(change: Change, one: Any, newest_first: list[Any]) -> Text:
    """Say why a record does not count any more, or nothing."""
    if isinstance(one, PostReview | PostAction):
        return ""
    decision = getattr(one, "decision", one)
    path = decision.path
    if isinstance(decision, BoardDecision) and not decision.stands:
        return _("Taken back")
    if isinstance(one, BoardDecision) and one.correction(newest_first):
        return _("Corrected")
    if path != change.path:
        return _("Before the change was reclassified")
    if isinstance(one, PER_ROUND) and one.round != change.round:
        return _("Round %d") % one.round
    if isinstance(one, ONE_COUNTS) and one.pk != newest_first[0].pk:
        return _("Replaced by a later one")
    if isinstance(one, Authorisation) and one.standard_id and _was_given_back(change, one):
        return _("Given back for an authorisation of its own")
    if isinstance(one, PeerReview | StagingTest):
        current = change.development
        if current is None or one.development_id != current.pk:
            return _("Of an earlier version")
    return ""


def _was_given_back(change: Change, one: Authorisation) -> bool:
    """Whether a standard change was to be authorised by itself after this authorisation."""
    given_back = [event for event in change.events.all() if event.verb == "ask_authorisation"]
    return any(event.at > one.recorded_at for event in given_back)
