"""What the next step of a change is called: the sentence of its turn, and a note beside it."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from expansive_cm.texts import Text

from .. import gates
from ..models import Change, Execution, StagingTest
from ..states import State

S = State
Words = tuple[Text, Text]


def draft(change: Change) -> Words:
    return _("Complete the draft and submit it."), ""


def submitted(change: Change) -> Words:
    return _("Assess the request: decide its type, and judge need, risk and impact."), ""


def review(change: Change) -> Words:
    return _("Review the request: endorse it for authorisation, or refuse it."), ""


def authorisation(change: Change) -> Words:
    return _("Authorise the change, or refuse it."), ""


# Execution ------------------------------------------------------------------------------------


def to_plan(change: Change) -> Words:
    return _("Plan the execution: who does what, when, and how it is undone."), ""


def without_executor(change: Change) -> Words:
    plan: Execution = change.execution
    sentence = _("Plan the execution with another executor: %s has left.") % plan.executor
    return sentence, _window(plan)


def planned(change: Change) -> Words:
    return _("Carry out the execution as planned."), _window(change.execution)


def running(change: Change) -> Words:
    return _("Finish the execution and record its outcome."), _window(change.execution)


def _window(plan: Execution) -> str:
    start, end = timezone.localtime(plan.window_start), timezone.localtime(plan.window_end)
    same_day = start.date() == end.date()
    return _("Window: %(start)s to %(end)s (%(zone)s).") % {
        "start": date_format(start, "j M Y, H:i"),
        "end": date_format(end, "H:i" if same_day else "j M Y, H:i"),
        "zone": timezone.get_current_timezone_name(),
    }


def rolled_back(change: Change) -> Words:
    return _("Plan the execution again, or close without the change."), ""


def standard_rolled_back(change: Change) -> Words:
    return _("Have the change authorised before it is tried again, or close without it."), ""


def documentation(change: Change) -> Words:
    return _("Log the change in the customer success tool; the requester is asked next."), ""


# The board ------------------------------------------------------------------------------------


def board(change: Change) -> Words:
    return _("The Change Request Board decides at its next meeting."), ""


def information(change: Change) -> Words:
    waiting = change.open_questions
    sentence = ngettext(
        "Answer the board's question.", "Answer the board's %d open questions.", len(waiting)
    )
    if len(waiting) > 1:
        sentence %= len(waiting)
    return sentence, _("With the last answer the change returns to the board by itself.")


# Development, test and deployment ----------------------------------------------------------------


def requirements(change: Change) -> Words:
    return _("Define the requirements: purpose, scope, objectives, acceptance criteria."), ""


def risk_to_assess(change: Change) -> Words:
    returned = change.risk_assessment is not None
    note = _("The last assessment was returned for more work.") if returned else ""
    return _("Assess the security risks and analyse the impact."), note


def risk_to_sign(change: Change) -> Words:
    return _("A second person signs the risk assessment off, or returns it."), ""


def development(change: Change) -> Words:
    """Say why a change is built again, in the words of whoever sent it back."""
    developed = change.development
    if developed is not None:
        reviews = [one for one in change.peer_reviews.all() if one.development_id == developed.pk]
        found = reviews[-1].findings if reviews else ""
        return _("Rework what the reviewer found and record it again."), _shortened(found)
    came = [one for one in change.events.all() if one.moved and one.to_state == S.DEVELOPMENT]
    back = max(came, key=lambda one: one.pk, default=None)
    sentence = BUILT_AGAIN.get(back.verb) if back else None
    if back is None or sentence is None:
        return _("Build the change and record it, with the secure-coding checklist."), ""
    return str(sentence), _shortened(back.reason)


BUILT_AGAIN = {
    "record_test": gettext_lazy("Rework it and record it again: a test failed."),
    "record_deployment": gettext_lazy("Rework it and record it again: it was rolled back."),
    "rework": gettext_lazy("Rework what was agreed and record it again."),
}
"""By the step that sent a change back to development."""
REASON_SHOWN = 300


def _shortened(reason: str) -> str:
    return Truncator(reason).chars(REASON_SHOWN)


def to_review(change: Change) -> Words:
    return _("Review the development; nobody reviews their own work."), ""


def testing(change: Change) -> Words:
    passed = gates.passed_tests(change)
    missing = [str(kind.label).lower() for kind in StagingTest.Kind if kind not in passed]
    return _("Test the change in staging. Still to pass: %s.") % ", ".join(missing), ""


def to_deploy(change: Change) -> Words:
    if gates.release_is_cancelled(change):
        words = _("Release %s was cancelled: choose another one.")
        return words % change.deployment.release, ""
    return _("Choose the release and write the rollback plan."), ""


def deployment_planned(change: Change) -> Words:
    gap = gates.deployment_not_ready(change)
    return gap or _("Start the deployment with release %s.") % change.deployment.release, ""


def deploying(change: Change) -> Words:
    return _("Finish the deployment and record its outcome."), ""


# The requester --------------------------------------------------------------------------------


def confirmation(change: Change) -> Words:
    asked = change.confirmation
    note = ""
    if asked is not None:
        day = date_format(timezone.localtime(asked.asked_at), "j M Y")
        sent = len(asked.reminders.all())
        reminders = ngettext("%d reminder sent", "%d reminders sent", sent) % sent
        note = _("Asked on %s.") % day
        if sent:
            note = _("Asked on %(day)s; %(reminders)s.") % {"day": day, "reminders": reminders}
    return _("Say whether the change meets the need."), note


def without_requester(change: Change) -> Words:
    return _("Name another requester: %s has left.") % change.requester, ""


def not_confirmed(change: Change) -> Words:
    if gates.nothing_further_wished(change):
        sentence = _(
            "Rework what was agreed, or close and raise what goes beyond it as a successor."
        )
        return sentence, ""
    sentence = _("The requester would like something further: close, and raise it as a successor.")
    note = _("The requester can send it too. If something agreed is missing, rework it.")
    return sentence, note
