"""Takes each step of a story through the lifecycle, as the person whom the story names.

A step is a table: ``do`` names the function of ``changes.lifecycle``, ``by`` who takes it (the
usual person when left out), the rest is what the function wants, under short names.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from changes import lifecycle
from changes.models import CHECKLIST, Change, Release
from expansive_cm.sure import sure

from . import board, releases, talk
from .schedule import Story
from .world import Step, World


def take(world: World, story: Story, step: Step) -> None:
    """Take one step of a story now. Raises StepError when the process does not allow it."""
    if story.change_id is None:
        begin(world, story)
    if step["do"] != "save_draft":
        STEPS[step["do"]](world, world.change(story.key), step)


def begin(world: World, story: Story) -> None:
    """Write the draft that every change begins as."""
    requester = world.people[story.requester]
    today = timezone.localdate()
    draft = lifecycle.save_draft(
        None,
        actor=world.people[story.raised_by or story.requester],
        services=[world.services[name] for name in story.services],
        title=story.title,
        description=story.description,
        organisation=requester.organisation,
        requester=requester,
        channel=story.channel,
        desired_on=today + timedelta(days=story.desired) if story.desired else None,
    )
    story.change_id = draft.pk


# Request and initial assessment


def submit(world: World, change: Change, step: Step) -> None:
    lifecycle.submit(change, actor=change.raised_by)


def assess(world: World, change: Change, step: Step) -> None:
    lifecycle.assess(
        change,
        actor=world.actor(step, world.manager(change)),
        type=step["type"],
        **_judgement(step),
    )


def _judgement(step: Step) -> dict[str, Any]:
    likelihood, impact = step["risk"]
    return {
        "need": step["need"],
        "likelihood": likelihood,
        "impact": impact,
        "urgency": step.get("urgency", 2),
        "service_impact": step["service"],
        "customer_impact": step["customer"],
    }


def declare_emergency(world: World, change: Change, step: Step) -> None:
    actor = world.actor(step, world.manager(change))
    lifecycle.declare_emergency(change, actor=actor, reason=step["text"])


def reclassify(world: World, change: Change, step: Step) -> None:
    actor = world.actor(step, world.manager(change))
    lifecycle.reclassify(change, actor=actor, reason=step["text"], **_judgement(step))


def edit(world: World, change: Change, step: Step) -> None:
    fields = {name: step[name] for name in ("title", "description") if name in step}
    actor = world.actor(step, sure(change.requester))
    lifecycle.edit(change, actor=actor, reason=step["text"], **fields)


def assign(world: World, change: Change, step: Step) -> None:
    lifecycle.assign(change, actor=world.actor(step, "nadia"), owner=world.people[step["owner"]])


def withdraw(world: World, change: Change, step: Step) -> None:
    lifecycle.withdraw(change, actor=world.actor(step, sure(change.requester)), reason=step["text"])


# Configuration changes


def review(world: World, change: Change, step: Step) -> None:
    lifecycle.review(
        change,
        actor=world.actor(step, world.manager(change)),
        outcome=step.get("outcome", "endorsed"),
        findings=step["text"],
    )


def authorise(world: World, change: Change, step: Step) -> None:
    lifecycle.authorise(
        change,
        actor=world.actor(step, "helen"),
        outcome=step.get("outcome", "authorised"),
        reason=step["text"],
    )


def plan_execution(world: World, change: Change, step: Step) -> None:
    opens = timezone.now() + timedelta(days=step.get("start", 1))
    opens = opens.replace(minute=0, second=0, microsecond=0)
    lifecycle.plan_execution(
        change,
        actor=world.actor(step, world.manager(change)),
        executor=world.people[step.get("executor", "nadia")],
        window_start=opens,
        window_end=opens + timedelta(hours=step.get("hours", 2)),
        steps=step["steps"].strip(),
        rollback_plan=step["rollback"].strip(),
    )


def start_execution(world: World, change: Change, step: Step) -> None:
    reason = step.get("reason", "The customer asked for it at this hour.")
    lifecycle.start_execution(change, actor=change.execution.executor, reason=reason)


def record_execution(world: World, change: Change, step: Step) -> None:
    lifecycle.record_execution(
        change,
        actor=change.execution.executor,
        outcome=step.get("outcome", "succeeded"),
        notes=step["text"],
    )


def close_rolled_back(world: World, change: Change, step: Step) -> None:
    actor = world.actor(step, world.manager(change))
    lifecycle.close_rolled_back(change, actor=actor, reason=step["text"])


def document(world: World, change: Change, step: Step) -> None:
    world.ticket += 37
    lifecycle.document(
        change,
        actor=world.actor(step, world.manager(change)),
        system="Success Desk",
        reference=f"SD-{world.ticket}",
        link=f"https://success.expansive.example/cases/SD-{world.ticket}",
        summary=step["text"],
    )


# Code changes


def answer_question(world: World, change: Change, step: Step) -> None:
    question = sure(change.questions.filter(answered_at=None).order_by("pk").first())
    actor = world.actor(step, question.answerer)
    lifecycle.answer_question(change, actor=actor, question=question, answer=step["text"])


def define_requirements(world: World, change: Change, step: Step) -> None:
    lifecycle.define_requirements(
        change,
        actor=world.actor(step, "jonas"),
        purpose=step["purpose"],
        scope=step["scope"],
        objectives=step["objectives"],
        acceptance_criteria=step["criteria"],
    )


def assess_risk(world: World, change: Change, step: Step) -> None:
    lifecycle.assess_risk(
        change,
        actor=world.actor(step, "jonas"),
        security_risks=step["risks"],
        impact_analysis=step["impact"],
        mitigations=step["mitigations"],
    )


def sign_risk_assessment(world: World, change: Change, step: Step) -> None:
    lifecycle.sign_risk_assessment(
        change,
        actor=world.actor(step, "aisha"),
        signed_off=step.get("signed_off", True),
        remarks=step.get("text", ""),
    )


def record_development(world: World, change: Change, step: Step) -> None:
    world.pull_request += 13
    lifecycle.record_development(
        change,
        actor=world.actor(step, "jonas"),
        reference=f"https://git.expansive.example/platform/pulls/{world.pull_request}",
        authors=[world.people[name] for name in step.get("authors", [])],
        checklist=list(CHECKLIST),
        notes=step["text"],
    )


def peer_review(world: World, change: Change, step: Step) -> None:
    lifecycle.peer_review(
        change,
        actor=world.actor(step, "aisha"),
        outcome=step.get("outcome", "approved"),
        findings=step["text"],
    )


def record_test(world: World, change: Change, step: Step) -> None:
    lifecycle.record_test(
        change,
        actor=world.actor(step, "piotr"),
        kind=step["kind"],
        result=step.get("result", "passed"),
        evidence=step["text"],
    )


def plan_deployment(world: World, change: Change, step: Step) -> None:
    coming = Release.objects.filter(planned_on__gte=timezone.localdate(), cancelled_at=None)
    release = coming.order_by("planned_on")[0]
    lifecycle.plan_deployment(
        change,
        actor=world.actor(step, "kate"),
        release=release,
        rollback_plan=step["rollback"],
        **releases.reasons(change, release),
    )


def start_deployment(world: World, change: Change, step: Step) -> None:
    reason = step.get("reason", "It was not ready when the release went out.")
    lifecycle.start_deployment(change, actor=world.actor(step, "kate"), reason=reason)


def record_deployment(world: World, change: Change, step: Step) -> None:
    lifecycle.record_deployment(
        change,
        actor=world.actor(step, "kate"),
        outcome=step.get("outcome", "succeeded"),
        notes=step["text"],
    )


# Confirmation and close


def answer_confirmation(world: World, change: Change, step: Step) -> None:
    confirmed = step.get("confirmed", True)
    lifecycle.answer_confirmation(
        change,
        actor=sure(change.requester),
        meets_need=step.get("meets_need", confirmed),
        as_expected=confirmed,
        wish=step.get("wish", ""),
        reason=step.get("text", ""),
    )


def rate(world: World, change: Change, step: Step) -> None:
    lifecycle.rate(
        change,
        actor=sure(change.requester),
        rating=step["rating"],
        rating_comment=step.get("text", ""),
    )


def record_contact(world: World, change: Change, step: Step) -> None:
    lifecycle.record_contact(
        change,
        actor=world.actor(step, world.manager(change)),
        means=step.get("means", "telephone"),
        reached=step.get("reached", False),
        note=step["text"],
    )


def resend_confirmation(world: World, change: Change, step: Step) -> None:
    lifecycle.resend_confirmation(change, actor=world.actor(step, world.manager(change)))


def close_unanswered(world: World, change: Change, step: Step) -> None:
    actor = world.actor(step, world.manager(change))
    lifecycle.close_unanswered(change, actor=actor, reason=step["text"])


def rework(world: World, change: Change, step: Step) -> None:
    actor = world.actor(step, world.manager(change))
    lifecycle.rework(change, actor=actor, reason=step["text"])


def close_with_successor(world: World, change: Change, step: Step) -> None:
    """The successor is a story of its own, which goes on from there."""
    story = world.stories[step["successor"]]
    successor = lifecycle.close_with_successor(
        change,
        actor=world.actor(step, world.manager(change)),
        reason=step["text"],
        title=story.title,
        description=story.description,
    )
    story.change_id = successor.pk


def send_reminder(world: World, change: Change, step: Step) -> None:
    lifecycle.send_reminder(step["confirmation"], step["after_days"])


def escalate(world: World, change: Change, step: Step) -> None:
    lifecycle.escalate(step["confirmation"])


TAKERS = (
    submit,
    assess,
    declare_emergency,
    reclassify,
    edit,
    assign,
    withdraw,
    review,
    authorise,
    plan_execution,
    start_execution,
    record_execution,
    close_rolled_back,
    document,
    answer_question,
    define_requirements,
    assess_risk,
    sign_risk_assessment,
    record_development,
    peer_review,
    record_test,
    plan_deployment,
    start_deployment,
    record_deployment,
    answer_confirmation,
    rate,
    record_contact,
    resend_confirmation,
    close_unanswered,
    rework,
    close_with_successor,
    send_reminder,
    escalate,
)
STEPS: dict[str, Callable[[World, Change, Step], None]] = {
    function.__name__: function for function in (*TAKERS, board.record_board_outcome, *talk.TAKERS)
}
