"""The consent items: any member takes one out, the chair records the rest as one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from changes.lifecycle.core import lock as lock_change
from expansive_cm.workflow.decisions import Refusal
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import permissions, queries
from ..consent import consent_side
from ..models import AgendaItem, BoardOutcome, Meeting
from ..voting import WORDS
from .agenda import lock_items, number_items, place
from .core import ask, lock_item_with_meeting, lock_meeting, save, save_meeting, take_step
from .outcomes import record_locked
from .versions import record_version


@dataclass
class ConsentRecord:
    """What became of a batch: outcomes, and the items that were left out, each with why."""

    recorded: list[BoardOutcome] = field(default_factory=list)
    left_out: list[tuple[AgendaItem, str]] = field(default_factory=list)


def pull_from_consent(item: AgendaItem, *, actor: User, reason: str) -> AgendaItem:
    """Take an item out of the consent items, to be discussed. Any member, with a reason.

    Effects: the item stands behind those that are discussed and never comes back to the batch;
    a new version if the agenda is published. Raises StepIllegal once the batch is recorded.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say what there is to discuss."), ["reason"])
    with take_step(
        "pull_from_consent", item, actor=actor, reason=reason, lock=lock_item_with_meeting
    ) as step:
        fresh, meeting = step.on, step.on.meeting
        fresh.is_consent = False
        fresh.pulled_by, fresh.pulled_at = actor, timezone.now()
        fresh.pull_reason = reason.strip()
        words = f"taken out of the consent items: {reason.strip()}"
        place(meeting, [fresh], actor=actor, reason=words, at_the_end=True)
        why = _("Taken out of the consent items: %s.") % fresh.change.reference
        record_version(meeting, actor=actor, reason=why)
        save_meeting(meeting, actor, words)
    return fresh


def record_consent(
    meeting: Meeting, *, actor: User, shown: Mapping[int, str] | None = None
) -> ConsentRecord:
    """Record the outcome of every consent item. The chair or the deputy, in the meeting.

    Each item gets an outcome and a decision of its own, through what records a single one; all
    of them in one transaction, or none. An item that has lost its consent since the meeting
    began, by a late vote or an edit of its request, is left out and discussed. An item on which
    the actor may not decide is left out too but stays in the batch, for the other of chair and
    deputy. ``shown`` are the items on the page with the outcome that each showed (nothing if it
    showed none): raises ChangeStale if these are not the batch, because a member has taken one
    out, say, or if another outcome leads by now.
    """
    items: list[AgendaItem] = []

    def lock(meeting: Meeting) -> Meeting:
        fresh = lock_meeting(meeting)
        items[:] = lock_items(fresh)
        return fresh

    with take_step("record_consent", meeting, actor=actor, lock=lock) as step:
        fresh = step.on
        batch = [item for item in items if item.is_open and item.is_consent]
        if shown is not None:
            _require_shown(items, batch, shown)
        answer = ConsentRecord()
        for item in batch:
            item.meeting = fresh
            _record(item, actor, answer, (shown or {}).get(item.pk, ""))
        _return_to_discussion(fresh, actor)
        save_meeting(fresh, actor, "recorded the consent items")
    return answer


def _require_shown(
    items: Sequence[AgendaItem], batch: Sequence[AgendaItem], shown: Mapping[int, str]
) -> None:
    """Raise ChangeStale, with what has changed, unless the page showed this very batch."""
    before, now = set(shown), {item.pk for item in batch}
    if before == now:
        return
    news = [_why_gone(item) for item in items if item.pk in before - now]
    joined = _("%s has joined them.")
    news += [joined % item.change.reference for item in batch if item.pk not in before]
    raise _has_changed(news)


def _has_changed(news: Sequence[str]) -> ChangeStale:
    first = _("The consent items have changed since you opened this page, so nothing is recorded.")
    return ChangeStale(" ".join([first, *news, _("Please look at them again.")]))


def _record(item: AgendaItem, actor: User, answer: ConsentRecord, shown: str) -> None:
    """Record one item of the batch under its own and its change's lock, or leave it out."""
    item.change = lock_change(item.change)
    count = queries.tally_of(item)
    side = consent_side(count, item.meeting.board.consent_count)
    if side is None:
        item.is_consent = False
        save(item, actor=actor, reason="no longer by consent")
        answer.left_out.append((item, _("The members no longer agree on it.")))
        return
    if shown and side != shown:
        words = {"reference": item.change.reference, "outcome": WORDS[side]}
        raise _has_changed([_("On %(reference)s the votes now lead to: %(outcome)s.") % words])
    decision = ask(permissions.can_record_outcome, actor, item, count)
    if not decision and decision.kind in (
        Refusal.SEPARATION,
        Refusal.STATE,
    ):
        answer.left_out.append((item, decision.reason))
        return
    answer.recorded.append(record_locked(item, actor=actor, outcome=side, by_consent=True))


def _why_gone(item: AgendaItem) -> str:
    words = {"reference": item.change.reference, "name": item.pulled_by}
    if item.is_open and item.pulled_by is not None:
        return _("%(name)s has taken %(reference)s out.") % words
    return _("%(reference)s is no longer one of them.") % words


def _return_to_discussion(meeting: Meeting, actor: User) -> None:
    """Let those that lost consent stand before the ones that are left, and keep a version."""
    number_items(lock_items(meeting), actor=actor)
    record_version(meeting, actor=actor, reason=_("Without what lost its consent."))
