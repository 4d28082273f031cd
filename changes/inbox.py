"""The notifications of a person: what they were told of changes, and what of it they have read.

An entry is a ``Notice``, as a mail tells one, and by the same rules, unless its reader chose only
one of the two for what it tells (``news.py``). It is read once its reader opens the change, or
the link in the mail that tells it. Nobody else is to know of that: it has no history and no event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.text import capfirst
from post_office.models import Email

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.ui import paging

from . import messages, queries
from .message_words import TO_ITS_READER, TOPICS, act_of
from .models import Change, Notice
from .taking_back import HELD, RECORDED, taken_back_of
from .wording import NEEDED

COUNTED = 100
"""Counting stops here: nobody needs to know how many more than a hundred there are."""
PAGE_SIZE = 25
NEWEST_FIRST = paging.Order("newest", F("created_at"), DateTimeField(), descending=True)
"""Not by key alone: by that, the database would look for one person's among everybody's."""


# --- What is read ----------------------------------------------------------------------------


def of(person: User) -> QuerySet[Notice]:
    """Return the entries of a person, whether they may still read them or not."""
    return Notice.objects.filter(person=person, is_in_inbox=True)


def unread_of(person: User) -> QuerySet[Notice]:
    """Return the entries that a person has not read."""
    return of(person).filter(read_at=None)


def newest_unread(reader: User) -> int | None:
    """Return the latest entry that a reader has not read; no query where nothing waits."""
    if not reader.unread:
        return None
    return unread_of(reader).order_by("-created_at", "-pk").values_list("pk", flat=True).first()


class _Counted(Subquery):
    """How many rows a query finds."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def count_of_reader() -> Combinable:
    """Return how many entries wait for the person whom a query is about, up to ``COUNTED``."""
    unread = Notice.objects.filter(person=OuterRef("pk"), is_in_inbox=True, read_at=None)
    return _Counted(_first(unread))


def _first(unread: QuerySet[Notice]) -> QuerySet[Any, Any]:
    """Return so many as are counted, in an order in which no more than these are read."""
    return unread.order_by("-created_at").values("created_at")[:COUNTED]


def read_change(reader: User, change: int) -> None:
    """Note that a reader sees a change: what they were told of it until now is read.

    Asked before the change is read, so that whatever is marked is on the page. No query where
    nothing waits.
    """
    if reader.unread:
        _note(reader, unread_of(reader).filter(change=change))


def read_by_mail(email: int | None, change: Change, reader: User) -> None:
    """Note that the link in a mail was followed: what that mail tells of its change is read.

    Nothing else, as a mail scanner may have followed it.
    """
    if email is not None:
        told = unread_of(reader).filter(change=change, email=email)
        told.update(read_at=timezone.now())


def read_all(reader: User, until: int) -> int:
    """Note as read all entries up to one; return how many that were."""
    return _note(reader, unread_of(reader).filter(pk__lte=until))


def mark(reader: User, entry: int, *, is_read: bool) -> bool:
    """Note one entry as read, or as unread again; return whether there is such an entry."""
    found = of(reader).filter(pk=entry)
    if is_read:
        _note(reader, found.filter(read_at=None))
        return found.exists()
    return bool(found.update(read_at=None))


def _note(reader: User, unread: QuerySet[Notice]) -> int:
    """Note these as read, and how many are left; return how many it were.

    What the worker writes to at this moment is passed over: neither waits for the other.
    """
    with transaction.atomic():
        free = unread.select_for_update(skip_locked=True, of=("self",)).values("pk")
        number = Notice.objects.filter(pk__in=free).update(read_at=timezone.now())
    if number:
        reader.unread = _first(unread_of(reader)).count()
    return number


# --- What is told beside it ------------------------------------------------------------------


ASKS = NEEDED | {message.__name__ for message in messages.ASKING}


