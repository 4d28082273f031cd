"""Who may write, attach files, link changes and watch."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import Change, Comment
from ..states import State
from .rules import can_see_internal, internal, not_only_auditor, sees, still_open

CORRECTABLE = timedelta(minutes=15)
"""How long a comment can be corrected; the database refuses it soon after."""


def can_comment(user: User, change: Change) -> Decision:
    """Everybody who sees the change, except auditors, who only read.

    Where it ended with a question of the customer's open, our people still answer that.
    """
    to_answer = change.left_unanswered and can_see_internal(user)
    ended = None if to_answer else still_open(change)
    return decide(sees(user, change), not_only_auditor(user, change), ended)


def _talks(user: User, change: Change) -> Decision:
    """Who adds to the talk about a change that goes on."""
    return decide(sees(user, change), not_only_auditor(user, change), still_open(change))


def can_note(user: User, change: Change) -> Decision:
    """Internal notes are for Expansive's own people."""
    refusal = internal(user)
    return can_comment(user, change) if refusal is None else refusal


def can_correct_comment(user: User, change: Change) -> Decision:
    """As for comments; ``may_correct`` says whether one of them is this person's to correct."""
    return can_comment(user, change)


def may_correct(user: User, comment: Comment, *, by_mail: bool) -> Decision:
    """Whoever wrote a comment on our pages corrects it, for CORRECTABLE and no longer."""
    person = came = late = None
    if comment.author_id != user.pk:
        person = refuse(Refusal.PERSON, _("Only whoever wrote a comment corrects it."))
    elif comment.is_internal:
        person = internal(user)
    if by_mail:
        came = refuse(Refusal.STATE, _("What came by mail stays as it was written."))
    if timezone.now() - comment.created_at > CORRECTABLE:
        late = refuse(
            Refusal.STATE,
            _("A comment can be corrected for %d minutes. Please write another one.")
            % (CORRECTABLE.total_seconds() // 60),
        )
    return decide(person, came, late)


def can_attach(user: User, change: Change) -> Decision:
    """As for comments while the change is open; a draft's writer may attach too."""
    return _talks(user, change)


def can_detach(user: User, change: Change) -> Decision:
    """The writer of a draft may take a file off it again; what was submitted stays."""
    if change.state != State.DRAFT:
        stays = refuse(Refusal.STATE, _("The files of a request that was sent stay with it."))
        return decide(sees(user, change), stays)
    return can_attach(user, change)


def can_link(user: User, change: Change) -> Decision:
    """Expansive's own people link changes."""
    refusal = internal(user)
    return _talks(user, change) if refusal is None else refusal


def can_unlink(user: User, change: Change) -> Decision:
    """Whoever may link may also remove a link."""
    return can_link(user, change)


def can_label(user: User, change: Change) -> Decision:
    """Expansive's own people who work on changes, at any time: also of one that has ended."""
    refusal = internal(user)
    if refusal is not None:
        return refusal
    return decide(sees(user, change), not_only_auditor(user, change))


def can_unlabel(user: User, change: Change) -> Decision:
    """Whoever may put a label on may also take it off."""
    return can_label(user, change)


def can_mute(user: User, change: Change) -> Decision:
    """Expansive's people, as for watching; of a customer's whoever only watches it.

    Asked each time, of who has muted it as well: it holds for as long as they may.
    """
    return decide(sees(user, change), not_only_auditor(user, change), _not_its_party(user, change))


def _not_its_party(user: User, change: Change) -> Check:
    if user.is_internal:
        return None
    if user.pk == change.requester_id:
        return refuse(Refusal.PERSON, _("Whoever asked for a change hears how it goes on."))
    if not any(one.pk == user.pk for one in change.watchers.all()):
        return refuse(Refusal.PERSON, _("Only those who watch a change can mute it."))
    return None


def can_unmute(user: User, change: Change) -> Decision:
    """Everybody who sees it."""
    return decide(sees(user, change))


def can_watch(user: User, change: Change) -> Decision:
    """Everybody who sees the change, except auditors, who only read and leave no trace in it."""
    return decide(sees(user, change), not_only_auditor(user, change))


def can_unwatch(user: User, change: Change) -> Decision:
    """Everybody who sees it, also who has become an auditor meanwhile."""
    return decide(sees(user, change))
