"""What becomes of a mail between the step and sending: it says how things are when it goes out.

A mail may have waited for a burst to end, or for a mail server that was away. By then a step may
have been taken, a link revoked, a reader gone. So it gets its words now; one that has them, as it
was tried before, is written anew where it would be wrong; one that tells nothing is not sent.
"""

from collections.abc import Callable, Mapping, Sequence

from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role
from expansive_cm.post.rows import is_worded, keep_words
from expansive_cm.post.templatetags.mail import for_mail, quoted
from expansive_cm.statements import Given, ObjectStatement, Statement
from expansive_cm.ui.markdown import render
from expansive_cm.workflow.steps import explain

from . import (
    access_links,
    administration,
    forecast_mail,
    inbox,
    messages,
    met_mail,
    muting,
    permissions,
    promise_digest,
    standard_mail,
    window_mail,
    wording,
)
from .handed_on import hand_on
from .models import AccessLink, Change, Comment, ConfirmationLink, Notice
from .recall import recalling
from .secret_links import without_links
from .states import State
from .wording import Letter

OVER = "the mail that was to carry it was not sent"
RELATED = (
    "event__actor",
    "person__organisation",
    "change__organisation__success_team",
    "change__requester",
    "change__owner",
    "change__raised_by",
)


NOTICES = ObjectStatement(
    lambda: Notice.objects.filter(email=Given("email")).select_related(*RELATED).order_by("pk")
)


def settle(email: Email) -> bool:
    """Let a mail say how things are now; return whether it still goes out.

    Belongs into the transaction that holds the mail locked. Effects: the mail is worded, or
    written anew where it would be wrong or where a link in it is dead; a mail that tells nothing
    any more is kept as one that was not sent, and the links that it carried are revoked. Raises
    what keeps a mail from being worded.
    """
    notices = NOTICES.objects(email=email.pk)
    if not notices:
        return _is_anybodys(email)
    if notices[0].is_for_digest:
        return _settle_summary(email, notices)
    change, person = notices[0].change, notices[0].person
    for notice in notices:
        notice.change, notice.person = change, person
    told = [notice for notice in notices if notice.event_id]
    if (
        len(told) < len(notices)
        and _is_still_theirs(notices)
        and _is_still_asked(email, notices[-1])
    ):
        _correct_words(email, told)
        return True
    with recalling(change):
        worded = is_worded(email)
        # What was tried may have arrived, so that nothing is taken out for having been read.
        to_tell = told if worded else [one for one in told if inbox.is_to_be_mailed(one)]
        said = _said(to_tell)
        if not worded:
            hand_on(one for one in told if one.pk not in said)
        if not said:
            drop(email)
            return False
        _set_apart(notices, said)
        letters = list(said.values())
        if not worded:
            wording.rewrite(change, email, letters, _last_move(email, change, person))
        elif (
            len(said) < len(notices)
            or _has_dead_link(email)
            or _is_corrected(email, letters)
            or _is_late(email, change, letters)
        ):
            wording.rewrite(change, email, letters, wording.last_move(change))
    return True


def _said(told: Sequence[Notice]) -> dict[int, Letter]:
    """Return what there is to say as things are now, by the keys of the notices.

    One that cannot be worded is left out, but is no reason to say nothing: then what keeps it
    from being worded is raised, so that the mail is tried again, and seen if that is in vain.
    """
    found = {notice.pk: letter for notice in told if (letter := messages.again(notice))}
    if not found:
        found = {one.pk: letter for one in told if (letter := messages.as_it_is_now(one))}
    once = wording.said_once(list(found.values()))
    return {key: letter for key, letter in found.items() if letter in once}


def _set_apart(notices: Sequence[Notice], said: Mapping[int, Letter]) -> None:
    """Let a mail's notices be those that it tells: it is not written anew for one left out before.

    What was tried may have arrived, and each new wording gives its link another token.
    """
    silent = [notice.pk for notice in notices if notice.pk not in said]
    if silent:
        untold = Notice.objects.filter(pk__in=silent)
        inbox.leave_out(untold)
        untold.update(email=None)


