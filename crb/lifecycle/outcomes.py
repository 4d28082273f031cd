"""The chair records what the board decided; the change takes its outcome at once."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.lifecycle.core import lock as lock_change
from changes.models import BoardDecision, Change, parse_reference
from changes.queries import visible_to
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete

from .. import permissions, queries
from ..consequences import promise_words
from ..models import AgendaItem, BoardOutcome
from ..voting import SIDES, WORDS, Choice, Tally
from .ballots import close_when_settled, lock_ballot_of
from .core import lock_item, require_right, require_unmoved, save, take_step

Outcome = BoardDecision.Outcome
REFERENCE = re.compile(r"\bCR-?[0-9]{1,18}\b", re.IGNORECASE)
"""What reads like the reference of a change, wherever it stands in a text."""


def record_outcome(
    item: AgendaItem,
    *,
    actor: User,
    outcome: str,
    reason: str = "",
    category: str = "",
    elsewhere: str = "",
    questions: Sequence[tuple[str, User]] = (),
    casting_vote: bool = False,
    seen: int | None = None,
) -> BoardOutcome:
    """Record the outcome that the votes decide. The chair or the deputy, with quorum.

    Against the tally only a tie may be broken, in favour of one of the tied outcomes, and only
    by a ``casting_vote`` said to be one. ``questions`` are (text, who must answer): the
    requester or one of Expansive's own people. A change named in ``elsewhere`` must exist.
    ``reason`` is what the requester reads. ``seen`` is the change's version on the page.
    Raises StepForbidden, StepIllegal without quorum or against the tally, StepIncomplete, or
    ChangeStale. Effects, in one transaction: state ``decided``; the outcome with the tally as
    it stood; and everything that ``changes.lifecycle.record_board_outcome`` does to the change.
    A ballot closes with its last item.
    """
    with take_step(
        "record_outcome", item, actor=actor, reason=reason, lock=_lock, asks=False
    ) as step:
        outcome_record = record_locked(
            step.on,
            actor=actor,
            outcome=outcome,
            reason=reason,
            category=category,
            elsewhere=elsewhere,
            questions=questions,
            casting_vote=casting_vote,
            seen=seen,
        )
        if step.on.meeting.is_ballot:
            close_when_settled(step.on.meeting, actor=actor)
        return outcome_record


def _lock(item: AgendaItem) -> AgendaItem:
    """Return a fresh item under its lock; a ballot, which closes with its last, is locked first."""
    ballot = lock_ballot_of(item)
    fresh = lock_item(item)
    require_unmoved(item, fresh)
    if ballot is not None:
        fresh.meeting = ballot
    return fresh


def record_locked(
    item: AgendaItem,
    *,
    actor: User,
    outcome: str,
    reason: str = "",
    category: str = "",
    elsewhere: str = "",
    questions: Sequence[tuple[str, User]] = (),
    casting_vote: bool = False,
    by_consent: bool = False,
    seen: int | None = None,
) -> BoardOutcome:
    """Record the outcome of an item whose row is locked: of one alone, or one of a batch."""
    if outcome not in Outcome.values:
        raise StepIncomplete(_("Choose one of the four outcomes."), ["outcome"])
    item.change = lock_change(item.change)  # no edit may come between tally and outcome
    category, elsewhere, questions = _of_outcome(outcome, category, elsewhere, questions)
    count = queries.tally_of(item)
    require_right(permissions.can_record_outcome, actor, item, count)
    _follow_tally(count, Choice(outcome), casting_vote)
    _check_answerers(item.change, outcome, questions)
    _check_elsewhere(item.change, outcome, elsewhere, actor)
    decision = change_lifecycle.record_board_outcome(
        item.change,
        actor=actor,
        outcome=outcome,
        reason=reason,
        category=category,
        elsewhere=elsewhere,
        questions=questions,
        meeting=str(item.meeting),
        decided_on=item.meeting.board.today,
        zone=item.meeting.board.zone,
        seen=seen,
    )
    item.decide(item.remark if decision.corrects_id else "")
    save(item, actor=actor, reason=f"recorded the outcome: {decision.get_outcome_display()}")
    return BoardOutcome.objects.create(
        item=item,
        decision=decision,
        recorded_by=actor,
        casting_vote=count.is_tied,
        by_consent=by_consent,
        sentence=count.settled_sentence,
        tally=snapshot(count),
        promised=promise_words(decision.change, decision),
    )


def _of_outcome(
    outcome: str, category: str, elsewhere: str, questions: Sequence[tuple[str, User]]
) -> tuple[str, str, Sequence[tuple[str, User]]]:
    """Keep what belongs to the outcome: a form sends along what was typed for another."""
    if outcome != Outcome.REJECTED:
        category = ""
    if category != BoardDecision.Category.ADDRESSED_ELSEWHERE:
        elsewhere = ""
    if outcome != Outcome.INFORMATION_REQUIRED:
        questions = ()
    return category, elsewhere, questions


def _follow_tally(count: Tally, outcome: Choice, casting_vote: bool) -> None:
    if count.is_tied:
        if outcome not in count.leading:
            raise StepIllegal(_("A casting vote chooses between the tied outcomes only."))
        if not casting_vote:
            raise StepIllegal(
                _("The votes are tied. Confirm that you decide it by your casting vote.")
            )
    elif outcome != count.outcome:
        raise StepIllegal(
            _("The votes are for “%(leading)s”; only a tie can be decided by the chair.")
            % {"leading": WORDS[count.leading[0]]}
        )
    elif casting_vote:
        raise StepIllegal(_("The votes are no longer tied, so there is no casting vote."))


def _check_answerers(change: Change, outcome: str, questions: Sequence[tuple[str, User]]) -> None:
    if outcome != Outcome.INFORMATION_REQUIRED:
        return
    for text, person in questions:
        if not text.strip():
            raise StepIncomplete(_("A question is empty."), ["questions"])
        person.read_afresh()
        own = person.is_internal and person.roles
        if not person.is_active:
            raise StepIncomplete(_("%s has left and cannot answer.") % person, ["questions"])
        if person.pk != change.requester_id and not own:
            raise StepIncomplete(
                _("Questions go to the requester or to one of Expansive's own people."),
                ["questions"],
            )


def _check_elsewhere(change: Change, outcome: str, elsewhere: str, actor: User) -> None:
    """A change that is named as addressing the aims must exist, and be another one."""
    if outcome != Outcome.REJECTED:
        return
    for word in REFERENCE.findall(elsewhere):
        number = parse_reference(word)
        if number == change.pk:
            raise StepIncomplete(
                _("%s is this change itself. Name another, or a reference.") % word, ["elsewhere"]
            )
        if not visible_to(actor).filter(pk=number or 0).exists():
            raise StepIncomplete(_("There is no change %s.") % word, ["elsewhere"])


def snapshot(count: Tally) -> dict[str, object]:
    """Return the tally as it is kept: who could vote, who did, and how many for what."""
    return {
        "eligible": sorted(count.eligible),
        "recused": sorted(count.recused),
        "voted": sorted(count.positions),
        "missing": sorted(count.missing),
        "needed": count.needed,
        "abstained": count.abstained,
        "counts": {side.value: count.counts[side] for side in SIDES},
    }
