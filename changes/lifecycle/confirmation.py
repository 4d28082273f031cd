"""Confirmation by the original requester, and the close that follows it."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import link_mail
from ..access_links import hash_token, still_works
from ..models import Change, Confirmation, ConfirmationLink, ContactAttempt, Reminder
from ..models.board import undo_time
from ..process import past_words
from ..states import ChangeType, State
from ..taking_back import CARRIED_OUT
from .asked import ending
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
            sent_to=sure(confirmation.change.requester).email,
            expires_at=now + timedelta(days=settings.CONFIRMATION_LINK_DAYS),
        )
    )
    return token


def ask_requester(step: Step, what_was_done: str) -> None:
    """Ask, within the step that put the change in place, whether it meets the need."""
    change = step.change
    confirmation = Confirmation(change=change, path=change.path, what_was_done=what_was_done)
    step.save(confirmation)
    token = issue_link(step, confirmation)
    undo = undo_time() if step.verb in CARRIED_OUT else None
    link_mail.ask_requester(
        confirmation,
        token,
        actor=step.actor,
        act=str(past_words(step.verb)),
        held_until=timezone.now() + undo if undo else None,
    )


def answer_confirmation(
    change: Change,
    *,
    actor: User,
    confirmed: bool | None = None,
    meets_need: bool | None = None,
    as_expected: bool | None = None,
    wish: str = "",
    reason: str = "",
    link: ConfirmationLink | None = None,
    seen: int | None = None,
) -> Change:
    """The original requester answers both questions: two yeses close the change.

    ``confirmed`` answers both at once, for whoever has one answer to both. A no needs a reason
    and may say what is wished for; ``wish`` is ``not_right`` unless it says otherwise, and
    ``something_further`` lets the requester send the successor (``request_successor``).
    ``link`` is the mailed link it was answered through, None for somebody signed in. Raises
    StepIncomplete for an answer without its reason or with one question open, and ChangeStale
    for a link that lost its meaning in the meantime. Effects: the answer; every link of the
    question is used up; state ``closed`` or ``not_confirmed``; event; messages.
    """
    need, expected = _both_answers(confirmed, meets_need, as_expected)
    if not (need and expected) and not reason.strip():
        raise StepIncomplete(_("Please say what is not as expected."), ["reason"])
    with take_step("answer_confirmation", change, actor=actor, seen=seen) as step:
        confirmation = step.change.confirmation
        now = timezone.now()
        if link is not None:
            _check_link(link, confirmation)
        step.came_through(link)
        confirmation.meets_need, confirmation.as_expected = need, expected
        confirmation.reason = reason
        confirmation.answered_at, confirmation.answered_by = now, actor
        if need and expected:
            confirmation.answer = Confirmation.Answer.CONFIRMED
            step.change.close()
        else:
            confirmation.answer = Confirmation.Answer.NOT_AS_EXPECTED
            confirmation.wish = wish or Confirmation.Wish.NOT_RIGHT
            step.change.decline()
        step.reason = reason
        step.data = _evidence(confirmation)
        step.save(confirmation)
        _use_up_links(step, confirmation, now)
    return step.change


def _both_answers(
    confirmed: bool | None, meets_need: bool | None, as_expected: bool | None
) -> tuple[bool | None, bool]:
    """Return the two answers. A single no leaves open whether the need is met."""
    if confirmed is not None:
        return (True, True) if confirmed else (meets_need, False)
    open_questions = {"meets_need": meets_need, "as_expected": as_expected}
    missing = [name for name, answer in open_questions.items() if answer is None]
    if missing:
        raise StepIncomplete(_("Please answer both questions."), missing)
    return meets_need, bool(as_expected)


def _evidence(confirmation: Confirmation) -> dict[str, Any]:
    """Return what the event keeps of an answer beside its words."""
    data = {
        "answer": confirmation.answer,
        "meets_need": confirmation.meets_need,
        "as_expected": confirmation.as_expected,
    }
    return {**data, "wish": confirmation.wish} if confirmation.wish else data


def _check_link(link: ConfirmationLink, confirmation: Confirmation) -> None:
    check_belongs(link, confirmation)
    if link.used_at is not None:
        raise ChangeStale(_("This link is no longer valid."))


def check_belongs(link: ConfirmationLink, confirmation: Confirmation) -> None:
    """Raise ChangeStale unless the link, used or not, still leads to this question."""
    link.refresh_from_db()
    if link.confirmation_id != confirmation.pk or not still_works(link):
        raise ChangeStale(_("This link is no longer valid."))


def _use_up_links(step: Step, confirmation: Confirmation, now: datetime) -> None:
    for link in confirmation.links.filter(used_at=None, superseded_at=None):
        link.used_at = now
        step.save(link)


def resend_confirmation(change: Change, *, actor: User, seen: int | None = None) -> Change:
    """Mail a new link to the recorded address; the earlier ones stop working."""
    with take_step("resend_confirmation", change, actor=actor, seen=seen) as step:
        confirmation = step.change.confirmation
        token = issue_link(step, confirmation, supersede=True)
        link_mail.ask_requester(
            confirmation, token, actor=step.actor, act=str(past_words(step.verb))
        )
    return step.change


def close_unanswered(
    change: Change, *, actor: User, reason: str, answer: str = "", seen: int | None = None
) -> Change:
    """Close a change whose requester stayed silent: a person's recorded act, never automatic.

    Raises StepIncomplete where something that the customer asked is left without an ``answer``.
    """
    with ending("close_unanswered", change, actor=actor, seen=seen, answer=answer) as step:
        confirmation = step.change.confirmation
        confirmation.answer = Confirmation.Answer.UNANSWERED
        confirmation.reason = reason
        confirmation.answered_at = timezone.now()
        step.reason = reason
        step.save(confirmation)
        _use_up_links(step, confirmation, confirmation.answered_at)
        step.change.close()
    return step.change


def record_contact(
    change: Change,
    *,
    actor: User,
    means: str,
    reached: bool,
    note: str,
    seen: int | None = None,
) -> Change:
    """Write down how one of Expansive's own people tried to reach the silent requester.

    Moves nothing and makes no open page stale: the requester may be answering right now.
    Effects: the attempt, an internal event.
    """
    with take_step("record_contact", change, actor=actor, seen=seen) as step:
        attempt = ContactAttempt(
            confirmation=step.change.confirmation, by=actor, means=means, reached=reached, note=note
        )
        step.reason, step.internal = note, True
        step.data = {"means": means, "reached": reached}
        step.save(attempt)
    return step.change


def rate(
    change: Change,
    *,
    actor: User,
    rating: int,
    rating_comment: str = "",
    link: ConfirmationLink | None = None,
    seen: int | None = None,
) -> Change:
    """The requester says, once and unasked for, how content they are: 1 (poor) to 5.

    ``link`` is the mailed link that the change was confirmed through. Raises StepIllegal once
    it is rated, and ChangeStale for a link of another question. Effects: the rating, an event
    that Expansive's own people see, a message to the owner.
    """
    with take_step("rate", change, actor=actor, seen=seen) as step:
        confirmation, now = step.change.confirmation, timezone.now()
        if link is not None:
            check_belongs(link, confirmation)
        step.came_through(link)
        confirmation.rating, confirmation.rating_comment = rating, rating_comment
        confirmation.rated_at = now
        words = _("%d of 5") % rating
        step.reason = f"{words}: {rating_comment}" if rating_comment else words
        step.internal = True
        step.data = {"rating": rating}
        step.save(confirmation)
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


# What beat does: every function asks the database what is due, and is safe to run twice.


def send_reminder(confirmation_id: int, after_days: int) -> bool:
    """Send one reminder unless it, or a later one, was sent or nobody is there to read it.

    Returns whether it was sent. The change's row is locked and the reminder's row is unique, so
    that two beats running at once send it once. Days that were missed are skipped and named in
    the event: after a standstill nobody gets three reminders at once. Effects: the reminder, a
    link of its own beside the earlier ones, event, mail.
    """
    with acting():
        confirmation = Confirmation.objects.select_related("change").get(pk=confirmation_id)
        change = lock(confirmation.change)
        confirmation.refresh_from_db()
        address = sure(change.requester).email
        theirs = confirmation.reminders.filter(sent_to__in=("", address))
        sent = set(theirs.values_list("after_days", flat=True))
        if not _is_waiting(change, confirmation) or max(sent, default=0) >= after_days:
            return False
        Reminder.objects.create(confirmation=confirmation, after_days=after_days, sent_to=address)
        confirmation.change = change
        step = Step(change, "remind", None)
        link_mail.remind_requester(confirmation, issue_link(step, confirmation), after_days)
        missed = [day for day in settings.REMINDER_DAYS if day < after_days and day not in sent]
        step.data = {"after_days": after_days, "skipped": sorted(missed)}
        record_event(step)
        return True


def _is_waiting(change: Change, confirmation: Confirmation) -> bool:
    present = change.requester is not None and change.requester.is_active
    return present and change.state == State.CONFIRMATION and confirmation.is_open


def ask_at_new_address(confirmation_id: int) -> bool:
    """Put an open question anew to a requester whose address was corrected; return whether it was.

    What was mailed to the old address was never heard, so silence begins anew as well. Effects:
    a link, the earlier ones stop working; event, mail.
    """
    with acting():
        confirmation = Confirmation.objects.select_related("change").get(pk=confirmation_id)
        change = lock(confirmation.change)
        confirmation.refresh_from_db()
        address = change.requester.email if change.requester else ""
        asked = confirmation.links.filter(sent_to__iexact=address).exists()
        if asked or not _is_waiting(change, confirmation):
            return False
        step = Step(change, "resend_confirmation", None)
        step.reason = _("The requester's address has changed.")
        confirmation.change = change
        ask_anew(step, confirmation)
        record_event(step)
        return True


def ask_anew(step: Step, confirmation: Confirmation, *, instead_of: str = "") -> None:
    """Put an open question to whoever has not heard it yet: no silence counts against them."""
    if confirmation.escalated_at:
        confirmation.escalated_at = None
        step.save(confirmation)
    token = issue_link(step, confirmation, supersede=True)
    act = str(past_words(step.verb))
    link_mail.ask_requester(confirmation, token, actor=step.actor, act=act, instead_of=instead_of)


def escalate(confirmation_id: int) -> bool:
    """Tell owner and success team, once, that the last reminder stayed unanswered."""
    with acting():
        confirmation = Confirmation.objects.select_related("change").get(pk=confirmation_id)
        change = lock(confirmation.change)
        confirmation.refresh_from_db()
        if not _is_waiting(change, confirmation) or confirmation.escalated_at:
            return False
        step = Step(change, "escalate", None)
        confirmation.escalated_at = timezone.now()
        step.save(confirmation)
        confirmation.change = change
        link_mail.escalate(confirmation)
        record_event(step)
        return True
