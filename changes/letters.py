"""From who is told what to mails: the pace a person chose, one mail for a burst, threads.

A letter becomes a mail of its own, a part of a mail to the same person that waits for the burst
to end, or a notice for their daily digest. Whom a mail reaches, of what and when is said here, in
the step's transaction; the mail gets its words from the worker (``settling.py``), as it goes out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from expansive_cm.post.rows import blank, hurry, take_words_back
from expansive_cm.statements import Given, Statement, given_keys, is_one_of

from . import muting, news, outbox, wording
from .models import Change, Notice
from .models.board import undo_time
from .news import Way
from .taking_back import HELD, builds_on_outcome, held_until
from .wording import GATHERED, IMMEDIATE, Letter

Pace = User.MailPace

Again = Callable[[Notice], Letter | None]
"""How a notice is put into words."""


@dataclass
class Thread:
    """What one person has been sent about one change before."""

    message_ids: list[str] = field(default_factory=list)
    waiting: Email | None = None
    held: Email | None = None
    """What tells of an outcome of the board waits by itself, as long as it can be taken back."""

    def mail_for(self, letter: Letter) -> Email | None:
        """Return the mail that a letter joins: what goes on from the outcome brings it along."""
        if letter.held_until or held_until(letter.event):
            return None
        if self.held and builds_on_outcome(letter.event):
            return self.held
        return self.waiting


def send(change: Change, letters: Sequence[Letter], again: Again) -> None:
    """Turn letters about one change into mails and notices, in the transaction that runs."""
    wanted = muting.heard(change, [one for one in letters if _way(one) is not Way.NONE])
    mailed = [letter for letter in wanted if _way(letter).is_mailed]
    later = [letter for letter in mailed if _is_for_digest(letter)]
    now = [letter for letter in mailed if not _is_for_digest(letter)]
    threads = _threads(change, now)
    rows: list[tuple[Letter, Email]] = []
    joined: list[tuple[Letter, Email]] = []
    for letter in now:
        thread = threads[letter.person.pk]
        email = thread.mail_for(letter)
        if email:
            _join(change, letter, email, again)
            joined.append((letter, email))
        else:
            rows.append((letter, _mail(change, letter, thread)))
    outbox.put([row for _letter, row in rows])
    notices = [_notice(change, letter, row) for letter, row in (*rows, *joined)]
    notices += [_notice(change, letter, None) for letter in later]
    in_app = [letter for letter in wanted if not _way(letter).is_mailed]
    notices += [_notice(change, letter, None) for letter in in_app]
    create_notices(notices)


def create_notices(notices: Sequence[Notice]) -> None:
    """Write down who was told what."""
    Notice.objects.bulk_create(notices)


def _way(letter: Letter) -> Way:
    return news.way_of(letter.person, letter.message, letter.why)


def _is_for_digest(letter: Letter) -> bool:
    """Whether it waits: for the reader's summary, or to be gathered (``forecast_mail.py``)."""
    if letter.message in GATHERED:
        return True
    return letter.person.mail_pace == Pace.DAILY and letter.message not in IMMEDIATE


def _notice(change: Change, letter: Letter, email: Email | None) -> Notice:
    way = _way(letter)
    return Notice(
        person=letter.person,
        change=change,
        event=letter.event,
        email=email,
        message=letter.message,
        why=letter.why,
        is_for_digest=email is None and way.is_mailed,
        is_in_inbox=way.is_in_app,
    )


def _threads(change: Change, letters: Sequence[Letter]) -> dict[int, Thread]:
    """Return what each reader was sent about the change, and which mail of theirs waits.

    The change's row is locked, so that nobody else writes to these readers about it; the worker
    is kept off the waiting mails by their locks.
    """
    threads: dict[int, Thread] = defaultdict(Thread)
    people = {letter.person.pk for letter in letters}
    now, waiting, held = timezone.now(), {}, set()
    earlier = list(told(change, people))
    # A question's token is in its words alone: nothing joins it, which would have it worded anew.
    asks = {mail for _person, mail, _id, _status, _due, verb in earlier if verb is None}
    for person, mail, message_id, status, due, verb in earlier:
        if message_id not in threads[person].message_ids:
            threads[person].message_ids.append(message_id)
        if status == STATUS.queued and due is not None and due > now and mail not in asks:
            waiting[mail] = person
            held |= {mail} if verb in HELD and undo_time() else set()
    for email in _still_waiting(waiting, now) if waiting else ():
        thread = threads[waiting[email.pk]]
        if email.pk in held:
            thread.held = email
        elif settings.MAIL_BURST_SECONDS:
            thread.waiting = email
    return threads


def told(change: Change, people: set[int]) -> Iterable[tuple[Any, ...]]:
    """Return of each notice about the change, in order: its reader, its mail, what it tells of.

    Of the mail Message-ID, status and time; of what it tells the step, None if that is no event.
    """
    return TOLD.rows(change=change.pk, people=list(people))


TOLD = Statement(
    lambda: (
        Notice.objects.filter(
            is_one_of("person", given_keys("people")),
            change=Given("change"),
            email__isnull=False,
            email__expires_at=None,
            is_for_digest=False,
        )
        .order_by("pk")
        .values_list(
            "person",
            "email",
            "email__message_id",
            "email__status",
            "email__scheduled_time",
            "event__verb",
        )
    ),
    planned_once=True,
)


def _still_waiting(keys: Iterable[int], now: datetime) -> QuerySet[Email]:
    """Return, locked, those mails that nobody has tried to send yet and that are not due."""
    mails = Email.objects.filter(pk__in=keys, status=STATUS.queued, scheduled_time__gt=now)
    return mails.select_for_update(skip_locked=True, of=("self",))


# --- Mails -----------------------------------------------------------------------------------


def is_worded_later(letter: Letter) -> bool:
    """Whether the worker can word a letter from its notice, which names the event.

    What tells of none carries a link that only its sender knows, or what no row says: it is
    worded at once.
    """
    return letter.event is not None


def _mail(change: Change, letter: Letter, thread: Thread) -> Email:
    """Return a new mail for this letter, unsaved."""
    email = blank(
        letter.person.email,
        headers=outbox.headers_of(change, thread.message_ids),
        priority=wording.priority([letter]),
    )
    email.scheduled_time = _end_of_burst(letter)
    if not is_worded_later(letter):
        outbox.carry(email, wording.write(change, email, [letter]))
    return email


def _join(change: Change, letter: Letter, email: Email, again: Again) -> None:
    """Let the mail that waits for this person tell this letter too."""
    if is_worded_later(letter):
        take_words_back(email, at_least=wording.priority([letter]))
    else:
        notices = email.notices.select_related("event", "person").order_by("pk")
        for notice in notices:
            notice.change, notice.person = change, letter.person
        earlier = [told for notice in notices if (told := again(notice))]
        letters = wording.said_once([*earlier, letter])
        wording.rewrite(change, email, letters, wording.last_move(change))
    due = _end_of_burst(letter)
    if not due or (email.scheduled_time and due < email.scheduled_time):
        hurry(email, due)


def _end_of_burst(letter: Letter) -> datetime | None:
    """Return until when a mail with this letter waits for more; None if it goes at once.

    What tells of an outcome of the board waits as long as that can be taken back.
    """
    held = letter.held_until or held_until(letter.event)
    if held or not settings.MAIL_BURST_SECONDS or letter.message in IMMEDIATE:
        return held
    return timezone.now() + timedelta(seconds=settings.MAIL_BURST_SECONDS)
