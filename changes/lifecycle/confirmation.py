"""Confirmation by the original requester, and the close that follows it."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

from .. import messages
from ..access_links import hash_token
from ..errors import ChangeStale, StepIncomplete
from ..models import Attachment, Change, ChangeLink, Confirmation, ConfirmationLink, Reminder
from ..states import ChangeType, State
from .core import Step, lock, record_event, take_step


def issue_link(step: Step, confirmation: Confirmation, *, supersede: bool = False) -> str:
    """Create a link to the recorded address and return its token, which is kept nowhere else.

    With ``supersede`` every earlier link of the question stops working.
    """
    now = timezone.now()
    if supersede:
        for old in confirmation.links.filter(used_at=None, superseded_at=None):
            old.superseded_at = now
            step.save(old)
    token = secrets.token_urlsafe(32)
    step.save(
        ConfirmationLink(
            confirmation=confirmation,
            token_hash=hash_token(token),
            sent_to=confirmation.change.requester.email,
            expires_at=now + timedelta(days=settings.CONFIRMATION_LINK_DAYS),
        )
    )
    return token


def ask_requester(step: Step, what_was_done: str) -> None:
    """Ask, within the step that put the change in place, whether it meets the need."""
    change = step.change
    confirmation = Confirmation(change=change, path=change.path, what_was_done=what_was_done)
    step.save(confirmation)
    messages.ask_requester(confirmation, issue_link(step, confirmation))


def answer_confirmation(
    change: Change,
    *,
    actor: User,
    confirmed: bool,
    reason: str = "",
    link: ConfirmationLink | None = None,
    seen: int | None = None,
) -> Change:
    """The original requester says yes, which closes the change, or no, which needs a reason.

    ``link`` is the mailed link it was answered through, None for somebody signed in. Raises
    StepIncomplete for a no without a reason and ChangeStale for a link that lost its meaning
    in the meantime. Effects: the answer; every link of the question is used up; state
    ``closed`` or ``not_confirmed``; event; messages.
    """
    if not confirmed and not reason.strip():
        raise StepIncomplete(_("Please say what is not as expected."), ["reason"])
    with take_step("answer_confirmation", change, actor=actor, seen=seen) as step:
        confirmation = step.change.confirmation
        now = timezone.now()
        if link is not None:
            _check_link(link, confirmation, now)
        answer = Confirmation.Answer
        confirmation.answer = answer.CONFIRMED if confirmed else answer.NOT_AS_EXPECTED
        confirmation.reason = reason
        confirmation.answered_at, confirmation.answered_by = now, actor
        step.reason = reason
        step.data = {"answer": confirmation.answer, "via": "link" if link else "signed_in"}
        step.save(confirmation)
        _use_up_links(step, confirmation, now)
        if confirmed:
            step.change.close()
        else:
            step.change.decline()
    return step.change


def _check_link(link: ConfirmationLink, confirmation: Confirmation, now: datetime) -> None:
    link.refresh_from_db()
    usable = (
        link.confirmation_id == confirmation.pk
        and link.used_at is None
        and link.superseded_at is None
        and link.expires_at > now
    )
    if not usable:
        raise ChangeStale(_("This link is no longer valid."))


def _use_up_links(step: Step, confirmation: Confirmation, now: datetime) -> None:
    for link in confirmation.links.filter(used_at=None, superseded_at=None):
        link.used_at = now
        step.save(link)


def resend_confirmation(change: Change, *, actor: User, seen: int | None = None) -> Change:
    """Mail a new link to the recorded address; the earlier ones stop working."""
    with take_step("resend_confirmation", change, actor=actor, seen=seen) as step:
        confirmation = step.change.confirmation
        messages.ask_requester(confirmation, issue_link(step, confirmation, supersede=True))
    return step.change


def close_unanswered(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> Change:
    """Close a change whose requester stayed silent: a person's recorded act, never automatic."""
    with take_step("close_unanswered", change, actor=actor, seen=seen) as step:
        confirmation = step.change.confirmation
        confirmation.answer = Confirmation.Answer.UNANSWERED
        confirmation.reason = reason
        confirmation.answered_at = timezone.now()
        step.reason = reason
        step.save(confirmation)
        _use_up_links(step, confirmation, confirmation.answered_at)
        step.change.close()
    return step.change