def is_to_be_mailed(notice: Notice) -> bool:
    """Whether a mail still has to tell a notice: not what was read in the app before it went out.

    What needs somebody, or is to be put right, is mailed all the same while it is so, and so is
    what the board decided: whoever a mail told of that is told where it is taken back.
    """
    if notice.read_at is None or notice.message in ASKS:
        return True
    return notice.event is not None and notice.event.verb == RECORDED


def leave_out(untold: QuerySet[Notice]) -> None:
    """Take out of the notifications what no mail tells as it is no longer so, or theirs.

    What was read stays.
    """
    untold.filter(is_in_inbox=True, read_at=None).update(is_in_inbox=False)


def leave_out_of_mail(email: Email) -> None:
    """As ``leave_out``, of all that a mail was to tell."""
    leave_out(Notice.objects.filter(email=email))


# --- The page --------------------------------------------------------------------------------


TELLS_AN_ACT = ("activity", "comment")
"""The messages that tell of an act, whatever it was."""


@dataclass(frozen=True)
class Entry:
    """One notice, as its reader sees it."""

    notice: Notice
    waits: bool
    """Whether a step on the change waits for the reader."""

    @property
    def heading(self) -> str:
        """What it is about; who did what, where that is all it tells."""
        message = self.notice.message
        if self.names_its_act:
            return f"{self.actor} {act_of(sure(self.notice.event), self.notice.person)}"
        return capfirst(str(TO_ITS_READER.get(message) or TOPICS.get(message, message)))

    @property
    def names_its_act(self) -> bool:
        """Whether the heading says who did what."""
        return self.notice.message in TELLS_AN_ACT and bool(self.actor)

    @property
    def act(self) -> str:
        """What was done; "" where the reader is not told that."""
        event = self.notice.event
        if event is None or not messages.tells_its_act(self.notice):
            return ""
        return capfirst(str(act_of(event, self.notice.person)))

    @property
    def actor(self) -> str:
        return self.notice.event.actor_name if self.notice.event and self.act else ""

    @property
    def url(self) -> str:
        """The change, at the place where this stands."""
        return f"{self.notice.change.get_absolute_url()}{self._place}"

    @property
    def _place(self) -> str:
        data: dict[str, Any] = self.notice.event.data if self.notice.event else {}
        if self.notice.message != "comment":
            return ""
        return f"#comment-{data['comment']}" if data.get("comment") else "#attachments"


def page_of(
    reader: User, token: str, *, only_unread: bool
) -> tuple[paging.Page[Notice], list[Entry]]:
    """Return a page of notices, newest first, and the entries among them that the reader may see.

    What is not theirs any more leaves the notifications for good. Costs five queries at most, and
    two where something leaves. Raises paging.BadToken.
    """
    found = unread_of(reader) if only_unread else of(reader)
    page = paging.page_of(found, NEWEST_FIRST, token, PAGE_SIZE, _loaded)
    for notice in page:
        notice.person = reader
    theirs = _theirs(reader, page.rows)
    gone = [one.pk for one in page if one not in theirs]
    if gone:
        of(reader).filter(pk__in=gone).update(is_in_inbox=False)
        reader.unread = _first(unread_of(reader)).count()
    waiting = _waiting(reader, theirs)
    return page, [Entry(one, one.change_id in waiting) for one in theirs]


def _loaded(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    return notices.select_related("event", "change").defer("event__reason", "change__description")


def _theirs(reader: User, notices: list[Notice]) -> list[Notice]:
    recorded = {one.change_id for one in notices if one.event and one.event.verb in HELD}
    gone = taken_back_of(recorded) if recorded else frozenset()
    unheard = messages.unheard_of(reader, (one.change for one in notices))
    return [
        one
        for one in notices
        if one.event_id not in gone
        and one.change_id not in unheard
        and messages.may_still_read(one)
    ]


def _waiting(reader: User, notices: Iterable[Notice]) -> frozenset[int]:
    """Return the changes among these on which it is the reader's turn."""
    keys = {one.change_id for one in notices}
    if not keys:
        return frozenset()
    return frozenset(queries.waiting_on(reader).filter(pk__in=keys).values_list("pk", flat=True))
