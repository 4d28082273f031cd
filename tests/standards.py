"""Standard changes in any state of their life, each act by the person whose it is."""

from typing import Any

from post_office.models import Email

from accounts.models import User
from changes import lifecycle, standard
from changes.models import Change, ChangeTemplate, StandardApproval
from changes.states import State
from tests import stories
from tests.mailing import worded
from tests.people import Cast
from tests.remembered import remembered

CONTENT = {
    "title": "Switch … on",
    "description": "**Feature:** …\n\n**For whom:** …",
    "type": "configuration",
    "need": "The feature is part of the contract.",
    "likelihood": 1,
    "impact": 2,
    "service_impact": "None.",
    "customer_impact": "They see the feature.",
    "steps": "1. Note the switch.\n2. Set it for ….",
    "rollback_plan": "Set the switch back.",
    "urgency": 2,
}
REQUEST = {
    "title": "Switch maps on",
    "description": "**Feature:** maps\n\n**For whom:** ward 12",
}
PLAN = {
    "steps": "1. Note the switch.\n2. Set it for ward 12.",
    "rollback_plan": "Set the switch back.",
}


@remembered
def template(cast: Cast, **fields: Any) -> ChangeTemplate:
    """A template of Harbour that can be proposed, written by success."""
    name = f"Feature flag {len(ChangeTemplate.objects.all()) or ''}".strip()
    values = {"name": name, "purpose": "On or off.", "organisation": cast.harbour}
    return lifecycle.save_template(None, actor=cast.success, **{**values, **CONTENT, **fields})


@remembered
def proposed(cast: Cast, **fields: Any) -> StandardApproval:
    """Waits for Harbour's approver, or for the board where it is for all customers."""
    case = "Done every week, and undone in a minute."
    return lifecycle.propose_standard(template(cast, **fields), actor=cast.success, case=case)


@remembered
def approved(cast: Cast, **fields: Any) -> StandardApproval:
    """In force for a year."""
    waiting = proposed(cast, **fields)
    by = cast.approver if waiting.template.organisation_id else cast.chair
    return lifecycle.decide_standard(waiting, actor=by, approved=True, reason="Harmless.")


@remembered
def in_review(cast: Cast, approval: StandardApproval, **fields: Any) -> Change:
    """A change made from it that waits for its review."""
    values = {**REQUEST, "template": approval.template, **fields}
    draft = stories.draft(cast, **values)
    change = lifecycle.submit(draft, actor=cast.support)
    names = ("type", "need", "likelihood", "impact", "service_impact", "customer_impact", "urgency")
    judged = {name: CONTENT[name] for name in names}
    return lifecycle.assess(change, actor=cast.success, **judged)


def endorsed(change: Change, cast: Cast) -> Change:
    """Endorse it, by who assessed it."""
    return lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="As always.")


@remembered
def used(cast: Cast) -> Change:
    """Authorised as a standard change, and not planned yet."""
    return endorsed(in_review(cast, approved(cast)), cast)


@remembered
def rolled_back(cast: Cast) -> Change:
    """A standard change that was rolled back."""
    return executed(used(cast), cast, "rolled_back")


def executed(change: Change, cast: Cast, outcome: str = "succeeded") -> Change:
    """Plan it as approved, start and finish it."""
    change = stories.started(stories.plan(change, cast, **PLAN), cast)
    return lifecycle.record_execution(
        change, actor=cast.support, outcome=outcome, notes="It did not answer."
    )


def mail_to(who: User) -> list[Email]:
    """Return every mail to somebody, the oldest first."""
    return list(worded(to=who.email).order_by("pk"))


def edited(one: ChangeTemplate, cast: Cast, **fields: Any) -> ChangeTemplate:
    """Change a template, as success."""
    return lifecycle.save_template(one, actor=cast.success, **fields)


def why_normal(change: Change) -> str:
    """Return why a change waits for an authorisation of its own, as it must."""
    assert change.state == State.AUTHORISATION
    return standard.why_the_normal_way(change)