def rework(change: Change, *, actor: User, reason: str, seen: int | None = None) -> Change:
    """Take the change back because what was agreed is not what was delivered.

    Effects: a new round; state ``execution`` or ``development``; event; messages.
    """
    with take_step("rework", change, actor=actor, seen=seen) as step:
        step.reason = reason
        if step.change.type == ChangeType.CONFIGURATION:
            step.change.rework_configuration()
        else:
            step.change.rework_code()
    return step.change


def close_with_successor(
    change: Change,
    *,
    actor: User,
    reason: str,
    title: str,
    description: str,
    files: Iterable[Attachment] = (),
    seen: int | None = None,
) -> Change:
    """Close, and raise what goes beyond the agreed change as a new, linked change request.

    Returns the successor, submitted for the same requester, with copies of ``files`` of the
    change. Raises StepIncomplete for a file that cannot be read. Effects: state ``closed``, the
    successor, the link between them, events on both, messages.
    """
    with take_step("close_with_successor", change, actor=actor, seen=seen) as step:
        old = step.change
        successor = Change(
            title=title,
            description=description,
            organisation=old.organisation,
            requester=old.requester,
            raised_by=actor,
            owner=old.owner,
            channel=old.channel,
        )
        birth = Step(successor, "submit", actor)
        birth.reason = _("Successor of %s") % old.reference
        birth.save(successor)
        successor.services.set(old.services.all())
        successor.submit()
        birth.save(successor)
        record_link(step, successor, old, ChangeLink.Kind.SUCCESSOR_OF)
        _carry_over(birth, [file for file in files if file.change_id == old.pk])
        messages.announce(successor, record_event(birth))
        step.reason = reason
        step.data = {"successor": successor.pk}
        old.close()
    return successor


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


def record_link(step: Step, source: Change, target: Change, kind: str) -> ChangeLink:
    """Link two changes as part of a step."""
    link = ChangeLink(source=source, target=target, kind=kind, created_by=step.actor)
    step.save(link)
    return link


# What beat does: every function asks the database what is due, and is safe to run twice.


def send_reminder(confirmation_id: int, after_days: int) -> bool:
    """Send one reminder unless it, or a later one, was sent or none is wanted any more.

    Returns whether it was sent. The change's row is locked and the reminder's row is unique, so
    that two beats running at once send it once. Days that were missed are skipped and named in
    the event: after a standstill nobody gets three reminders at once. Effects: the reminder, a
    link of its own beside the earlier ones, event, mail.
    """
    with transaction.atomic():
        confirmation = Confirmation.objects.select_related("change").get(pk=confirmation_id)
        change = lock(confirmation.change)
        confirmation.refresh_from_db()
        sent = set(confirmation.reminders.values_list("after_days", flat=True))
        if not _is_waiting(change, confirmation) or max(sent, default=0) >= after_days:
            return False
        Reminder.objects.create(confirmation=confirmation, after_days=after_days)
        confirmation.change = change
        step = Step(change, "remind", None)
        messages.remind_requester(confirmation, issue_link(step, confirmation), after_days)
        missed = [day for day in settings.REMINDER_DAYS if day < after_days and day not in sent]
        step.data = {"after_days": after_days, "skipped": sorted(missed)}
        record_event(step)
        return True


def _is_waiting(change: Change, confirmation: Confirmation) -> bool:
    return change.state == State.CONFIRMATION and confirmation.is_open


def escalate(confirmation_id: int) -> bool:
    """Tell owner and success team, once, that the last reminder stayed unanswered."""
    with transaction.atomic():
        confirmation = Confirmation.objects.select_related("change").get(pk=confirmation_id)
        change = lock(confirmation.change)
        confirmation.refresh_from_db()
        if not _is_waiting(change, confirmation) or confirmation.escalated_at:
            return False
        step = Step(change, "escalate", None)
        confirmation.escalated_at = timezone.now()
        step.save(confirmation)
        confirmation.change = change
        messages.escalate(confirmation)
        record_event(step)
        return True
