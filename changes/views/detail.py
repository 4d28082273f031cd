"""The page of a change: its whole story, what happens next, and what this person may do."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.roles import Role
from expansive_cm.texts import Text
from expansive_cm.ui import markdown
from expansive_cm.ui.components import Tab
from expansive_cm.workflow.decisions import Decision

from .. import (
    access_links,
    approving,
    gaps,
    gates,
    inbox,
    permissions,
    plain,
    planning,
    promises,
    standard,
    unheld,
)
from ..many.acts import ACT
from ..models import Change, Deployment, Release
from ..process import StepInfo
from ..promises import Standing, promised_of
from ..states import FINAL, ChangeType, State
from ..turns import NextStep, next_step
from .access import SignedInRequest
from .checklist import checklist_for
from .discussion import discussion_context
from .happenings import happenings
from .labels import labels_context
from .proposed_answers import proposals_context
from .sections import Section, sections
from .steps import change_or_404

CURRENT_SECTION = {
    State.REVIEW: "assessment",
    State.AUTHORISATION: "review",
    State.EXECUTION: "execution",
    State.ROLLED_BACK: "execution",
    State.BOARD: "assessment",
    State.INFORMATION_REQUIRED: "board",
    State.REQUIREMENTS: "board",
    State.RISK_ASSESSMENT: "risk",
    State.DEVELOPMENT: "development",
    State.TESTING: "testing",
    State.DEPLOYMENT: "deployment",
}
"""The section that the person who acts next needs open."""
RECENT = 8
"""Of the timeline so many events are in the open; the rest unfolds."""


@dataclass(frozen=True)
class Offer:
    """A step that belongs to the change's state, for one person."""

    step: StepInfo
    decision: Decision
    url: str
    again: bool = False

    @property
    def icon(self) -> str:
        return self.step.icon

    @property
    def label(self) -> Text:
        """What the button says; the board records its outcome in its meeting."""
        if self.step.verb == "record_board_outcome":
            return _("Go to the board")
        if self.step.verb == "answer_confirmation" and self.decision:
            return _("Confirm, or say what is wrong")
        return _("Change the plan") if self.again else self.step.label


