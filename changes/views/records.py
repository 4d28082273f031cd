"""The records of each stage, as the pages show them: who, when, outcome, words.

Each function turns one model into a ``Record``. ``full`` is whether the reader is one of
Expansive's own people: a customer reads what was decided and done for them, in the words meant
for them, and neither technical evidence nor what was noted between colleagues.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.texts import Text

from ..corrections import corrections_of
from ..models import (
    CHECKLIST,
    Assessment,
    Authorisation,
    BoardDecision,
    Confirmation,
    Deployment,
    Development,
    Documentation,
    Execution,
    PeerReview,
    PostAction,
    PostReview,
    Question,
    Requirements,
    Review,
    RiskAssessment,
    StagingTest,
)
from ..states import ChangeType

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
    correct_url: str = ""
    """Where its reader puts right what it says, if they may."""
    take_back_url: str = ""
    """Where they take its outcome back, if they recorded it a moment ago."""
    url: str = ""
    """Its own page, where it has one."""


def badge_of(label: Text, looks: tuple[str, str]) -> tuple[Text, str, str]:
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
        badge_of(one.get_type_display(), kind),
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
        badge_of(label, GOOD if good else BAD),
    )


def authorisation(one: Authorisation, full: bool) -> Record:
    good = one.outcome == Authorisation.Outcome.AUTHORISED
    if one.standard_id is not None:
        return _in_advance(one, full)
    return Record(
        _("Authorisation"),
        one.recorded_at,
        one.recorded_by,
        _details(one, "reason"),
        badge_of(one.get_outcome_display(), GOOD if good else BAD),
    )


def _in_advance(one: Authorisation, full: bool) -> Record:
    """A standard change; customers read what that means, and nothing of a template."""
    details = [Detail(_("Reason"), _("Changes of this kind are approved in advance."))]
    if full:
        url = reverse("changes:standard_change", args=[one.standard_id])
        details = [*_details(one, "reason"), Detail(_("Standard change"), _("Open it"), url=url)]
    return Record(
        _("Authorised as a standard change"),
        one.recorded_at,
        one.recorded_by if full else None,
        details,
        badge_of(_("Approved in advance"), ("green", "file-certificate")),
    )


def execution(one: Execution, full: bool) -> Record:
    details = [
        Detail(_("Executor"), str(one.executor)),
        Detail(_("Window opens"), "", when=one.window_start),
        Detail(_("Window closes"), "", when=one.window_end),
        *_times(one),
        *(_details(one, "steps", "rollback_plan") if full else []),
        *(_ticked(one) if full else []),
        *_details(one, "notes"),
        *_corrected(one, full),
    ]
    return Record(
        _("Execution"), one.recorded_at, one.recorded_by, details, _progress(one, Execution)
    )


def _ticked(one: Execution) -> list[Detail]:
    if not one.ticked:
        return []
    words = {"done": len(one.ticked), "all": len(one.steps_planned)}
    return [Detail(_("Steps ticked as done"), _("%(done)d of %(all)d") % words)]


def _times(one: Execution | Deployment) -> list[Detail]:
    times = [(_("Started"), one.started_at), (_("Finished"), one.finished_at)]
    return [Detail(label, "", when=moment) for label, moment in times if moment]


def _corrected(one: Execution | Deployment, full: bool) -> list[Detail]:
    """Say that it was put right, last when; to colleagues also by whom, why, and how often."""
    found = corrections_of(one)
    if not found:
        return []
    last = found[-1]
    if not full:
        return [Detail(_("Corrected"), "", when=last.at)]
    before = _("What it said before stands in the history of the change.")
    words = f"{last.reason}\n{before}\n{last.actor_name}"
    times = len(found)
    label = _("Corrected") if times == 1 else _("Corrected %d times, last") % times
    return [Detail(label, words, when=last.at)]


def _progress(one: Any, model: Any) -> tuple[Text, str, str]:
    if one.outcome == model.Outcome.SUCCEEDED:
        return badge_of(one.get_outcome_display(), GOOD)
    if one.outcome == model.Outcome.ROLLED_BACK:
        return badge_of(one.get_outcome_display(), BACK)
    if one.started_at:
        return badge_of(_("Running"), ("blue", "player-play"))
    return badge_of(_("Planned"), ("grey", "calendar-time"))


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
    newer = one.correction(one.change.board_decisions.all())
    if newer is not None:
        words = str(newer.get_outcome_display())
        words = f"{words}, {newer.recorded_by}" if full else words
        details.append(Detail(_("Corrected"), words, when=newer.recorded_at))
    if one.taken_back_at:
        taken_back = Detail(_("Taken back"), str(one.taken_back_by), when=one.taken_back_at)
        details += [taken_back, *_details(one, "taken_back_reason")]
    return Record(
        _("Decision of the board"),
        one.recorded_at,
        one.recorded_by if full else None,
        details,
        badge_of(one.get_outcome_display(), looks.get(outcome(one.outcome), GOOD)),
    )


def question(one: Question, full: bool) -> Record:
    details = [Detail(_("Question"), one.text), Detail(_("Asked of"), str(one.answerer))]
    if one.is_open and not one.decision.stands:
        badge = badge_of(_("Not asked any more"), ("grey", "ban"))
    elif one.is_open:
        badge = badge_of(_("Waiting for the answer"), WAITING)
    else:
        badge = badge_of(_("Answered"), GOOD)
        details.append(Detail(_("Answer"), one.answer))
    who = one.answered_by
    if who is not None and who != one.answerer:
        # The words are those of whom the board asked; a colleague took them from a mail or a call.
        details.append(Detail(_("Passed on by"), str(who)))
        who = one.answerer
    moment = one.answered_at or one.decision.recorded_at
    return Record(_("Question of the board"), moment, who, details, badge)


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
    badge = badge_of(one.get_outcome_display(), looks[outcome(one.outcome)])
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
        badge_of(one.get_outcome_display(), GOOD if good else BACK),
    )


def staging_test(one: StagingTest, full: bool) -> Record:
    good = one.result == StagingTest.Result.PASSED
    return Record(
        _("%s test") % one.get_kind_display(),
        one.recorded_at,
        one.recorded_by,
        _details(one, "environment", "evidence") if full else [],
        _test_badge(one, good),
    )


def _test_badge(one: StagingTest, good: bool) -> Any:
    """What passed elsewhere does not count."""
    if good and not one.in_staging:
        return badge_of(_("Passed, but not in staging"), ("amber", "alert-triangle"))
    return badge_of(one.get_result_display(), GOOD if good else ("red", "circle-x"))


def deployment(one: Deployment, full: bool) -> Record:
    details = [
        Detail(_("Release"), str(one.release)),
        *_times(one),
        *(_details(one, "rollback_plan") if full else []),
        *_details(one, "notes"),
        *_corrected(one, full),
    ]
    return Record(
        _("Deployment"), one.recorded_at, one.recorded_by, details, _progress(one, Deployment)
    )


def post_review(one: PostReview, full: bool) -> Record:
    details = [Detail(_("Asked for because"), "; ".join(str(why) for why in one.reasons))]
    if one.is_open:
        details.append(Detail(_("Due"), "", when=one.due_at))
    details += _details(one, "happened", "findings")
    looks = {one.Met.YES: GOOD, one.Met.PARTLY: WAITING, one.Met.NO: BAD}
    if one.met:
        words = _("Objective met: %s") % one.get_met_display()
        badge = badge_of(words, looks[PostReview.Met(one.met)])
    else:
        badge = badge_of(_("Late") if one.is_late else _("Due"), BAD if one.is_late else WAITING)
    found = Record(
        _("Post-implementation review"),
        one.recorded_at or one.asked_at,
        one.recorded_by,
        details,
        badge,
    )
    found.url = one.get_absolute_url()
    return found


def post_action(one: PostAction, full: bool) -> Record:
    details = [
        *_details(one, "text"),
        Detail(_("Owner"), str(one.owner)),
        Detail(_("Due"), date_format(one.due_on, "j F Y")),
    ]
    if one.done_at:
        details += [
            *_details(one, "outcome"),
            Detail(_("Done"), str(one.done_by), when=one.done_at),
        ]
    badge = badge_of(_("Done"), GOOD) if one.done_at else badge_of(_("Open"), WAITING)
    return Record(_("Action"), one.recorded_at, one.recorded_by, details, badge)


def confirmation(one: Confirmation, full: bool) -> Record:
    answer = Confirmation.Answer
    looks = {
        answer.CONFIRMED: GOOD,
        answer.NOT_AS_EXPECTED: ("orange", "thumb-down"),
        answer.UNANSWERED: ("grey", "bell"),
        answer.NONE: WAITING,
    }
    details = [*_details(one, "what_was_done"), *_both_questions(one)]
    if full or one.answer != answer.UNANSWERED:
        # Why nobody waited any longer was written for colleagues (process.BETWEEN_COLLEAGUES).
        details += _details(one, "reason")
    if one.answered_at:
        details.append(
            Detail(_("Answered"), str(one.answered_by or _("nobody")), when=one.answered_at)
        )
    if full:
        details += [*_rating(one), *_mails(one), *_attempts(one)]
    badge = badge_of(one.get_answer_display(), looks[answer(one.answer)])
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
