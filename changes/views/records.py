"""The records of each stage, as the pages show them: who, when, outcome, words.

Each function turns one model into a ``Record``. ``full`` is whether the reader is one of
Expansive's own people: a customer reads what was decided and done for them, in the words meant
for them, and neither technical evidence nor what was noted between colleagues.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User

from .. import gates, permissions
from ..models import (
    CHECKLIST,
    Assessment,
    Authorisation,
    BoardDecision,
    Change,
    Confirmation,
    Deployment,
    Development,
    Documentation,
    Execution,
    PeerReview,
    Question,
    Requirements,
    Review,
    RiskAssessment,
    StagingTest,
)
from ..states import ChangeType

Text = str | Promise
Looks = dict[str, tuple[str, str]]

GOOD, BAD, BACK, WAITING = (
    ("green", "circle-check"),
    ("red", "ban"),
    ("orange", "arrow-back-up"),
    ("amber", "hourglass"),
)


@dataclass(frozen=True)
class Detail:
    """One labelled text of a record; a link if it has an address."""

    label: Text
    text: Text
    url: str = ""
    when: datetime | None = None


@dataclass
class Record:
    """One record of a stage."""

    title: Text
    when: datetime
    person: User | None
    details: list[Detail] = field(default_factory=list)
    badge: tuple[Text, str, str] | None = None
    checks: list[tuple[Text, bool]] = field(default_factory=list)
    matrix: tuple[int, int] | None = None
    note: Text = ""


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


def _badge(label: Text, looks: tuple[str, str]) -> tuple[Text, str, str]:
    return (label, *looks)


def _detail(record: Any, name: str, label: Text = "") -> Detail:
    words = label or capfirst(record._meta.get_field(name).verbose_name)
    return Detail(words, getattr(record, name))


def _details(record: Any, *names: str) -> list[Detail]:
    return [_detail(record, name) for name in names if getattr(record, name)]


# One function per kind of record ---------------------------------------------------------------


def assessment(one: Assessment, full: bool) -> Record:
    details = _details(one, "need", "service_impact", "customer_impact", "reason")
    details.append(Detail(_("Urgency"), one.get_urgency_display()))
    kind = ("teal", "adjustments") if one.type == ChangeType.CONFIGURATION else ("purple", "code")
    return Record(
        _("Initial assessment") if not one.reason else _("Reclassified"),
        one.recorded_at,
        one.recorded_by,
        details,
        _badge(one.get_type_display(), kind),
        matrix=(one.likelihood, one.impact),
    )


def review(one: Review, full: bool) -> Record:
    good = one.outcome == Review.Outcome.ENDORSED
    label = _("Endorsed") if good else one.get_outcome_display()
    return Record(
        _("Customer success review"),
        one.recorded_at,
        one.recorded_by,
        _details(one, "findings"),
        _badge(label, GOOD if good else BAD),
    )


def authorisation(one: Authorisation, full: bool) -> Record:
    good = one.outcome == Authorisation.Outcome.AUTHORISED
    return Record(
        _("Authorisation"),
        one.recorded_at,
        one.recorded_by,
        _details(one, "reason"),
        _badge(one.get_outcome_display(), GOOD if good else BAD),
    )


def execution(one: Execution, full: bool) -> Record:
    details = [
        Detail(_("Executor"), str(one.executor)),
        Detail(_("Window opens"), "", when=one.window_start),
        Detail(_("Window closes"), "", when=one.window_end),
        *_times(one),
        *(_details(one, "steps", "rollback_plan") if full else []),
        *_details(one, "notes"),
    ]
    return Record(
        _("Execution"), one.recorded_at, one.recorded_by, details, _progress(one, Execution)
    )


def _times(one: Execution | Deployment) -> list[Detail]:
    times = [(_("Started"), one.started_at), (_("Finished"), one.finished_at)]
    return [Detail(label, "", when=moment) for label, moment in times if moment]


def _progress(one: Any, model: Any) -> tuple[Text, str, str]:
    if one.outcome == model.Outcome.SUCCEEDED:
        return _badge(one.get_outcome_display(), GOOD)
    if one.outcome == model.Outcome.ROLLED_BACK:
        return _badge(one.get_outcome_display(), BACK)
    if one.started_at:
        return _badge(_("Running"), ("blue", "player-play"))
    return _badge(_("Planned"), ("grey", "calendar-time"))


def documentation(one: Documentation, full: bool) -> Record:
    details = _details(one, "summary")
    if full:
        details += _details(one, "system")
        details.append(Detail(_("Reference"), one.reference, url=one.link))
    return Record(_("Documentation"), one.recorded_at, one.recorded_by, details)


def board_decision(one: BoardDecision, full: bool) -> Record:
    outcome = BoardDecision.Outcome
    looks = {outcome.REJECTED: BAD, outcome.INFORMATION_REQUIRED: ("amber", "message-question")}
    details = []
    if one.category:
        details.append(Detail(_("Why"), one.get_category_display()))
    details += _details(one, "elsewhere", "reason", *(["meeting"] if full else []))
    return Record(
        _("Decision of the board"),
        one.recorded_at,
        one.recorded_by if full else None,
        details,
        _badge(one.get_outcome_display(), looks.get(outcome(one.outcome), GOOD)),
    )


def question(one: Question, full: bool) -> Record:
    details = [Detail(_("Question"), one.text), Detail(_("Asked of"), str(one.answerer))]
    if one.is_open:
        badge = _badge(_("Waiting for the answer"), WAITING)
    else:
        badge = _badge(_("Answered"), GOOD)
        details.append(Detail(_("Answer"), one.answer))
    moment = one.answered_at or one.decision.recorded_at
    return Record(_("Question of the board"), moment, one.answered_by, details, badge)


def requirements(one: Requirements, full: bool) -> Record:
    names = ("purpose", "scope", "objectives", "acceptance_criteria")
    return Record(
        _("Requirement definition"), one.recorded_at, one.recorded_by, _details(one, *names)
    )


def risk_assessment(one: RiskAssessment, full: bool) -> Record:
    outcome = RiskAssessment.Outcome
    looks = {outcome.SIGNED_OFF: GOOD, outcome.RETURNED: BACK, outcome.PENDING: WAITING}
    details = []
    if full:
        details += _details(one, "security_risks", "impact_analysis", "mitigations", "remarks")
    if one.signed_at:
        label = _("Signed by") if one.outcome == outcome.SIGNED_OFF else _("Returned by")
        details.append(Detail(label, str(one.signed_by), when=one.signed_at))
    badge = _badge(one.get_outcome_display(), looks[outcome(one.outcome)])
    return Record(_("Risk assessment"), one.recorded_at, one.recorded_by, details, badge)


def development(one: Development, full: bool) -> Record:
    details = _details(one, "notes")
    checks: list[tuple[Text, bool]] = []
    if full:
        is_link = one.reference.startswith(("https://", "http://"))
        url = one.reference if is_link else ""
        details.append(Detail(_("Pull request or branch"), one.reference, url=url))
        names = ", ".join(str(author) for author in one.authors.all())
        details.append(Detail(_("Authors"), names))
        checks = [(label, key in one.checklist) for key, label in CHECKLIST.items()]
    return Record(_("Development"), one.recorded_at, one.recorded_by, details, checks=checks)


def peer_review(one: PeerReview, full: bool) -> Record:
    good = one.outcome == PeerReview.Outcome.APPROVED
    return Record(
        _("Peer review"),
        one.recorded_at,
        one.recorded_by,
        _details(one, "findings") if full else [],
        _badge(one.get_outcome_display(), GOOD if good else BACK),
    )


def staging_test(one: StagingTest, full: bool) -> Record:
    good = one.result == StagingTest.Result.PASSED
    return Record(
        _("%s test") % one.get_kind_display(),
        one.recorded_at,
        one.recorded_by,
        _details(one, "environment", "evidence") if full else [],
        _badge(one.get_result_display(), GOOD if good else ("red", "circle-x")),
    )


def deployment(one: Deployment, full: bool) -> Record:
    details = [
        Detail(_("Release"), str(one.release)),
        *_times(one),
        *(_details(one, "rollback_plan") if full else []),
        *_details(one, "notes"),
    ]
    return Record(
        _("Deployment"), one.recorded_at, one.recorded_by, details, _progress(one, Deployment)
    )


def confirmation(one: Confirmation, full: bool) -> Record:
    answer = Confirmation.Answer
    looks = {
        answer.CONFIRMED: GOOD,
        answer.NOT_AS_EXPECTED: ("orange", "thumb-down"),
        answer.UNANSWERED: ("grey", "bell"),
        answer.NONE: WAITING,
    }
    details = [*_details(one, "what_was_done"), *_both_questions(one), *_details(one, "reason")]
    if one.answered_at:
        details.append(
            Detail(_("Answered"), str(one.answered_by or _("nobody")), when=one.answered_at)
        )
    if full:
        details += [*_rating(one), *_mails(one), *_attempts(one)]
    badge = _badge(one.get_answer_display(), looks[answer(one.answer)])
    return Record(_("Requester confirmation"), one.asked_at, None, details, badge)


def _both_questions(one: Confirmation) -> list[Detail]:
    answers = [
        Detail(label, _("Yes") if answer else _("No"))
        for label, answer in (
            (_("Meets the need"), one.meets_need),
            (_("As expected"), one.as_expected),
        )
        if answer is not None
    ]
    return [*answers, Detail(_("Wish"), one.get_wish_display())] if one.wish else answers


def _rating(one: Confirmation) -> list[Detail]:
    if one.rated_at is None:
        return []
    words = _("%d of 5") % one.rating
    if one.rating_comment:
        words = f"{one.rating_comment}\n{words}"
    return [Detail(_("Rating"), words, when=one.rated_at)]


def _attempts(one: Confirmation) -> list[Detail]:
    found = []
    for attempt in sorted(one.contact_attempts.all(), key=lambda attempt: attempt.pk):
        how = _("reached") if attempt.reached else _("not reached")
        words = f"{attempt.note}\n{attempt.get_means_display()}, {how}, {attempt.by}"
        found.append(Detail(_("Contact attempt"), words, when=attempt.at))
    return found


def _mails(one: Confirmation) -> list[Detail]:
    links = sorted(one.links.all(), key=lambda link: link.pk)
    details = [Detail(_("Link sent"), _link_words(link), when=link.created_at) for link in links]
    for reminder in one.reminders.all():
        words = _("after %d days") % reminder.after_days
        details.append(Detail(_("Reminder"), words, when=reminder.sent_at))
    if one.escalated_at:
        words = _("owner and success team were told")
        details.append(Detail(_("Escalated"), words, when=one.escalated_at))
    return details


def _link_words(link: Any) -> str:
    if link.superseded_at:
        return _("to %s (superseded by a later link)") % link.sent_to
    if link.used_at:
        return _("to %s (used up by the answer)") % link.sent_to
    return _("to %s") % link.sent_to


# Sections --------------------------------------------------------------------------------------

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
            (section.earlier if record.note else section.current).append(record)
    if section.current:
        section.badge = section.current[0].badge
    if section.key == "testing" and section.current:
        section.badge = _tests_badge(change) or section.badge
    for records in (section.current, section.earlier):
        records.sort(key=lambda record: record.when, reverse=True)
    return section


def _tests_badge(change: Change) -> tuple[Text, str, str] | None:
    """Say how many kinds of test have passed while some have not; one alone proves little."""
    passed, kinds = len(gates.passed_tests(change)), len(StagingTest.Kind)
    if not 0 < passed < kinds:
        return None
    words = _("%(passed)d of %(kinds)d passed") % {"passed": passed, "kinds": kinds}
    return _badge(words, WAITING)


def _may_read(one: Any, reader: User, full: bool) -> bool:
    """A question to one of Expansive's own people is not for the customer."""
    if full or not isinstance(one, Question):
        return True
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
    path = getattr(one, "path", None) or one.decision.path
    if path != change.path:
        return _("Before the change was reclassified")
    if isinstance(one, PER_ROUND) and one.round != change.round:
        return _("Round %d") % one.round
    if isinstance(one, ONE_COUNTS) and one.pk != newest_first[0].pk:
        return _("Replaced by a later one")
    if isinstance(one, PeerReview | StagingTest):
        current = change.development
        if current is None or one.development_id != current.pk:
            return _("Of an earlier version")
    return ""