@login_required
@require_safe
def detail(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the whole story of a change, as far as this person may know it."""
    user = request.user
    if request.method == "GET":
        inbox.read_change(user, pk)
    change = change_or_404(request, pk, with_talk=True)
    offered = offers(user, change)
    onward = next_step(change, user)
    found = sections(change, user)
    talk = discussion_context(user, change)
    told = happenings(change, user, {link["change"].pk for link in talk["links"]})
    context = {
        "change": change,
        "user": user,
        "offered": offered,
        "tabs": tabs(change, user),
        "undelivered": undelivered(change, user),
        "last_stage": last_stage(change),
        "next": next_card(user, change, onward, offered),
        "sections": found,
        "open_section": _open_section(change, found),
        "description": markdown.render(change.description),
        "facts": _promise_facts(user, change),
        "may_take": _may_take(user, change, offered),
        "happenings": told[:RECENT],
        "happened_before": told[RECENT:],
        "gate": _gate(user, change),
        "conflicts": planning.shown_to(user, change),
        "follow_up_key": _follow_up_key(user, change),
        "standard": _standard(user, change),
        "checklist": checklist_for(user, change),
        "approvals": approving.approvals_of(user, change),
        **_as_example(user, change),
        **_mailed_links(user, change),
        **labels_context(user, change),
        **talk,
        **proposals_context(user, change),
    }
    return render(request, "changes/detail.html", context)


def offers(user: User, change: Change) -> list[Offer]:
    """Return every step of this state that has a page, with this person's permission."""
    plans = {"plan_execution": change.execution, "plan_deployment": change.deployment}
    planned = {verb for verb, plan in plans.items() if plan and not plan.finished_at}
    found = []
    for step, decision in permissions.offered_steps(user, change):
        url = step_url(step, change)
        if url and (decision or not _is_no_step_here(step, change)):
            found.append(Offer(step, decision, url, step.verb in planned))
    return found


def _is_no_step_here(step: StepInfo, change: Change) -> bool:
    """What follows the requester's own answer is no step to others; some is of few changes."""
    if step.verb in ("declare_emergency", "withdraw_emergency"):
        return change.is_emergency == (step.verb == "declare_emergency")
    if step.verb == "ask_authorisation":
        return not gates.authorised_as_standard(change)
    return step.verb == "request_successor" or change.state in FINAL


def step_url(step: StepInfo, change: Change) -> str:
    """Return where a step is taken: the board's outcome is recorded on the board's page."""
    try:
        if step.verb == "record_board_outcome":
            return reverse("crb:board")
        return reverse(f"changes:{step.verb}", args=[change.pk])
    except NoReverseMatch:
        return ""


def next_card(user: User, change: Change, onward: NextStep, offered: list[Offer]) -> dict[str, Any]:
    """Return what the card about the next step shows to this person."""
    full = permissions.can_see_internal(user)
    members = onward.who.members() if onward.who else []
    if not full:
        members = [one for one in members if one.organisation_id == user.organisation_id]
    main = [offer for offer in offered if offer.step.main]
    beside = [offer for offer in offered if not offer.step.main]
    mine = [offer for offer in main if offer.decision]
    mine.sort(key=lambda offer: offer.step.verb != onward.verb)
    my_turn = bool(mine) and any(one.pk == user.pk for one in members)
    sentence, note = onward.sentence, onward.note
    if not full:
        status = plain.status_of(change, user, plain.board_date_of(change))
        further = " ".join(part for part in (status.next, status.promise) if part)
        sentence = onward.sentence if my_turn else status.now
        note = status.now if my_turn else further
    lacking = onward.who.lacking() if full and onward.who and not members else None
    helps = lacking is not None and lacking.is_stuck and user.has_role(Role.ADMINISTRATOR)
    return {
        "sentence": sentence,
        "note": note,
        "group": onward.who.name if full and onward.who else "",
        "people": members,
        "lacking": lacking,
        "give_url": unheld.given_at(change, onward.verb) if helps else "",
        "mine": mine,
        "verb": onward.verb,
        "refused": [offer for offer in main if not offer.decision],
        "beside": [offer for offer in beside if offer.decision],
        "beside_refused": [offer for offer in beside if not offer.decision],
        "my_turn": my_turn,
        "ended": change.state in FINAL,
        "full": full,
    }


def tabs(change: Change, user: User, active: str = "story") -> list[Tab]:
    """Return the pages that a change has for this person: mail and history are for colleagues."""
    found = [Tab(_("Story"), change.get_absolute_url(), "book", active=active == "story")]
    if not permissions.can_see_internal(user):
        return found
    if permissions.can_see_mail(user, change):
        url = reverse("changes:mail_log", args=[change.pk])
        found.append(Tab(_("Mail"), url, "mail", active=active == "mail"))
    with suppress(NoReverseMatch):
        url = reverse("audit:change_history", args=[change.pk])
        found.append(Tab(_("History"), url, "history", active=active == "history"))
    return found


def undelivered(change: Change, user: User) -> int:
    """Return how many mails did not arrive and wait for somebody, from the change's events."""
    if not permissions.can_see_mail(user, change):
        return 0
    events = change.events.all()
    noted = {one.data.get("problem") for one in events if one.verb == "undelivered"}
    return len(noted - {one.data.get("problem") for one in events if one.verb == "settle_delivery"})


def last_stage(change: Change) -> str:
    """Return the stage at which a change ended that did not reach its close."""
    if change.state not in FINAL - {State.CLOSED}:
        return ""
    endings = [event for event in change.events.all() if event.to_state == change.state]
    moved = [event for event in endings if event.moved and event.from_state]
    return moved[0].from_state if moved else ""


def _promise_facts(user: User, change: Change) -> dict[str, Any]:
    """Return whether the promise is overdue, and for colleagues how it stands."""
    found = promised_of(change)
    broken = found is not None and found.standing == Standing.BROKEN and not change.is_final
    inside = permissions.can_see_internal(user)
    return {
        "overdue": broken,
        "promised": found if inside else None,
        "moves": promises.moves_of(change),
        "moved_by": promises.what_moved_forecast(change) if inside and found else "",
        "replan_url": promises.replan_url(user, change) if inside else "",
    }


def _may_take(user: User, change: Change, offered: list[Offer]) -> bool:
    """Whether the page has a button by which its reader becomes the owner."""
    allowed = any(one.step.verb == "assign" and one.decision for one in offered)
    return allowed and ACT["take"].may_ever(user) and change.owner_id != user.pk


def _open_section(change: Change, found: list[Section]) -> str:
    wanted = CURRENT_SECTION.get(State(change.state), "")
    keys = [section.key for section in found]
    if wanted in keys:
        return wanted
    return keys[-1] if keys else ""


def _mailed_links(user: User, change: Change) -> dict[str, Any]:
    """Who reaches the change by mailed links, for colleagues who may send and revoke them."""
    decision = permissions.can_revoke_links(user, change)
    shown = permissions.can_see_internal(user) and change.state != State.DRAFT
    return {
        "may_revoke_links": decision,
        "link_readers": access_links.readers(change) if shown and decision else [],
    }


def _follow_up_key(user: User, change: Change) -> str:
    """Return what the button for a follow-up request is known by; "" where there is none."""
    return secrets.token_urlsafe(12) if permissions.can_follow_up(user, change) else ""


def _as_example(user: User, change: Change) -> dict[str, Any]:
    """What begins another one like it, and what this one began with, for who may know it."""
    inside = permissions.can_see_internal(user)
    return {
        "copy_key": secrets.token_urlsafe(12) if permissions.can_copy_as_new(user, change) else "",
        "may_save_as_template": not change.is_unsent
        and permissions.may_save_as_template(user, change).allowed,
        "template_used": change.template if inside else None,
        "release_shown": change.release if inside else None,
        "release_brought": None if inside else _brought_by(change),
    }


def _standard(user: User, change: Change) -> dict[str, Any] | None:
    """Whether it is, or will be, authorised as a standard change, or why not; for colleagues."""
    if not permissions.can_see_internal(user) or change.type != ChangeType.CONFIGURATION:
        return None
    if change.state == State.AUTHORISATION:
        why_not = standard.why_the_normal_way(change)
        return {"why_not": why_not} if why_not else None
    if gates.authorised_as_standard(change):
        return _as_standard(change)
    if change.state != State.REVIEW:
        return None
    found = standard.standing_of(change, standard.latest_approval(change))
    if found.approval is not None:
        return {"to_come": found.approval}
    return {"why_not": found.why_not} if found.why_not else None


def _as_standard(change: Change) -> dict[str, Any]:
    """What authorised it in advance; if that has ended before it is executed, why."""
    approval = change.authorisation.standard
    over = change.state == State.EXECUTION and approval.ending not in ("", "renewed")
    return {"authorised_by": approval.pk, "over": approval.ended_why if over else ""}


def _brought_by(change: Change) -> Release | None:
    """The release that is out and brought the change, whose notes its customer reads."""
    plan = change.deployment
    if plan is None or plan.outcome != Deployment.Outcome.SUCCEEDED:
        return None
    release: Release = plan.release
    return release if release.released_at else None


def _gate(user: User, change: Change) -> list[gaps.Point]:
    """The deployment gate is shown to colleagues while it stands before the next step."""
    if change.state != State.DEPLOYMENT or not permissions.can_see_internal(user):
        return []
    return gaps.points_for(user, change)
