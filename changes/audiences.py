"""Whom a message can reach: a change's people by what they have to do with it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import User

from . import promises
from .models import Change
from .taking_back import TAKEN_BACK
from .turns import groups
from .turns.askers import former_requesters


@dataclass(frozen=True)
class Audience:
    """Some of a change's people, and what their mail says about why they get it."""

    why: Any
    find: Callable[[Change], Iterable[User | None]]


def former_requester(change: Change) -> Iterable[User]:
    """Return whom the present requester has replaced."""
    return User.objects.filter(pk__in=former_requesters(change)[-1:])


def told_before(change: Change) -> Iterable[User]:
    """Return whom a decision had reached that was taken back last."""
    acts = change.events.filter(verb=TAKEN_BACK).order_by("-pk")
    told = acts.values_list("data__told", flat=True).first()
    return User.objects.filter(pk__in=told or (), is_active=True).order_by("pk")


def stand_ins(change: Change) -> Iterable[User]:
    """Return the team, where a mail to the owner did not arrive: nobody else would hear of it."""
    lost = change.delivery_problems.filter(person=change.owner_id or 0, resolved_at=None)
    return groups.TEAM.members(change) if lost.exists() else []


REQUESTER = Audience(_("you asked for this change"), lambda change: [change.requester])
FORMER_REQUESTER = Audience(_("you asked for this change at first"), former_requester)
RAISER = Audience(_("you raised this change"), lambda change: [change.raised_by])
OWNER = Audience(_("you are the owner of this change"), lambda change: [change.owner])
WATCHERS = Audience(_("you watch this change"), lambda change: change.watchers.all())
RESPONSIBLE = Audience(_("you look after this change"), groups.RESPONSIBLE.told)
STAND_INS = Audience(_("your team looks after this customer"), stand_ins)
EXECUTOR = Audience(_("you are to execute this change"), groups.EXECUTOR.members)
STANDARD_APPROVER = Audience(
    _("you approved the standard change that it is"),
    lambda change: [change.authorisation.recorded_by] if change.authorisation else [],
)
BOARD_LEAD = Audience(_("you lead the board that promised this change"), promises.leaders_of)
ASKED = Audience(_("the board asked you"), groups.ASKED.members)
TOLD_BEFORE = Audience(_("you were told of the decision"), told_before)
ALIKE = (
    (REQUESTER, RAISER, FORMER_REQUESTER),
    (OWNER, RESPONSIBLE, STAND_INS),
)
"""Whose reasons say nearly the same: a mail gives the newest of them."""
MENTIONED = _("somebody names you in it")
NEXT = _("you can take the next step")
LINK_WANTED = _("somebody asked for a new link to it")

STAFF = (OWNER, WATCHERS)
PARTIES = (REQUESTER, RAISER, OWNER, WATCHERS)
ALL = (*PARTIES, RESPONSIBLE, EXECUTOR)
MERELY_TOLD = frozenset({str(WATCHERS.why), str(RAISER.why)})
"""Why somebody is told who has nothing else to do with a change."""


def each_kind_once(reasons: Iterable[str]) -> list[str]:
    """Return reasons without those of which a later one says nearly the same."""
    newest: dict[int | str, str] = {}
    for why in reasons:
        kinds = (at for at, alike in enumerate(ALIKE) if why in {str(one.why) for one in alike})
        newest[next(kinds, why)] = why
    return list(newest.values())


def whom(audiences: Iterable[Audience], change: Change) -> Iterator[tuple[User, Any]]:
    """Yield whom audiences reach, and why: who is merely told comes last, as the first counts.

    Whoever raised what they ask for themselves is told as who asked for it.
    """
    for audience in sorted(audiences, key=lambda one: str(one.why) in MERELY_TOLD):
        for person in audience.find(change):
            if person:
                is_own = audience is RAISER and person.pk == change.requester_id
                yield person, REQUESTER.why if is_own else audience.why
