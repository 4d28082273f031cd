"""Ways that a change goes, as acts one after the other, for tests of what people read meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import time_machine
from django.test import override_settings
from django.utils import timezone

from changes import lifecycle, tasks
from changes.models import Change, Question
from tests import standards, stories
from tests.mailing import deliver_questions
from tests.people import Cast
from tests.remembered import remembered

Act = Callable[[Change, Cast], Any]
SECRET = "Only among colleagues: the contract ends."


def says(who: str, words: str, **more: Any) -> Act:
    return lambda change, cast: lifecycle.comment(
        change, actor=getattr(cast, who), body=words, **more
    )


def does(verb: str, who: str, **fields: Any) -> Act:
    return lambda change, cast: getattr(lifecycle, verb)(change, actor=getattr(cast, who), **fields)


def owned_by(who: str, actor: str = "success") -> Act:
    return lambda change, cast: lifecycle.assign(
        change, actor=getattr(cast, actor), owner=getattr(cast, who)
    )


def answered(change: Change, cast: Cast) -> None:
    question = Question.objects.get(decision__change=change)
    lifecycle.answer_question(change, actor=cast.requester, question=question, answer="Twelve.")


def asked_by_board(change: Change, cast: Cast) -> None:
    questions = [("How many rooms are there?", cast.requester)]
    stories.decided(change, cast, "information_required", questions=questions)


def handed_on(change: Change, cast: Cast) -> None:
    lifecycle.replace_requester(
        change, actor=cast.success, successor=cast.colleague, reason="Grace is on leave."
    )


def failed_test(change: Change, cast: Cast) -> None:
    lifecycle.record_test(
        change, actor=cast.tester, kind="functional", result="failed", evidence="It hung at 3:00."
    )


def later_plan(change: Change, cast: Cast) -> None:
    start = timezone.now() + timedelta(days=3)
    lifecycle.plan_execution(
        change,
        actor=cast.success,
        executor=cast.support,
        window_start=start,
        window_end=start + timedelta(hours=1),
        steps="Do it later.",
        rollback_plan="Undo it.",
    )


def deployment_undone(change: Change, cast: Cast) -> None:
    stories.carried_out(change, cast, "rolled_back")


def beat(days: int) -> Act:
    """Let the beat look for silence, this many days from now."""

    def act(_change: Change, _cast: Cast) -> None:
        with time_machine.travel(timezone.now() + timedelta(days=days, hours=1)):
            tasks.send_reminders()

    return act


def another_day(change: Change, cast: Cast) -> None:
    lifecycle.replan_promise(
        change,
        actor=cast.chair,
        reason="The supplier delivers later.",
        today=timezone.localdate(),
        zone="Europe/London",
        due_on=timezone.localdate() + timedelta(days=500),
    )


def taken_back(change: Change, cast: Cast) -> None:
    """Record an outcome and take it back while its mails wait: later that cannot be."""
    change = stories.decided(change, cast, "rejected", category="not_strategic", reason="No.")
    with override_settings(OUTCOME_UNDO_SECONDS=300):
        lifecycle.take_back_board_outcome(change, actor=cast.chair, reason="The wrong one.")


def like_always(change: Change, cast: Cast) -> None:
    stories.plan(change, cast, **standards.PLAN)


def a_standard_change(cast: Cast) -> Change:
    return standards.in_review(cast, standards.approved(cast))


@remembered
def asked(cast: Cast) -> Change:
    """The question has gone out, and waits for its answer."""
    change = stories.in_confirmation(cast)
    deliver_questions()
    return change


def decided(outcome: str, **fields: Any) -> Act:
    return lambda change, cast: stories.decided(change, cast, outcome, **fields)


ASSESS = does("assess", "success", type="configuration", **stories.ASSESSMENT)
CODE = does("assess", "success", type="code", **stories.ASSESSMENT)
ENDORSE = does("review", "success", outcome="endorsed", findings="Harmless.")
AUTHORISE = does("authorise", "approver", outcome="authorised", reason="We need it.")
REFUSE = does("authorise", "approver", outcome="refused", reason="Too dear for us.")
PLAN: Act = stories.plan
START: Act = stories.started
DONE = does("record_execution", "support", outcome="succeeded", notes="Went as written.")
UNDONE = does("record_execution", "support", outcome="rolled_back", notes="Would not open.")
DOCUMENT = does(
    "document", "success", system="Success desk", reference="SD-77", summary="Round the clock."
)
YES = does("answer_confirmation", "requester", confirmed=True)
NO = does("answer_confirmation", "requester", confirmed=False, reason="Not on Sundays.")
REWORK = does("rework", "success", reason="Sundays were agreed.")
GIVE_UP = does("close_rolled_back", "success", reason="The vendor must mend it first.")
WITHDRAW = does("withdraw", "requester", reason="Done by hand.")
WATCH = does("watch", "developer")
ASK = says("requester", "When will it come?")
TELL = says("success", "Next week, we think.")
NAME = says("support", "@Dan Developer, could you look? @Grace Requester knows more.")
SILENT = does("close_unanswered", "success", reason="Nobody answers.", answer="It is in place.")
NOTE = says("support", SECRET, internal=True)

WAYS: dict[str, tuple[Callable[[Cast], Change], tuple[Act, ...]]] = {
    "assessed and endorsed": (stories.submitted, (ASSESS, ENDORSE)),
    "authorised and planned": (stories.in_review, (ENDORSE, AUTHORISE, PLAN)),
    "put in place": (stories.in_execution, (PLAN, START, DONE, DOCUMENT)),
    "confirmed": (stories.in_documentation, (DOCUMENT, YES)),
    "refused": (stories.in_review, (ENDORSE, TELL, REFUSE)),
    "refused at review": (
        stories.submitted,
        (ASSESS, does("review", "success", outcome="refused", findings="We have it already.")),
    ),
    "undone and planned again": (stories.in_execution, (PLAN, START, UNDONE, later_plan)),
    "undone and given up": (stories.in_execution, (PLAN, START, UNDONE, GIVE_UP)),
    "planned for another day": (stories.in_execution, (PLAN, ASK, later_plan)),
    "not confirmed and reworked": (stories.in_confirmation, (NO, REWORK, PLAN)),
    "withdrawn": (stories.in_authorisation, (ASK, AUTHORISE, WITHDRAW)),
    "watched and withdrawn": (stories.submitted, (WATCH, ASSESS, NOTE, WITHDRAW)),
    "talk": (stories.in_review, (ASK, TELL, NOTE)),
    "talk after a step": (stories.submitted, (ASK, ASSESS, TELL)),
    "owners change": (stories.submitted, (owned_by("support"), owned_by("success"), ASSESS)),
    "owned, then endorsed": (stories.in_review, (owned_by("support"), ENDORSE, ASK)),
    "another requester": (stories.in_execution, (PLAN, handed_on, START, DONE)),
    "another type": (
        stories.in_review,
        (does("reclassify", "success", reason="It needs code.", **stories.ASSESSMENT), TELL),
    ),
    "the board accepts": (stories.on_board, (TELL, decided("accepted"))),
    "the board rejects": (
        stories.on_board,
        (ASK, decided("rejected", category="not_strategic", reason="We leave this market.")),
    ),
    "the board accepts and it is withdrawn": (stories.on_board, (decided("accepted"), WITHDRAW)),
    "the board asks": (stories.on_board, (asked_by_board, answered)),
    "the board asks and it is withdrawn": (stories.on_board, (asked_by_board, WITHDRAW)),
    "built": (
        stories.in_requirements,
        (stories.requirements_defined, stories.risk_written, stories.risk_signed),
    ),
    "a test fails": (stories.in_testing, (failed_test, stories.developed)),
    "tested": (stories.in_testing, (stories.all_passed, stories.deployment_planned)),
    "deployed": (stories.in_deployment, (stories.deployment_planned, stories.carried_out)),
    "deployed and undone": (
        stories.in_deployment,
        (
            stories.deployment_planned,
            deployment_undone,
            TELL,
        ),
    ),
    "asked again": (stories.in_confirmation, (does("resend_confirmation", "success"), ASK, YES)),
    "a standard change": (a_standard_change, (standards.endorsed, like_always, START, UNDONE)),
    "late confirmation": (asked, (beat(3), beat(14), ASK, beat(16), SILENT)),
    "a reminder is answered": (asked, (beat(3), YES)),
    "people are named": (stories.submitted, (ASSESS, NAME, ENDORSE)),
    "muted": (stories.in_review, (does("mute", "success"), ASK, ENDORSE, AUTHORISE)),
    "the promise moves": (stories.in_requirements, (another_day, TELL)),
    "an outcome is taken back": (stories.on_board, (taken_back, TELL)),
    "an outcome is put right": (stories.on_board, (ASK, taken_back, decided("accepted"))),
    "the board decides again": (
        stories.in_requirements,
        (does("reconsider_decision", "chair", reason="It costs more."), ASK),
    ),
}
"""From where on, and what is done then, by the name of the way."""
