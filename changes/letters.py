"""From who is told what to mails: the pace a person chose, one mail for a burst, threads.

A letter is one message to one person about one change. It becomes a mail of its own, a part of
a mail to the same person that waits for the burst to end, or a notice for their daily digest.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from post_office.models import PRIORITY, STATUS, Email

from accounts.models import User

from . import access_links, outbox, watch_links
from .audiences import RAISER, WATCHERS
from .models import AccessLink, Change, Event, Notice
from .process import past_words
from .states import State, words_about

Context = dict[str, Any]
Pace = User.MailPace

IMMEDIATE = frozenset({"question", "confirmation", "reminder", "escalation", "new_link"})
"""What waits neither for a digest nor for a burst to end."""
NEEDED = IMMEDIATE | {"your_turn", "ownership", "not_confirmed", "undelivered"}
"""What somebody gets who wants only what needs them, unless they are merely told of it."""
PRESSING = (IMMEDIATE - {"new_link"}) | {"your_turn", "not_confirmed"}
"""What asks for something as long as the change has not moved on: it comes first in a mail."""
TALK = frozenset({"comment"})
"""What says nothing of where the change stands."""
STANDING = PRESSING | frozenset(
    "received progress activity decision rolled_back reworked closed withdrawn".split()
)
"""What is over, or was so then, once the change has moved on."""
MERELY_TOLD = frozenset({str(WATCHERS.why), str(RAISER.why)})


@dataclass(frozen=True)
class Letter:
    """One message, by the name of its templates, with the words that only it has."""

    person: User
    message: str
    why: str
    context: Context
    event: Event | None = None
    links: tuple[outbox.Link, ...] = ()
    actor: User | None = None
    act: str = ""

    @property
    def sent_by(self) -> User | None:
        """Who brought the letter about."""
        return self.event.actor if self.event else self.actor

    @property
    def done(self) -> str:
        """The act it tells of: what was done for it belongs to that act in history."""
        return str(past_words(self.event.verb)) if self.event else self.act

    @property
    def is_urgent(self) -> bool:
        return self.message in NEEDED and self.message != "undelivered"

    @property
    def at(self) -> datetime | None:
        return self.event.at if self.event else None

    @property
    def is_rollback(self) -> bool:
        return self.event is not None and is_rollback(self.event)

    def is_past(self, moved: int) -> bool:
        """Whether it says how things were before the event with which the change moved last."""
        return self.message in STANDING and self.event is not None and self.event.pk < moved


def is_rollback(event: Event) -> bool:
    """Whether a step undid the change."""
    return event.data.get("outcome") == "rolled_back"


def last_move(change: Change) -> int:
    """Return the event with which the change came into the state in which it is."""
    moves = change.events.exclude(from_state=F("to_state")).order_by("-pk")
    return moves.values_list("pk", flat=True).first() or 0


Again = Callable[[Notice], Letter | None]
"""How a notice is put into words once more."""


@dataclass
class Thread:
    """What one person has been sent about one change before."""

    message_ids: list[str] = field(default_factory=list)
    waiting: Email | None = None


def send(change: Change, letters: Sequence[Letter], again: Again) -> None:
    """Turn letters about one change into mails and notices, in the transaction that runs."""
    wanted = [letter for letter in letters if _is_wanted(letter)]
    later = [letter for letter in wanted if _is_for_digest(letter)]
    now = [letter for letter in wanted if not _is_for_digest(letter)]
    threads = _threads(change, now)
    rows: list[tuple[Letter, Email]] = []
    joined: list[tuple[Letter, Email]] = []
    for letter in now:
        thread = threads[letter.person.pk]
        if thread.waiting:
            _join(change, letter, thread, again)
            joined.append((letter, thread.waiting))
        else:
            rows.append((letter, _mail(change, [letter], thread)))
    outbox.put([row for _letter, row in rows])
    notices = [_notice(change, letter, row) for letter, row in (*rows, *joined)]
    notices += [_notice(change, letter, None) for letter in later]
    create_notices(notices)


def create_notices(notices: Sequence[Notice]) -> None:
    """Write down who was told what."""
    Notice.objects.bulk_create(notices)


def _is_wanted(letter: Letter) -> bool:
    if letter.person.mail_pace != Pace.NEEDED:
        return True
    return letter.message in NEEDED and letter.why not in MERELY_TOLD


def _is_for_digest(letter: Letter) -> bool:
    return letter.person.mail_pace == Pace.DAILY and letter.message not in IMMEDIATE


def _notice(change: Change, letter: Letter, email: Email | None) -> Notice:
    return Notice(
        person=letter.person,
        change=change,
        event=letter.event,
        email=email,
        message=letter.message,
        why=letter.why,
        is_for_digest=email is None,
    )


def _threads(change: Change, letters: Sequence[Letter]) -> dict[int, Thread]:
    """Return what each reader was sent about the change, and which mail of theirs waits.

    The change's row is locked, so that nobody else writes to these readers about it; the worker
    is kept off the waiting mails by their locks.
    """
    threads: dict[int, Thread] = defaultdict(Thread)
    people = {letter.person.pk for letter in letters}
    now, waiting = timezone.now(), {}
    for person, mail, message_id, status, due in told(change, people):
        if message_id not in threads[person].message_ids:
            threads[person].message_ids.append(message_id)
        if status == STATUS.queued and due is not None and due > now:
            waiting[mail] = person
    if settings.MAIL_BURST_SECONDS and waiting:
        for email in _still_waiting(waiting, now):
            threads[waiting[email.pk]].waiting = email
    return threads


def told(change: Change, people: set[int]) -> Iterable[tuple[Any, ...]]:
    """Return reader, mail, Message-ID, status and time of each mail about the change, in order."""
    notices = Notice.objects.filter(
        change=change,
        person__in=people,
        email__isnull=False,
        email__expires_at=None,
        is_for_digest=False,
    )
    mail = ("email", "email__message_id", "email__status", "email__scheduled_time")
    return notices.order_by("pk").values_list("person", *mail)


def _still_waiting(keys: Iterable[int], now: datetime) -> QuerySet[Email]:
    """Return, locked, those mails that nobody has tried to send yet and that are not due."""
    mails = Email.objects.filter(pk__in=keys, status=STATUS.queued, scheduled_time__gt=now)
    return mails.select_for_update(skip_locked=True, of=("self",))


# --- Mails -----------------------------------------------------------------------------------


def _mail(change: Change, letters: Sequence[Letter], thread: Thread) -> Email:
    """Return a new mail with these letters, unsaved."""
    newest = letters[-1]
    page, links = _page_link(change, newest, None)
    message, context = _contents(change, letters, page)
    email = outbox.write(
        newest.person,
        message,
        change,
        context,
        _priority(letters),
        links=[*newest.links, *links],
        headers=_headers(change, letters, thread.message_ids),
    )
    email.scheduled_time = _end_of_burst(letters)
    return email


def _join(change: Change, letter: Letter, thread: Thread, again: Again) -> None:
    """Write the mail that waits for this person anew, with this letter too."""
    email = thread.waiting
    assert email is not None
    notices = email.notices.select_related("event", "person").order_by("pk")
    for notice in notices:
        notice.change, notice.person = change, letter.person
    earlier = [told for notice in notices if (told := again(notice))]
    letters = [one for one in earlier if not _is_overtaken(one, letter)] + [letter]
    earlier_ids = [one for one in thread.message_ids if one != email.message_id]
    rewrite(change, email, letters, _headers(change, letters, earlier_ids))
    if not _end_of_burst(letters):
        Email.objects.filter(pk=email.pk).update(scheduled_time=None)
        outbox.wake(email)


def rewrite(
    change: Change, email: Email, letters: Sequence[Letter], headers: Mapping[str, str]
) -> None:
    """Let a mail that was not sent yet say these letters, as things are now."""
    newest = letters[-1]
    page, links = _page_link(change, newest, email)
    message, context = _contents(change, letters, page, last_move(change))
    words = outbox.render(newest.person, message, outbox.about(change, context))
    written: dict[str, Any] = {
        "subject": f"[{change.reference}] {words.subject}",
        "message": words.text,
        "html_message": words.html,
        "headers": dict(headers),
        "priority": _priority(letters),
    }
    for name, value in written.items():
        setattr(email, name, value)
    Email.objects.filter(pk=email.pk).update(last_updated=timezone.now(), **written)
    outbox.tie({email: [*newest.links, *links]})


def _is_overtaken(earlier: Letter, newer: Letter) -> bool:
    """Whether a newer letter says the same as it is now: what to do next is said once."""
    return earlier.message == newer.message == "your_turn"


def _end_of_burst(letters: Sequence[Letter]) -> datetime | None:
    """Return until when a new mail waits for more; None if it goes at once."""
    if not settings.MAIL_BURST_SECONDS or any(one.message in IMMEDIATE for one in letters):
        return None
    return timezone.now() + timedelta(seconds=settings.MAIL_BURST_SECONDS)


def _priority(letters: Sequence[Letter]) -> int:
    return PRIORITY.high if any(one.is_urgent for one in letters) else PRIORITY.medium


def _page_link(
    change: Change, letter: Letter, waiting: Email | None
) -> tuple[str, list[AccessLink]]:
    """Return the address that opens the change without an account, for those who get one."""
    if not access_links.is_for(change, letter.person):
        return "", []
    unsent = access_links.working().filter(email=waiting).first() if waiting else None
    if unsent:
        return outbox.absolute(access_links.renew(unsent)), []
    why = letter.done or access_links.MAILED
    path, link = access_links.draft(change, letter.person, actor=letter.sent_by, why=why)
    return outbox.absolute(path), [link]


def _contents(
    change: Change, letters: Sequence[Letter], page: str, moved: int = 0
) -> tuple[str, Context]:
    """Return the message and the context of one mail with one or several letters.

    First comes what the reader has to do, otherwise the newest of what is so now; what was
    before and what somebody said since are told apart. ``moved`` is the change's last move.
    """
    shared: Context = {
        "why": " · ".join(dict.fromkeys(letter.why for letter in letters)),
        "page_link": page,
        "link_days": settings.ACCESS_LINK_DAYS,
        "unwatch_url": _unwatch_url(change, letters),
    }
    if len(letters) == 1 and not letters[0].is_past(moved):
        return letters[0].message, {**letters[0].context, **shared}
    lead = _lead(letters, moved)
    at = letters.index(lead) if lead else len(letters)
    undone = any(one.is_rollback for one in letters) and not (lead and lead.is_rollback)
    news = any(one.message not in TALK for one in letters)
    return "several", {
        **shared,
        "lead_subject": _words(change, lead, shared).subject if lead else "",
        "number": len(letters),
        "undone": undone,
        "lead": part_of(change, lead, shared) if lead else None,
        "stands": _stands(change, letters[-1]) if news and not lead else "",
        "before": [part_of(change, one, shared, earlier=True) for one in letters[:at]],
        "since": [part_of(change, one, shared) for one in letters[at + 1 :]],
        "staff": letters[-1].context.get("staff"),
        "state": State(change.state).label,
        "has_button": bool(lead) and _has_button(lead, page),
    }


def _lead(letters: Sequence[Letter], moved: int) -> Letter | None:
    """Return what comes first; None where the change has moved on since, or people only wrote."""
    pressing = [one for one in letters if one.message in PRESSING and not one.is_past(moved)]
    news = [one for one in letters if one.message not in TALK]
    lead = (pressing or news or [None])[-1]
    return lead if lead and not lead.is_past(moved) else None


def _stands(change: Change, letter: Letter) -> str:
    """Say where the change stands, to somebody who is not told how it came there."""
    if letter.context.get("staff"):
        state = State(change.state).label
        return _("The change is now in “%(state)s”.") % {"state": state}
    theirs = letter.person.pk == change.requester_id or change.requester is None
    return words_about(change.state, "" if theirs else str(change.requester))


def _has_button(letter: Letter, page: str) -> bool:
    """Whether the message itself says where to go."""
    return letter.message in ("confirmation", "reminder") or (letter.message == "question" and page)


def part_of(
    change: Change, letter: Letter, shared: Mapping[str, Any], *, earlier: bool = False
) -> Context:
    """Return what one letter says as a part of a mail with several; ``earlier`` ones as past."""
    words = _words(change, letter, {**shared, "earlier": earlier})
    html = mark_safe(words.html)  # noqa: S308 - a template has written it
    return {"at": letter.at, "text": words.text.strip(), "html": html}


def _words(change: Change, letter: Letter, shared: Mapping[str, Any]) -> outbox.Words:
    context = outbox.about(change, {**letter.context, **shared, "part": True})
    return outbox.render(letter.person, letter.message, context)


def _unwatch_url(change: Change, letters: Sequence[Letter]) -> str:
    """Return where somebody who is told for no other reason stops watching."""
    if {letter.why for letter in letters} != {str(WATCHERS.why)}:
        return ""
    return outbox.absolute(watch_links.path(change, letters[0].person))


def _headers(change: Change, letters: Sequence[Letter], earlier: Sequence[str]) -> dict[str, str]:
    headers = outbox.headers_of(change, earlier)
    unwatch = _unwatch_url(change, letters)
    if unwatch:
        headers["List-Unsubscribe"] = f"<{unwatch}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
