"""What becomes of a mail between writing and sending: it says how things are when it goes out.

A mail may have waited for a burst to end, or for a mail server that was away. By then a step may
have been taken, a link revoked, a reader gone; then it is written anew, or not sent.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role

from . import access_links, administration, letters, messages
from .models import AccessLink, Change, ConfirmationLink, Notice
from .secret_links import without_links
from .states import State

OVER = "the mail that was to carry it was not sent"
RELATED = (
    "event__actor",
    "person__organisation",
    "change__organisation__success_team",
    "change__requester",
    "change__owner",
    "change__raised_by",
)


def settle(email: Email) -> bool:
    """Let a mail say how things are now; return whether it still goes out.

    Belongs into the transaction that holds the mail locked. Effects: the mail is written anew
    where it would be wrong or where a link in it is dead; a mail that tells nothing any more is
    kept as one that was not sent, and the links that it carried are revoked.
    """
    notices = list(Notice.objects.filter(email=email).select_related(*RELATED).order_by("pk"))
    if not notices:
        return _is_anybodys(email)
    if notices[0].is_for_digest:
        return _settle_summary(email, notices)
    change, person = notices[0].change, notices[0].person
    for notice in notices:
        notice.change, notice.person = change, person
    told = [notice for notice in notices if notice.event_id]
    if len(told) < len(notices) and _is_still_asked(email, notices[-1]):
        return True
    letters_now = [letter for notice in told if (letter := messages.again(notice))]
    if not letters_now:
        drop(email)
        return False
    dropped = len(letters_now) < len(notices)
    if (
        dropped
        or _has_dead_link(email)
        or _is_late(email, change, letters_now)
        or _corrections(letters_now)
    ):
        letters.rewrite(change, email, letters_now, email.headers or {})
    return True


def _is_anybodys(email: Email) -> bool:
    """Whether a mail that tells of no change goes to a stranger, or to who is still with us.

    What administrators are told, of customers by name, is for who is one still.
    """
    readers = [User.objects.with_address(address) for address in email.to]
    if administration.is_for_administrators(email):
        goes = any(one and one.is_active and one.has_role(Role.ADMINISTRATOR) for one in readers)
    else:
        goes = all(reader is None or reader.is_active for reader in readers)
    if not goes:
        drop(email)
    return goes


def _is_still_asked(email: Email, newest: Notice) -> bool:
    """Whether what a mail asks, or the link that it brings, is still worth something."""
    if newest.message == "new_link":
        return not _has_dead_link(email)
    change = Change.objects.get(pk=newest.change_id)
    confirmation = change.confirmation
    if change.state != State.CONFIRMATION or confirmation is None or not confirmation.is_open:
        return False
    asking = ConfirmationLink.objects.filter(email=email)
    return not asking.exists() or (
        access_links.working_confirmations().filter(pk__in=asking).exists()
    )


def _has_dead_link(email: Email) -> bool:
    carried = AccessLink.objects.filter(email=email)
    return carried.exclude(pk__in=access_links.working().filter(email=email).values("pk")).exists()


def _is_late(email: Email, change: Change, told: Sequence[letters.Letter]) -> bool:
    """Whether the change moved on since, and no later mail to the same reader says so.

    What was tried may have arrived, and is not written anew for that.
    """
    moved = letters.last_move(change)
    if email.status != STATUS.queued or not any(letter.is_past(moved) for letter in told):
        return False
    later = Notice.objects.filter(change=change, person=told[0].person, email__pk__gt=email.pk)
    return not later.exists()


def _corrections(told: Sequence[letters.Letter | None]) -> list[datetime]:
    """Return when the comments that letters tell of were corrected.

    Also a mail that was tried has their new words: the old ones may be a secret, and it is known
    by its Message-ID if it had arrived.
    """
    said = [letter.context.get("comment") for letter in told if letter]
    return [one.corrected_at for one in said if one and one.corrected_at]


def _settle_summary(email: Email, notices: Sequence[Notice]) -> bool:
    """Let a summary be written anew: with a dead link, or with what is not theirs or so any more.

    Only what was corrected after it was written counts, as the next one has those words.
    """
    told = [messages.again(notice) for notice in notices]
    is_so = all(told) and all(at <= email.created for at in _corrections(told))
    if is_so and not _has_dead_link(email):
        return True
    if (email.number_of_retries or 0) > 0:
        return True
    Notice.objects.filter(email=email).update(email=None)
    drop(email)
    return False


def drop(email: Email) -> None:
    """Keep a mail as one that was not sent, without the links that it would have brought."""
    Email.objects.filter(pk=email.pk).update(
        expires_at=timezone.now(),
        last_updated=timezone.now(),
        message=without_links(email.message),
        html_message=without_links(email.html_message),
    )
    for link in AccessLink.objects.filter(email=email, revoked_at=None):
        link.revoked_at, link._change_reason = timezone.now(), OVER
        link.save(update_fields=["revoked_at"])