def _last_move(email: Email, change: Change, person: User) -> int:
    """Return the event with which the change moved last, as far as this mail has to know.

    What came later is said by the next mail to the same reader, if there is one.
    """
    later = _later(email, change, person)
    return wording.last_move(change, before=later[0] if later else None)


def _later(email: Email, change: Change, person: User) -> list[int | None]:
    """Return the event of the first that later mails tell the same reader of the change.

    Empty where there is no later one, but for those that are not sent.
    """
    found = LATER.rows(change=change.pk, person=person.pk, email=email.pk)
    return [event for (event,) in found]


LATER = Statement(
    lambda: (
        Notice.objects.filter(
            change=Given("change"),
            person=Given("person"),
            email__pk__gt=Given("email"),
            email__expires_at=None,
        )
        .order_by("pk")
        .values_list("event")[:1]
    ),
    planned_once=True,
)


OF_PLANS = (window_mail, met_mail)
"""What tells colleagues of their plans, while it is so."""


def _is_anybodys(email: Email) -> bool:
    """Whether a mail that tells of no change goes to a stranger, or to who is still with us.

    What administrators are told, of customers by name, is for who is one still, and what is told
    of a freeze, or of another plan, for colleagues.
    """
    readers = [User.objects.with_address(address) for address in email.to]
    if standard_mail.is_about_one(email):
        goes = all(one and standard_mail.may_still_read(email, one) for one in readers)
        if not goes:
            drop(email)
        return goes
    if promise_digest.is_one(email):
        goes = all(one and one.is_active for one in readers) and _is_worded(email, readers)
    elif administration.is_for_administrators(email):
        goes = any(one and one.is_active and one.has_role(Role.ADMINISTRATOR) for one in readers)
    elif of := next((one for one in OF_PLANS if one.is_for_colleagues(email)), None):
        theirs = all(one and one.is_active and permissions.can_see_internal(one) for one in readers)
        goes = theirs and of.still_holds(email)
    else:
        goes = all(reader is None or reader.is_active for reader in readers)
    if not goes:
        drop(email)
    return goes


def _is_worded(email: Email, readers: Sequence[User | None]) -> bool:
    """Whether a summary of promises says something to its reader; what was tried is left so."""
    if is_worded(email) and (email.number_of_retries or 0) > 0:
        return all(one and permissions.can_see_internal(one) for one in readers)
    return all(one and promise_digest.word(email, one) for one in readers)


def _is_still_theirs(notices: Sequence[Notice]) -> bool:
    """Whether who is asked may still read the change, and among colleagues what they are told."""
    change, person = notices[0].change, notices[0].person
    escalated = any(notice.message == "escalation" for notice in notices)
    if not permissions.may_see(person, change):
        return False
    asked = Letter(person, "escalation", "", dict)
    return not escalated or (
        permissions.can_see_internal(person) and bool(muting.heard(change, [asked]))
    )


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


def _is_corrected(email: Email, told: Sequence[Letter]) -> bool:
    """Whether a comment was given other words since those that the mail tells.

    Its author took the old ones back: no mail brings them any more that can still be changed.
    """
    return any(
        quoted(for_mail(one.body)) not in email.message
        for letter in told
        for one in _corrected(letter)
    )


def _correct_words(email: Email, told: Sequence[Notice]) -> None:
    """Put corrected words in the place of the former ones in a mail that asks for something.

    It is not written anew: the token of what it asks is in its words and nowhere else.
    """
    letters = filter(None, map(messages.again, told))
    comments = [one for letter in letters if (one := letter.context.get("comment"))]
    if not any(comment.corrected_at for comment in comments):
        return
    text = _with_new_words(email.message, comments, lambda words: f"\n{quoted(words)}\n")
    html = _with_new_words(email.html_message, comments, lambda words: f">{render(words)}</div>")
    if (text, html) != (email.message, email.html_message):
        email.message, email.html_message = text, html
        keep_words(email)


