"""Standard changes of the demonstration: one in force and used, one ended by a rollback.

And a template whose changes went well again and again, which is a candidate.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from accounts.models import User
from changes import lifecycle
from changes.models import Change, ChangeTemplate

from .diary import Diary
from .schedule import moment_of
from .world import World


@dataclass
class Kind:
    """A template, what its changes fill in for its blanks, who is asked and who approves."""

    values: dict[str, Any]
    filled_in: tuple[str, ...]
    requester: str
    approver: str
    template: ChangeTemplate | None = None


NOTICES = Kind(
    {
        "name": "Recipients of an alarm",
        "purpose": "Somebody gets an alarm, or gets it no more.",
        "title": "Recipients of the alarm …",
        "description": "**Alarm:** …\n\n**Who:** …",
        "need": "The people on duty have changed.",
        "likelihood": 1,
        "impact": 2,
        "service_impact": "None: the list is read with the next alarm.",
        "customer_impact": "The alarm reaches the people on duty.",
        "steps": "1. Note the list.\n2. Change it as asked.\n3. Send a test alarm.",
        "rollback_plan": "Put back the list that was noted. Support decides, at once.",
        "checklist": "Everybody on the list is on duty\nThe test alarm came (required)",
    },
    ("cold store 3", "cold store 3 above 5 °C", "the duty officer instead of the head of estates"),
    "chloe",
    "margaret",
)
HOURS = Kind(
    {
        "name": "Hours of a room",
        "purpose": "A room can be booked earlier or later than before.",
        "title": "Hours of room …",
        "description": "**Room:** …\n\n**From and until:** …",
        "need": "The room is used at other times.",
        "likelihood": 1,
        "impact": 3,
        "service_impact": "None.",
        "customer_impact": "Bookings outside of the new hours are refused.",
        "steps": "1. Note the hours.\n2. Set the new ones.\n3. Book the room for a test.",
        "rollback_plan": "Set the hours that were noted. Support decides, at once.",
    },
    ("2.14", "2.14", "07:00 until 21:00"),
    "anwen",
    "judith",
)
BADGES = Kind(
    {
        "name": "Badge of a contractor",
        "purpose": "A contractor's badge opens doors for some time.",
        "title": "Badge for …",
        "description": "**Company:** …\n\n**Doors and until when:** …",
        "need": "The contractor works on site.",
        "likelihood": 1,
        "impact": 2,
        "service_impact": "None.",
        "customer_impact": "The badge opens the doors named, and no others.",
        "steps": "1. Make the badge.\n2. Give it the doors.\n3. Set its last day.",
        "rollback_plan": "Block the badge. Reception decides, at once.",
    },
    ("the lift inspection", "Upward Lifts", "machine rooms, until the end of the month"),
    "anwen",
    "judith",
)


def enter_standards(world: World, diary: Diary) -> None:
    """Write the templates, and enter their approvals and the changes made from them."""
    for kind, is_for_all in ((NOTICES, True), (HOURS, False), (BADGES, False)):
        kind.template = _write(world, kind, is_for_all)
    for kind, ago, reason in (
        (NOTICES, 210, "A list of people; a mistake is seen at the next test alarm."),
        (HOURS, 190, "We have asked for it every month, and it never did any harm."),
    ):
        _enter(diary, ago, kind, partial(_approve, world, kind, reason))
    runs = (
        *((BADGES, ago, "succeeded") for ago in (170, 120, 70)),
        (HOURS, 60, "rolled_back"),
        (NOTICES, 24, "succeeded"),
    )
    for kind, ago, outcome in runs:
        steps = _run(world, kind, outcome)
        for number in range(9):
            _enter(diary, ago - number, kind, partial(next, steps, None))


def _enter(diary: Diary, ago: float, kind: Kind, act: Callable[[], Any]) -> None:
    name = kind.values["name"]
    diary.add(moment_of(diary.now, ago, f"{name}:{ago}"), name, act)


def _write(world: World, kind: Kind, is_for_all: bool) -> ChangeTemplate:
    customer = world.people[kind.requester].organisation
    return lifecycle.save_template(
        None,
        actor=world.people.success_manager_of(customer),
        organisation=None if is_for_all else customer,
        type="configuration",
        urgency=2,
        system="Success desk",
        **kind.values,
    )


def _approve(world: World, kind: Kind, reason: str) -> None:
    assert kind.template is not None
    manager = world.people.success_manager_of(world.people[kind.requester].organisation)
    case = "It is asked for every month, and undone within minutes."
    proposal = lifecycle.propose_standard(kind.template, actor=manager, case=case)
    approver = world.people[kind.approver]
    lifecycle.decide_standard(proposal, actor=approver, approved=True, reason=reason)


def _run(world: World, kind: Kind, outcome: str) -> Iterator[None]:
    """Take one change from its request to its end, a step each time it is asked to go on."""
    requester = world.people[kind.requester]
    manager = world.people.success_manager_of(requester.organisation)
    change = _request(world, kind, requester)
    yield
    change = lifecycle.assess(
        change, actor=manager, type="configuration", urgency=2, **_judgement(kind)
    )
    yield
    change = lifecycle.review(
        change, actor=manager, outcome="endorsed", findings="As always. Nothing speaks against it."
    )
    yield
    if change.state == "authorisation":
        approver = world.people[kind.approver]
        change = lifecycle.authorise(
            change, actor=approver, outcome="authorised", reason="Fine with us."
        )
    yield
    change = _plan(world, kind, change, manager)
    yield
    for item in change.checklist_items.all():
        lifecycle.tick_item(change, actor=change.execution.executor, item=item.pk, done=True)
    reason = "The customer asked for it at this hour."
    change = lifecycle.start_execution(change, actor=change.execution.executor, reason=reason)
    notes = "Done as written." if outcome == "succeeded" else "Bookings of others were refused."
    change = lifecycle.record_execution(
        change, actor=change.execution.executor, outcome=outcome, notes=notes
    )
    yield
    if outcome == "rolled_back":
        reason = "The old hours stay until the booking rules of the wing are clear."
        lifecycle.close_rolled_back(change, actor=manager, reason=reason)
        return
    world.ticket += 37
    change = lifecycle.document(
        change,
        actor=manager,
        system="Success Desk",
        reference=f"SD-{world.ticket}",
        summary="It is as you asked.",
    )
    yield
    lifecycle.answer_confirmation(change, actor=requester, confirmed=True)


def _plan(world: World, kind: Kind, change: Change, manager: User) -> Change:
    opens = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    return lifecycle.plan_execution(
        change,
        actor=manager,
        executor=world.people["nadia"],
        window_start=opens,
        window_end=opens + timedelta(hours=2),
        steps=kind.values["steps"],
        rollback_plan=kind.values["rollback_plan"],
    )


def _judgement(kind: Kind) -> dict[str, Any]:
    names = ("need", "likelihood", "impact", "service_impact", "customer_impact")
    return {name: kind.values[name] for name in names}


def _request(world: World, kind: Kind, requester: User) -> Change:
    title, *blanks = kind.filled_in
    description = kind.values["description"]
    for words in blanks:
        description = description.replace("…", words, 1)
    draft = lifecycle.save_draft(
        None,
        actor=world.people["nadia"],
        title=kind.values["title"].replace("…", title),
        description=description,
        organisation=requester.organisation,
        requester=requester,
        channel="phone",
        template=kind.template,
    )
    return lifecycle.submit(draft, actor=world.people["nadia"])
