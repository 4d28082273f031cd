"""Closing a change with a successor: what goes beyond it goes on as a request of its own."""

from collections.abc import Iterable

from django.core.files.base import ContentFile
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepIncomplete

from .. import messages
from ..models import Attachment, Change, ChangeLink, Channel, ConfirmationLink
from .asked import ending, take_along
from .confirmation import check_belongs
from .core import Step, record_event, take_step
from .follow_up import submitted_after
from .links import record_link


def close_with_successor(
    change: Change,
    *,
    actor: User,
    reason: str,
    title: str,
    description: str,
    files: Iterable[Attachment] = (),
    answer: str = "",
    seen: int | None = None,
) -> Change:
    """Close, and raise what goes beyond the agreed change as a new, linked change request.

    Returns the successor, submitted for the same requester, with copies of ``files`` of the
    change. What the customer asked is told ``answer`` first, or else goes along. Raises
    StepIncomplete for a file that cannot be read. Effects: state ``closed``, the
    successor, the link between them, events on both, messages.
    """
    with ending("close_with_successor", change, actor=actor, seen=seen, answer=answer) as step:
        step.reason = reason
        return _follow_up(step, title, description, step.change.channel, files).change


def request_successor(
    change: Change,
    *,
    actor: User,
    title: str,
    description: str,
    files: Iterable[Attachment] = (),
    link: ConfirmationLink | None = None,
    seen: int | None = None,
) -> Change:
    """The requester, who would like something further, sends it as a new change request.

    ``link`` is the mailed link that the wish was given through, None for somebody signed in.
    Returns the successor, with copies of those ``files`` of the change that its customer sees;
    what they asked and nobody answered goes along.
    Raises ChangeStale for a link of another question, and StepIncomplete for a file that cannot
    be read. Effects: state ``closed``, the successor in ``submitted``, the link between them,
    events on both; owner and success team are told of the end and of what they are to assess.
    Who came by link gets a receipt, because they have no other way to the new request.
    """
    with take_step("request_successor", change, actor=actor, seen=seen) as step:
        confirmation = step.change.confirmation
        if link is not None:
            check_belongs(link, confirmation)
        step.came_through(link)
        step.reason = confirmation.reason
        channel = Channel.EMAIL if link else Channel.PORTAL
        public = [file for file in files if not file.is_internal]
        birth = _follow_up(step, title, description, channel, public)
        if link is not None:
            messages.acknowledge(birth.change, sure(birth.event))
        return birth.change


def _follow_up(
    step: Step, title: str, description: str, channel: str, files: Iterable[Attachment]
) -> Step:
    """Close the step's change and submit its successor, which is returned as a step of its own."""
    old = step.change
    birth = submitted_after(
        old,
        step.actor,
        _("Successor of %s") % old.reference,
        old.services.all(),
        title=title,
        description=description,
        requester=old.requester,
        owner=old.owner,
        channel=channel,
    )
    successor = birth.change
    record_link(step, successor, old, ChangeLink.Kind.SUCCESSOR_OF)
    take_along(step, birth)
    _carry_over(birth, [file for file in files if file.change_id == old.pk])
    birth.event = record_event(birth)
    messages.announce(successor, birth.event)
    step.data["successor"] = successor.pk
    old.close()
    return birth


def _carry_over(birth: Step, files: Iterable[Attachment]) -> None:
    """Give a successor copies of files, each as open as it was and of the same person."""
    copies: list[Attachment] = []
    try:
        for old in files:
            copies.append(_copy(birth.change, old))
            birth.save(copies[-1])
    except BaseException:
        for copy in copies:
            copy.file.delete(save=False)
        raise


def _copy(change: Change, old: Attachment) -> Attachment:
    try:
        content = ContentFile(old.file.read(), old.name)
    except FileNotFoundError:
        words = _("“%s” cannot be read any more. Leave it out.") % old.name
        raise StepIncomplete(words, ["files"]) from None
    finally:
        old.file.close()
    return Attachment(
        change=change,
        file=content,
        name=old.name,
        size=old.size,
        content_type=old.content_type,
        sha256=old.sha256,
        is_internal=old.is_internal,
        uploaded_by=old.uploaded_by,
    )
