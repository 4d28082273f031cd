"""Another requester: a successor of the same customer, or whom a request was meant to be for."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from post_office.models import STATUS, Email

from accounts.models import Organisation, User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepForbidden, StepIncomplete
from expansive_cm.workflow.steps import attribute

from .. import inbox, mail_log, permissions, proposing, settling
from ..models import AccessLink, Change, Notice
from ..states import OPEN, State
from ..turns.past import AUTHORISERS
from .access import revoke
from .checklist import drop_checklist
from .confirmation import ask_anew
from .core import Step, take_step

AT_ONCE = 50
"""How many requests or owned changes go to a successor in one transaction."""


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
    somebody who cannot be the requester, and for more than AT_ONCE others, which a run hands
    over (`many.handing_over`). Effects, on each change: the requester; links of the
    former one are revoked; event; the successor is told, with a link; the former requester,
    owner and watchers are told.
    """
    with acting():
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
    if found.exclude(pk=change.pk).count() > AT_ONCE:
        raise StepIncomplete(_("These are too many open requests for one go."), ["everywhere"])
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
        asked = step.change.questions.filter(decision__taken_back_at=None)
        for question in asked.filter(answerer=former, answered_at=None):
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


def correct_customer(
    change: Change,
    *,
    actor: User,
    organisation: Organisation,
    requester: User,
    reason: str,
    seen: int | None = None,
) -> Change:
    """Put right for whom a request was raised, before it is assessed.

    Raises StepForbidden for a customer that the actor does not raise for, and StepIncomplete for
    a requester who is not there, or when people of the former customer have taken part: what
    they wrote is not for another customer. Effects: customer and requester; a template of the
    former customer is forgotten with its checklist, watchers of another customer are taken off,
    and all links of the former requester and of theirs are revoked; no mail that waits tells the
    former requester, nor do the notifications, unless they raised it or watch it; an internal
    event, which keeps the former names;
    the event also keeps which mails had reached the former requester;
    the new requester is told as of a new request, and the team that looks after it from now on
    that it waits.
    """
    with take_step("correct_customer", change, actor=actor, seen=seen) as step:
        fresh, former, customer = step.change, step.change.requester, step.change.organisation
        assert former is not None and customer is not None
        _insist_on_correction(fresh, actor, organisation, requester)
        step.reason, step.internal = reason, True
        step.data = {
            "from": former.pk,
            "from_name": former.display_name or former.email,
            "from_organisation": customer.pk,
            "from_organisation_name": customer.name,
            "to": requester.pk,
            "to_name": requester.display_name or requester.email,
            "arrived": mail_log.arrived(fresh, former),
        }
        fresh.organisation, fresh.requester = organisation, requester
        if fresh.template and not proposing.template_of(fresh):
            drop_checklist(step)
            fresh.template = None
        _let_go(step, former, organisation)
    return step.change


def _insist_on_correction(
    change: Change, actor: User, organisation: Organisation, requester: User
) -> None:
    if not permissions.may_raise_for(actor, organisation):
        raise StepForbidden(_("You cannot raise changes for this organisation."))
    if not requester.is_active or requester.organisation_id != organisation.pk:
        sentence = _("The requester must be somebody of %s who is still there.")
        raise StepIncomplete(sentence % organisation, ["requester"])
    if requester.pk == change.requester_id:
        raise StepIncomplete(_("%s is the requester already.") % requester, ["requester"])
    if organisation.pk == change.organisation_id:
        return
    others = User.objects.exclude(organisation=None).exclude(organisation=organisation)
    # Of a successor what they wrote and attached came along, though none of them did anything.
    acts = change.events.filter(actor__in=others)
    texts = change.comments.filter(author__in=others)
    files = change.attachments.filter(uploaded_by__in=others)
    if acts.exists() or texts.exists() or files.exists():
        sentence = _(
            "Somebody of %s has taken part in this request. Withdraw it, and raise it anew for the"
            " right customer: what they wrote is not for others."
        )
        raise StepIncomplete(sentence % change.organisation, ["organisation"])


def _let_go(step: Step, former: User, organisation: Organisation) -> None:
    """Take links and watching from the former requester, and from whoever is of another customer.

    A colleague of the same customer goes on watching.
    """
    change = step.change
    others = User.objects.exclude(organisation=None).exclude(organisation=organisation)
    attribute(change, actor=step.actor, reason=step.why)
    change.watchers.remove(*others.filter(watched_changes=change))
    had_links = AccessLink.objects.filter(change=change).values("person")
    for person in {former, *others.filter(pk__in=had_links)}:
        revoke(step, person)
    if former.pk != change.raised_by_id and not change.watchers.filter(pk=former.pk).exists():
        _tell_no_more(change, former)


def _tell_no_more(change: Change, former: User) -> None:
    """Let nothing that waits tell somebody of a request that was never theirs.

    What the worker holds at this moment is on its way.
    """
    told = Notice.objects.filter(change=change, person=former)
    waiting = Email.objects.filter(pk__in=told.values("email"), status=STATUS.queued)
    held = waiting.filter(expires_at=None).select_for_update(skip_locked=True, of=("self",))
    for email in held.order_by("pk"):
        if not email.notices.exclude(change=change).exists():
            settling.drop(email)
    told.filter(email=None).update(is_for_digest=False)
    inbox.leave_out(told)
