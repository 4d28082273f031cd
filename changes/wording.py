"""What a mail about a change says: of one thing that happened, or of several.

A letter is one message to one person about one change. ``letters.py`` says in which mail it goes;
here that mail is put into words, as a rule by the worker when it goes out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import F, Max
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from post_office.models import PRIORITY, Email

from accounts.models import User
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.post.rows import fill, keep_words
from expansive_cm.post.words import Words, absolute
from expansive_cm.statements import Given, Statement
from expansive_cm.workflow import acts

from . import access_links, outbox, permissions, watch_links
from .audiences import WATCHERS, each_kind_once
from .models import AccessLink, Change, Event
from .plain import briefly
from .process import past_words
from .states import State

Context = dict[str, Any]

IMMEDIATE = frozenset(
    {"question", "confirmation", "reminder", "escalation", "new_link", "taken_back"}
)
"""What waits neither for a digest nor for a burst to end."""
GATHERED = frozenset({"forecast_moved"})
"""What goes out together, where one act moved several changes of the same reader."""
NEEDED = IMMEDIATE | {"your_turn", "ownership", "not_confirmed", "undelivered"}
"""What somebody gets who wants only what needs them, unless they are merely told of it."""
CONFIRMING = frozenset({"confirmation", "reminder"})
"""What asks the requester whether the change meets the need."""
PRESSING = (IMMEDIATE - {"new_link", "taken_back"}) | {"your_turn", "not_confirmed"}
"""What asks for something as long as the change has not moved on: it comes first in a mail."""
WAITING = PRESSING | {"undelivered"}
"""What a summary says waits for its reader, while it is so: being the owner is nothing to do."""
TALK = frozenset({"comment"})
"""What says nothing of where the change stands."""
STANDING = PRESSING | frozenset(
    "received progress activity decision reconsidered taken_back rolled_back reworked closed"
    " withdrawn".split()
)
"""What is over, or was so then, once the change has moved on."""


@dataclass(frozen=True)
class Letter:
    """One message, by the name of its templates; ``says`` gives the words that only it has.

    They are asked for when the letter is worded, and not before.
    """

    person: User
    message: str
    why: str
    says: Callable[[], Context]
    event: Event | None = None
    links: tuple[outbox.Link, ...] = ()
    actor: User | None = None
    act: str = ""
    held_until: datetime | None = None
    """Until when what tells of no event waits, as what it follows from can be taken back."""

    @cached_property
    def context(self) -> Context:
        return self.says()

    @property
    def sent_by(self) -> User | None:
        """Who brought the letter about."""
        return self.event.actor if self.event else self.actor

    @property
    def done(self) -> str:
        """The act it tells of: what is done for it within the step belongs to it in history."""
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


def last_move(change: Change, before: int | None = None) -> int:
    """Return the event with which the change came into the state it is in, or was in ``before``."""
    moves = MOVES_BEFORE.rows(change=change.pk, before=LARGEST_KEY if before is None else before)
    return moves[0][0] if moves else 0


def last_moves(changes: Iterable[int]) -> dict[int, int]:
    """Return as ``last_move``, for several changes at once, by their keys."""
    moves = Event.objects.filter(change__in=list(changes)).exclude(from_state=F("to_state"))
    return dict(moves.order_by("change").values_list("change").annotate(Max("pk")))


MOVES_BEFORE = Statement(
    lambda: (
        Event.objects.filter(change=Given("change"), pk__lt=Given("before"))
        .exclude(from_state=F("to_state"))
        .order_by("-pk")
        .values_list("pk")[:1]
    ),
    planned_once=True,
)


def said_once(letters: Sequence[Letter]) -> list[Letter]:
    """Return the letters without what a newer one says as it is now: what to do next."""
    turns = [letter for letter in letters if letter.message == "your_turn"]
    return [letter for letter in letters if letter not in turns[:-1]]


def priority(letters: Iterable[Letter]) -> int:
    """Return how urgent a mail with these letters is."""
    return PRIORITY.high if any(one.is_urgent for one in letters) else PRIORITY.medium


# --- Mails -----------------------------------------------------------------------------------


def write(
    change: Change, email: Email, letters: Sequence[Letter], moved: int = 0
) -> list[outbox.Link]:
    """Put letters, at least one, into a mail's words; return the links that these carry.

    Saves nothing of the mail. ``moved`` is the event with which the change moved last.
    """
    newest = letters[-1]
    page, links = _page_link(change, newest, email)
    message, context = _contents(change, letters, page, moved)
    words = outbox.render(newest.person, message, outbox.about(change, context))
    fill(email, change.reference, words)
    email.headers = _headers(change, email, letters)
    email.priority = priority(letters)
    return [*newest.links, *links]


def rewrite(change: Change, email: Email, letters: Sequence[Letter], moved: int) -> None:
    """Let a mail in the outbox say these letters; see ``write``."""
    links = write(change, email, letters, moved)
    keep_words(email)
    outbox.tie({email: links})


def _page_link(change: Change, letter: Letter, email: Email) -> tuple[str, list[AccessLink]]:
    """Return the address that opens the change without an account, for those who get one."""
    if not access_links.is_for(change, letter.person):
        return "", []
    unsent = access_links.unsent_in(email) if email.pk else None
    if unsent:
        return absolute(access_links.renew(unsent)), []
    # Of what is worded later history must not say that its sender did something then.
    in_step = acts.current() is not None
    path, link = access_links.draft(
        change,
        letter.person,
        actor=letter.sent_by if in_step else None,
        why=letter.done if in_step and letter.done else access_links.MAILED,
    )
    return absolute(path), [link]


def _contents(
    change: Change, letters: Sequence[Letter], page: str, moved: int
) -> tuple[str, Context]:
    """Return the message and the context of one mail with one or several letters.

    First comes what the reader has to do, otherwise the newest of what is so now; what was
    before and what somebody said since are told apart.
    """
    shared: Context = {
        "why": " · ".join(each_kind_once(letter.why for letter in letters)),
        "page_link": page,
        "link_days": settings.ACCESS_LINK_DAYS,
        "unwatch_url": _unwatch_url(change, letters),
        "mute_url": _mute_url(change, letters[-1].person),
        "news_url": absolute(reverse("changes:news")),
    }
    if len(letters) == 1 and not letters[0].is_past(moved):
        return letters[0].message, {**letters[0].context, **shared}
    lead = _lead(letters, moved)
    return "several", {
        **shared,
        "lead_subject": _words(change, lead, shared).subject if lead else "",
        "number": len(letters),
        "undone": any(one.is_rollback for one in letters) and not (lead and lead.is_rollback),
        **in_order(change, letters, shared, moved),
        "staff": letters[-1].context.get("staff"),
        "state": State(change.state).label,
        "has_button": lead is not None and _has_button(lead, page),
        "asks_to_confirm": lead is not None and lead.message in CONFIRMING,
        **step_of([lead] if lead else []),
    }


def in_order(
    change: Change, letters: Sequence[Letter], shared: Mapping[str, Any], moved: int
) -> Context:
    """Return what letters about one change say: what is so now, what came since, what was before.

    ``moved`` is the event with which the change moved last. Mails of one change and of several
    say it in this order. What comes first alone may say where to go: of the rest the mail does.
    """
    beside = {**shared, "page_link": ""}
    lead = _lead(letters, moved)
    at = letters.index(lead) if lead else len(letters)
    news = any(one.message not in TALK for one in letters)
    return {
        "lead": part_of(change, lead, shared) if lead else None,
        "stands": _stands(change, letters[-1]) if news and not lead else "",
        "before": [part_of(change, one, beside, earlier=True) for one in letters[:at]],
        "since": [part_of(change, one, beside) for one in letters[at + 1 :]],
    }


def _lead(letters: Sequence[Letter], moved: int) -> Letter | None:
    """Return what comes first; None where the change has moved on since, or people only wrote."""
    pressing = [one for one in letters if one.message in PRESSING and not one.is_past(moved)]
    news = [one for one in letters if one.message not in TALK]
    lead = next(reversed(pressing or news), None)
    return lead if lead and not lead.is_past(moved) else None


def _stands(change: Change, letter: Letter) -> str:
    """Say where the change stands, to somebody who is not told how it came there."""
    if letter.context.get("staff"):
        state = State(change.state).label
        return _("The change is now in “%(state)s”.") % {"state": state}
    theirs = letter.person.pk == change.requester_id or change.requester is None
    return briefly(change.state, "" if theirs else str(change.requester))


def step_of(letters: Iterable[Letter]) -> Context:
    """Return the step that the newest of these asks its reader to take, and its page, if any."""
    asking = [one.context for one in letters if one.message == "your_turn"]
    return {name: asking[-1].get(name) for name in ("step", "step_url")} if asking else {}


def _has_button(letter: Letter, page: str) -> bool:
    """Whether the message itself says where to go."""
    return letter.message in CONFIRMING or (letter.message == "question" and bool(page))


def part_of(
    change: Change, letter: Letter, shared: Mapping[str, Any], *, earlier: bool = False
) -> Context:
    """Return what one letter says as a part of a mail with several; ``earlier`` ones as past."""
    words = _words(change, letter, {**shared, "earlier": earlier})
    html = mark_safe(words.html)  # noqa: S308 - a template has written it
    return {"at": letter.at, "text": words.text.strip(), "html": html}


def _words(change: Change, letter: Letter, shared: Mapping[str, Any]) -> Words:
    context = outbox.about(change, {**letter.context, **shared, "part": True})
    return outbox.render(letter.person, letter.message, context)


def _unwatch_url(change: Change, letters: Sequence[Letter]) -> str:
    """Return where somebody who is told for no other reason stops watching."""
    if {letter.why for letter in letters} != {str(WATCHERS.why)}:
        return ""
    return absolute(watch_links.path(change, letters[0].person))


def _mute_url(change: Change, person: User) -> str:
    """Return where one of Expansive's people, signed in, mutes the change."""
    if not person.is_internal or not permissions.can_mute(person, change):
        return ""
    return f"{absolute(change.get_absolute_url())}#watch"


STOP = "List-Unsubscribe"


def _headers(change: Change, email: Email, letters: Sequence[Letter]) -> dict[str, str]:
    """Return the headers of a mail, as its words have it: who is answered, and what stops watching.

    What holds the thread together stays as it is.
    """
    kept = {name: value for name, value in (email.headers or {}).items() if STOP not in name}
    kept["Reply-To"] = outbox.headers_of(change)["Reply-To"]
    unwatch = _unwatch_url(change, letters)
    if not unwatch:
        return kept
    return {**kept, STOP: f"<{unwatch}>", f"{STOP}-Post": f"{STOP}=One-Click"}
