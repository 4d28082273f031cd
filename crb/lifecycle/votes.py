"""Votes: append-only, each on the revision of the request that the member has read."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import BoardDecision
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from ..models import AgendaItem, Vote
from .attendance import attend
from .core import hold_for_vote, take_step
from .offers import refresh_offer

Choice = Vote.Choice
VOTES = frozenset(Choice) - {Choice.RECUSE}


def cast_vote(
    item: AgendaItem,
    *,
    actor: User,
    choice: str,
    reason: str = "",
    question: str = "",
    category: str = "",
    elsewhere: str = "",
    seen: int | None = None,
) -> Vote:
    """Vote for one of the four outcomes, or abstain; the latest vote of a member counts.

    ``seen`` is the revision of the request on the member's page. Raises StepForbidden for
    others than members, the requester and the raiser, and the recused; StepIllegal once meeting
    or item are closed or a ballot's deadline has passed, and while the member is marked as not
    being there; ChangeStale when the request was edited meanwhile; StepIncomplete when
    information is required without a question or a rejection names no category. Effects: the
    vote, and in a running meeting the member's attendance.
    """
    if choice not in VOTES:
        raise StepIncomplete(_("Choose one of the four outcomes, or abstain."), ["choice"])
    _check_vote(choice, question, category)
    fields = {"question": question, "category": category, "elsewhere": elsewhere}
    return _append(item, actor, choice, reason, seen, **_of_choice(choice, fields))


def recuse(item: AgendaItem, *, actor: User, reason: str, seen: int | None = None) -> Vote:
    """State a conflict of interest: the member neither votes nor counts for quorum.

    It stands for this change as long as it is on this path; votes the member has cast on it no
    longer count. Raises StepIncomplete without a reason, otherwise as ``cast_vote``.
    """
    if not reason.strip():
        raise StepIncomplete(_("State the conflict of interest."), ["reason"])
    return _append(item, actor, Choice.RECUSE, reason, seen)


def _check_vote(choice: str, question: str, category: str) -> None:
    if choice == Choice.INFORMATION_REQUIRED and not question.strip():
        raise StepIncomplete(_("Say what the board needs to know."), ["question"])
    if choice == Choice.REJECTED and category not in BoardDecision.Category.values:
        raise StepIncomplete(_("Choose why the change should be rejected."), ["category"])


def _of_choice(choice: str, fields: dict[str, str]) -> dict[str, str]:
    """Keep what belongs to the choice: a form sends along what was typed for another."""
    wanted = {
        Choice.INFORMATION_REQUIRED: {"question"},
        Choice.REJECTED: {"category", "elsewhere"},
    }.get(Choice(choice), set())
    if fields.get("category") != BoardDecision.Category.ADDRESSED_ELSEWHERE:
        wanted = wanted - {"elsewhere"}
    return {name: value for name, value in fields.items() if name in wanted}


def _append(
    item: AgendaItem, actor: User, choice: str, reason: str, seen: int | None, **fields: str
) -> Vote:
    with take_step("cast_vote", item, actor=actor, lock=hold_for_vote) as step:
        fresh = step.on
        revision = fresh.change.revision
        if seen is not None and seen != revision:
            raise ChangeStale(
                _("The request was edited since you opened this page. Please read it again.")
            )
        seat = fresh.meeting.seat_of(actor)
        vote = Vote.objects.create(
            item=fresh,
            member=actor,
            for_member=seat.absent if seat else None,
            revision=revision,
            choice=choice,
            reason=reason.strip(),
            **fields,
        )
        if fresh.meeting.is_running and not fresh.meeting.is_ballot:
            attend(fresh.meeting, actor)
        refresh_offer(fresh, actor=actor)
    return vote