def _with_new_words(text: str, comments: Sequence[Comment], framed: Callable[[str], str]) -> str:
    """Return a body of a mail with the words that its comments have now, in their order there.

    Each is looked for behind the one before it: two may have said the same.
    """
    begin = 0
    for comment in comments:
        bodies = dict.fromkeys([comment.body, *comment.history.values_list("body", flat=True)])
        frames = [framed(for_mail(body)) for body in bodies]
        places = [(text.find(frame, begin), frame) for frame in frames]
        at, old = min(((at, frame) for at, frame in places if at >= 0), default=(-1, ""))
        if at >= 0:
            text = text[:at] + frames[0] + text[at + len(old) :]
            begin = at + len(frames[0]) - 1
    return text


def _corrected(letter: Letter) -> list[Comment]:
    """Return the comment that a letter tells of, if it has been given other words."""
    comment = letter.context.get("comment")
    return [comment] if comment and comment.corrected_at else []


def _is_late(email: Email, change: Change, told: Sequence[Letter]) -> bool:
    """Whether the change moved on since, and no later mail to the same reader says so.

    What was tried may have arrived, and is not written anew for that.
    """
    moved = wording.last_move(change)
    if email.status != STATUS.queued or not any(letter.is_past(moved) for letter in told):
        return False
    return not _later(email, change, told[0].person)


def _settle_summary(email: Email, notices: Sequence[Notice]) -> bool:
    """Let a summary be written anew: with a dead link, or with what is not theirs or so any more.

    Only what was corrected after it was written counts, as the next one has those words. What was
    tried may have arrived: it is not written anew, but where a change is not its reader's any more.
    """
    if forecast_mail.is_list(email):
        return _settle_list(email, notices)
    told = [messages.again(notice) for notice in notices]
    corrected = [one for letter in told if letter for one in _corrected(letter)]
    is_so = all(told) and all(one.corrected_at <= email.created for one in corrected)
    if is_so and not _has_dead_link(email):
        return True
    theirs = all(permissions.may_see(one.person, one.change) for one in notices)
    if theirs and (email.number_of_retries or 0) > 0:
        return True
    Notice.objects.filter(email=email).update(email=None)
    drop(email)
    return False


def _settle_list(email: Email, notices: Sequence[Notice]) -> bool:
    """Let a mail of several changes that moved say which of them have, as things are now.

    What was tried may have arrived, and is not written anew, but where it names a change that is
    not its reader's to see any more.
    """
    to_tell = list(notices)
    if not is_worded(email):
        to_tell = [one for one in notices if inbox.is_to_be_mailed(one)]
    said = _said(to_tell)
    if not said:
        drop(email)
        return False
    is_so = len(said) == len(notices) and not _has_dead_link(email)
    theirs = all(permissions.may_see(one.person, one.change) for one in notices)
    if is_worded(email) and (is_so or (theirs and (email.number_of_retries or 0) > 0)):
        return True
    untold = Notice.objects.filter(pk__in=[one.pk for one in notices if one.pk not in said])
    inbox.leave_out(untold)
    untold.update(email=None, is_for_digest=False)
    told = [(notice, said[notice.pk]) for notice in notices if notice.pk in said]
    _revoke_links(email)
    forecast_mail.word(email, notices[0].person, told)
    return True


def drop(email: Email) -> None:
    """Keep a mail as one that was not sent, without the links that it would have brought."""
    Email.objects.filter(pk=email.pk).update(
        expires_at=timezone.now(),
        last_updated=timezone.now(),
        message=without_links(email.message),
        html_message=without_links(email.html_message),
    )
    inbox.leave_out_of_mail(email)
    _revoke_links(email)


def _revoke_links(email: Email) -> None:
    """Let the links that a mail was to bring open nothing."""
    for link in AccessLink.objects.filter(email=email, revoked_at=None):
        link.revoked_at = timezone.now()
        explain(link, OVER)
        link.save(update_fields=["revoked_at"])
