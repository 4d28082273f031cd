"""A requester who leaves: somebody else of the same customer takes the request over."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation, User

from ..errors import StepIncomplete
from ..models import Change
from ..states import OPEN, State
from ..turns.past import AUTHORISERS
from .access import revoke
from .confirmation import ask_anew
from .core import Step, take_step


def replace_requester(
    change: Change,
    *,
    actor: User,
    successor: User,
    reason: str,
    everywhere: bool = False,
    seen: int | None = None,
) -> Change:
    """Name another person of the same customer as the requester.

    What was asked of the one who leaves is asked of the successor: open questions of the board
    and the question whether the change meets the need. With ``everywhere`` all other open
    requests of the same person go along: all of them or none. Raises StepIncomplete for
    somebody who cannot be the requester. Effects, on each change: the requester; links of the
    former one are revoked; event; the successor is told, with a link; the former requester,
    owner and watchers are told.
    """
    with transaction.atomic():
        others = _lock_others(change) if everywhere else []
        former, changed = _replace(change, actor, successor, reason, seen)
        for other in others:
            if other.requester_id == former.pk:
                _replace(other, actor, successor, reason, None)
    return changed


def _lock_others(change: Change) -> Sequence[Change]:
    """Lock all open requests of a change's requester, in one order, and return the others."""
    if change.requester is None:
        return []
    found = open_changes_of(change.requester, change.organisation)
    locked = Change.objects.select_for_update(of=("self",)).order_by("pk")
    wanted = {*found.values_list("pk", flat=True), change.pk}
    return [one for one in locked.filter(pk__in=wanted) if one.pk != change.pk]


def _replace(
    change: Change, actor: User, successor: User, reason: str, seen: int | None
) -> tuple[User, Change]:
    with take_step("replace_requester", change, actor=actor, seen=seen) as step:
        former = step.change.requester
        assert former is not None
        _insist_on(step.change, successor)
        step.reason = reason
        step.data = {
            "from": former.pk,
            "from_name": former.display_name or former.email,
            "to": successor.pk,
            "to_name": successor.display_name or successor.email,
        }
        step.change.requester = successor
        revoke(step, former)
        for question in step.change.questions.filter(answerer=former, answered_at=None):
            question.answerer = successor
            step.save(question)
        if _ask_anew(step):
            step.data["asked"] = successor.pk
    return former, step.change


def _insist_on(change: Change, successor: User) -> None:
    """Refuse somebody of another customer, somebody who has left, and the approver."""
    if successor.pk == change.requester_id:
        raise StepIncomplete(_("%s is the requester already.") % successor, ["successor"])
    successor.read_afresh()
    if not successor.is_active or successor.organisation_id != change.organisation_id:
        sentence = _("The successor must be somebody of %s who is still there.")
        raise StepIncomplete(sentence % change.organisation, ["successor"])
    if AUTHORISERS.act(successor, change):
        sentence = _(
            "Separation of duties: %(person)s approved %(change)s, and cannot be the one who asked"
            " for it."
        )
        words = {"person": successor, "change": change.reference}
        raise StepIncomplete(sentence % words, ["successor"])


def _ask_anew(step: Step) -> bool:
    """Put the open question whether the change meets the need, if there is one, to the successor.

    That mail says whose place they take; return whether it is written.
    """
    confirmation = step.change.confirmation
    if step.change.state != State.CONFIRMATION or confirmation is None or not confirmation.is_open:
        return False
    confirmation.change = step.change
    ask_anew(step, confirmation, instead_of=step.data["from_name"])
    return True


def open_changes_of(person: User, organisation: Organisation | None) -> QuerySet[Change]:
    """Return the open requests of a person of one customer."""
    return person.requested_changes.filter(state__in=OPEN, organisation=organisation)


def hand_over(person: User, *, actor: User, successor: User, reason: str) -> Change:
    """Name a successor for all open requests of somebody who leaves; return the first of them.

    Raises what ``replace_requester`` raises, and StepIncomplete when there is nothing to hand
    over. Effects: those of ``replace_requester`` on each.
    """
    first = open_changes_of(person, person.organisation).order_by("pk").first()
    if first is None:
        raise StepIncomplete(_("%s has no open request.") % person)
    return replace_requester(
        first, actor=actor, successor=successor, reason=reason, everywhere=True
    )
