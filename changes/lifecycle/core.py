"""The shape that every step has.

``atomic -> select_for_update on a fresh row -> authorise an actor read afresh -> transition ->
save with a change reason -> event -> queued messages``. The body of a ``take_step`` block does
the part in the middle; everything before and after it is the same for all steps and stands
here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement
from expansive_cm.sure import sure
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import ChangeStale
from expansive_cm.workflow.steps import opened, save

from .. import access_links, messages, permissions
from ..asked import unanswered
from ..models import AccessLink, Change, ConfirmationLink, Event
from ..process import UNVERSIONED, past_words
from ..recall import recalling
from ..states import State
from ..taking_back import unheard

WAYS = {"link": gettext_lazy("through a mailed link"), "mail": gettext_lazy("by mail")}
"""How an act came, as history says it, where nobody was signed in."""


class Step:
    """A step being taken: the locked change and what will be recorded about the step."""

    def __init__(self, change: Change, verb: str, actor: User | None) -> None:
        self.change = change
        self.verb = verb
        self.actor = actor
        self.from_state = change.state if change.pk else ""
        self.entered_at = change.state_since if change.pk else None
        self.reason = ""
        self.internal = False
        self.keeps_version = False
        """Whether pages that were opened before stay true, as nothing on the change moved."""
        self.data: dict[str, Any] = {}
        self.way = ""
        self.browser_of: User | None = None
        self.event: Event | None = None

    def save(self, record: models.Model, *, reason: str = "") -> None:
        """Save a record with its history attributed to the actor and explained."""
        save(record, actor=self.actor, reason=reason or self.why)

    @property
    def why(self) -> str:
        """The change reason that history keeps: what was done, and the person's own words."""
        words = str(past_words(self.verb))
        if self.way in WAYS:
            words = f"{words} {WAYS[self.way]}"
        if self.browser_of is not None:
            words += _(", in the browser of %s") % self.browser_of
        return f"{words}: {self.reason}" if self.reason else words

    def came_through(self, link: AccessLink | ConfirmationLink | None) -> None:
        """Note how an act came: by a mailed link, or from somebody signed in.

        A link acts for whoever it was mailed to; who else was signed in where it was used is kept.
        Before anything is saved, as history says it too. Raises ChangeStale for a link that lost
        its meaning in the meantime.
        """
        if isinstance(link, AccessLink) and not access_links.still_works(link):
            raise ChangeStale(_("This link is no longer valid."))
        self.way = "link" if link else "signed_in"
        self.browser_of = link.browser_of if link else None

    def came_by_mail(self) -> None:
        """Note that a mail from the person brought the act."""
        self.way = "mail"

    def stamp(self) -> dict[str, Any]:
        """Return the fields that every stage record takes from the change and the actor."""
        return {
            "change": self.change,
            "path": self.change.path,
            "round": self.change.round,
            "recorded_by": self.actor,
        }


@contextmanager
def take_step(
    verb: str, change: Change, *, actor: User | None, seen: int | None = None
) -> Iterator[Step]:
    """Lock the change, ask whether the actor may, run the body, then record and announce it.

    ``seen`` is the version of the change on the page the person acted from; None skips the
    comparison. Without an actor the product itself acts (reminders, import), unasked.
    Raises StepForbidden, StepIllegal or ChangeStale, in which case nothing has changed.
    """
    with permitted(verb, change, actor=actor, seen=seen) as fresh:
        step = Step(fresh, verb, actor)
        yield step
        _finish(step)


@contextmanager
def permitted(
    verb: str, change: Change, *, actor: User | None, seen: int | None = None
) -> Iterator[Change]:
    """Lock the change and ask whether the actor may take a step of it, as ``take_step`` does.

    For what asks more of the change before it takes the step: who may not learns no more.
    """

    def ask(fresh: Change) -> Decision:
        with recalling(fresh):
            return permissions.check(verb, sure(actor), fresh)

    def stale(fresh: Change) -> str:
        return what_happened(fresh, sure(actor)) if seen not in (None, fresh.version) else ""

    with opened(lambda: lock(change), actor=actor, ask=ask, stale=stale) as fresh:
        yield fresh


def lock(change: Change) -> Change:
    """Return a fresh copy of the change whose row is locked until the transaction ends."""
    return read_locked(change.pk)


def read_locked(key: int) -> Change:
    """Lock a row and read it, with the people that nearly every step asks about.

    Others may still refer to the row meanwhile, as a link from another change does.
    """
    return LOCKED.get(key=key)


LOCKED = ObjectStatement(
    lambda: (
        Change.objects.filter(pk=Given("key"))
        .select_for_update(of=("self",), no_key=True)
        .select_related("organisation__success_team", "requester", "owner", "raised_by")
    )
)


def what_happened(change: Change, reader: User) -> str:
    """Return a sentence about the last step that was taken, and the state it led to.

    Of an internal one, or what they never heard of, a customer's people only read that there was
    something.
    """
    event = change.events.exclude(verb__in=UNVERSIONED).order_by("-pk").first()
    hidden = event is None or event.is_internal or bool(unheard([event]))
    if event is None or (hidden and not permissions.can_see_internal(reader)):
        return _("The change has moved on since you opened this page.")
    return _("In the meantime %(person)s %(act)s. The change is now in “%(state)s”.") % {
        "person": event.actor_name or _("the system"),
        "act": past_words(event.verb),
        "state": State(change.state).label,
    }


def _finish(step: Step) -> None:
    if step.verb not in UNVERSIONED:
        if step.change.state != step.from_state:
            step.change.left_unanswered = _leaves_a_question(step)
        if not step.keeps_version:
            step.change.version += 1
        step.save(step.change)
    step.event = record_event(step)
    messages.announce(step.change, step.event)
    for follow in _followers:
        transaction.on_commit(partial(follow, step.change, step.event), robust=True)


def _leaves_a_question(step: Step) -> bool:
    """Whether the change ends while its customer waits for an answer that no successor gives."""
    ended = step.change.is_final and not step.change.is_unsent
    return ended and "goes_on" not in step.data and bool(unanswered(step.change))


Follower = Callable[[Change, Event], None]
_followers: list[Follower] = []


def provide_follower(follow: Follower) -> None:
    """Let an app that ``changes`` may not ask do what follows from a step, once it is stored.

    It runs in a transaction of its own; what fails there is logged and undoes no step, so
    something else must make up for it.
    """
    _followers.append(follow)


def record_event(step: Step) -> Event:
    """Append the event that explains the step."""
    return Event.objects.create(
        change=step.change,
        verb=step.verb,
        actor=step.actor,
        actor_name=step.actor.display_name if step.actor else "",
        actor_email=step.actor.email if step.actor else "",
        from_state=step.from_state,
        to_state=step.change.state,
        entered_at=step.entered_at if step.from_state != step.change.state else None,
        path=step.change.path,
        revision=step.change.revision,
        reason=step.reason,
        is_internal=step.internal,
        data={**_how_it_came(step), **step.data},
    )


def _how_it_came(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"via": step.way} if step.way else {}
    if step.browser_of is not None:
        found["browser_of"] = step.browser_of.pk
    return found
