"""What a person is told of, by kind, and how: in the app, by mail, both, or not at all.

``KINDS`` is the one table: which messages are of a kind, and which ways may be chosen for it. What
needs the person may not be switched off, and what asks them by name comes in both. What they have
not chosen follows from when they want mail: who wants only what needs them is told of nothing
that can be switched off. Inbox and mail read ``way_of`` as the notice is written
(``letters.py``), so a choice counts for what happens from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.texts import Text

from .audiences import MENTIONED, MERELY_TOLD

Pace = User.MailPace


class Way(TextChoices):
    """How somebody is told."""

    BOTH = "both", _("In the app and by mail")
    APP = "app", _("In the app alone")
    MAIL = "mail", _("By mail alone")
    NONE = "none", _("Not at all")

    @property
    def is_in_app(self) -> bool:
        return self in (Way.BOTH, Way.APP)

    @property
    def is_mailed(self) -> bool:
        return self in (Way.BOTH, Way.MAIL)


ANY = tuple(Way)
SOMEHOW = (Way.BOTH, Way.APP, Way.MAIL)
ALWAYS = (Way.BOTH,)


@dataclass(frozen=True)
class Kind:
    """One kind of news; ``reason`` says why it cannot be switched off, where it cannot."""

    name: str
    label: Text
    about: Text
    ways: tuple[Way, ...] = ANY
    messages: frozenset[str] = frozenset()
    reason: Text = ""

    @property
    def is_optional(self) -> bool:
        """Whether nobody needs to be told of it."""
        return Way.NONE in self.ways

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.ways) == 1


ASKED = Kind(
    "asked",
    _("Questions to you, and what went wrong"),
    _(
        "What the board or we ask you, requests to confirm a change, a new link, a decision that"
        " was taken back, a change that was not confirmed, a mail that did not arrive."
    ),
    ALWAYS,
    frozenset(
        "question confirmation reminder escalation new_link taken_back not_confirmed"
        " undelivered".split()
    ),
    _("The change waits for your answer, or what you were told before is wrong."),
)
TURN = Kind(
    "turn",
    _("Your turn"),
    _("A step waits for you, or a change is given to you."),
    SOMEHOW,
    frozenset({"your_turn", "ownership"}),
    _("The change goes no further until you know of it."),
)
MENTION = Kind(
    "mention",
    _("Mentions"),
    _("A comment names you."),
    SOMEHOW,
    reason=_("Whoever names you counts on it that you read it."),
)
COMMENT = Kind(
    "comment",
    _("Comments and files"),
    _("Somebody comments, answers or adds a file."),
    messages=frozenset({"comment"}),
)
OUTCOME = Kind(
    "outcome",
    _("Outcomes"),
    _("A change is decided, closed, withdrawn or rolled back, or passes as a standard change."),
    messages=frozenset("decision reconsidered closed withdrawn rolled_back standard_used".split()),
)
PROGRESS = Kind(
    "progress",
    _("How a change goes on"),
    _("A request has arrived, a step was taken, or somebody else asks for the change now."),
    messages=frozenset("received progress activity reworked succeeded".split()),
)
DATES = Kind(
    "dates",
    _("Dates"),
    _("A promised or expected day has moved."),
    messages=frozenset("forecast_moved promise_moved later_than_promised".split()),
)
WATCHED = Kind(
    "watched",
    _("What you watch, or raised for somebody else"),
    _("Whatever happens to it, but for steps that wait for you and comments that name you."),
)
KINDS = (TURN, MENTION, COMMENT, OUTCOME, PROGRESS, DATES, WATCHED, ASKED)
CHOSEN = tuple(kind for kind in KINDS if not kind.is_fixed)
"""What there is something to choose of."""
_OF_MESSAGE = {message: kind for kind in KINDS for message in kind.messages}


def kind_of(message: str, why: str) -> Kind:
    """Return of which kind a message is, to somebody who gets it for this reason."""
    if why == str(MENTIONED):
        return MENTION
    return WATCHED if why in MERELY_TOLD else _OF_MESSAGE[message]


def way_of(person: User, message: str, why: str) -> Way:
    """Return how a person is told this."""
    return way_for(person, kind_of(message, why))


def way_for(person: User, kind: Kind) -> Way:
    """Return how a person is told of a kind: as they chose, else as their mail is.

    Who cannot sign in reads no notifications, so that no choice of theirs counts.
    """
    chosen = chosen_by(person).get(kind.name)
    if chosen in kind.ways and person.has_usable_password():
        return chosen
    return unchosen(person, kind)


def unchosen(person: User, kind: Kind) -> Way:
    """Return how a person is told of a kind for which they have chosen nothing."""
    return Way.NONE if kind.is_optional and person.mail_pace == Pace.NEEDED else Way.BOTH


def mailed_beside_the_pace(kind: Kind) -> Q:
    """Return the condition of notices whose reader wants only what needs them, and this by mail."""
    chosen = Q()
    for way in filter(lambda one: one.is_mailed, kind.ways):
        chosen |= Q(person__news__contains=f"{kind.name}:{way}")
    return Q(person__mail_pace=Pace.NEEDED) & chosen


# --- What was chosen --------------------------------------------------------------------------


def chosen_by(person: User) -> dict[str, Way]:
    """Return what a person has chosen, by the names of the kinds."""
    return _read(person.news)


def choose(person: User, ways: Mapping[str, Way]) -> bool:
    """Note, unsaved, how a person wants to be told; return whether that is new.

    What they would have anyway is left open, unless they chose it before: it goes on following
    from when they want mail.
    """
    kept = chosen_by(person)
    own = {
        kind.name: ways[kind.name]
        for kind in CHOSEN
        if kind.name in ways
        and ways[kind.name] in kind.ways
        and (ways[kind.name] != unchosen(person, kind) or kept.get(kind.name) == ways[kind.name])
    }
    before, person.news = person.news, " ".join(f"{name}:{way}" for name, way in own.items())
    return person.news != before


def in_words(news: str) -> str:
    """Say what was chosen, a kind a line; what is no kind any more is left out."""
    ways = _read(news)
    return "\n".join(
        f"{kind.label}: {ways[kind.name].label}" for kind in KINDS if kind.name in ways
    )


def _read(news: str) -> dict[str, Way]:
    pairs = (one.partition(":") for one in news.split())
    return {name: Way(way) for name, _colon, way in pairs if way in Way.values}
