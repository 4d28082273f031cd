"""The shape of a step, whatever it is about: what changes and boards have in common.

``acting -> lock a fresh row -> read the person afresh -> stale page, or refusal -> the body``.
What a step records of itself and whom it tells is said by those who build theirs on this.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from django.db import models

from .acts import acting
from .decisions import Decision, Refusal
from .errors import ChangeStale, StepForbidden, StepIllegal

Row = TypeVar("Row", bound=models.Model)
WRONG_MOMENT = (Refusal.STATE, Refusal.GATE)


class Person(Protocol):
    """Somebody who acts, and who may have lost a role while they waited for a lock."""

    def read_afresh(self) -> Any:
        """Read the person and what they may anew."""


@contextmanager
def opened(
    lock: Callable[[], Row],
    *,
    actor: Person | None,
    ask: Callable[[Row], Decision] | None,
    stale: Callable[[Row], str] | None = None,
    stale_first: Collection[Refusal | None] = (None, *WRONG_MOMENT),
) -> Iterator[Row]:
    """Lock what a step is about, see that the person may take it, and run the body on it.

    All of it is stored, as one act, or nothing. ``stale`` says in words what happened since the
    person's page was made, or nothing; see ``require`` for when. Without an actor the product
    itself acts, unasked; without ``ask`` the body asks. Raises StepForbidden, StepIllegal or
    ChangeStale.
    """
    with acting():
        fresh = lock()
        if actor is not None and ask is not None:
            actor.read_afresh()
            require(ask(fresh), lambda: stale(fresh) if stale else "", stale_first)
        yield fresh


def require(
    decision: Decision,
    stale: Callable[[], str] | None = None,
    stale_first: Collection[Refusal | None] = (None, *WRONG_MOMENT),
) -> None:
    """Raise what a refusal means: StepIllegal for the wrong moment, StepForbidden otherwise.

    ``stale_first`` are the answers (None for leave) of which a stale page is the better
    explanation: where it has words, ChangeStale is raised with them instead.
    """
    if stale is not None and decision.kind in stale_first:
        words = stale()
        if words:
            raise ChangeStale(words)
    if decision:
        return
    if decision.kind in WRONG_MOMENT:
        raise StepIllegal(decision.reason)
    raise StepForbidden(decision.reason)


def save(record: Row, *, actor: models.Model | None, reason: str) -> Row:
    """Save a record with its history attributed to the actor and explained."""
    attribute(record, actor=actor, reason=reason)
    record.save()
    return record


def attribute(record: models.Model, *, actor: models.Model | None, reason: str | None) -> None:
    """Let history say who did, and why, what the next save or deletion of a record does."""
    told: Any = record
    told._history_user = actor
    explain(record, reason)


def explain(record: models.Model, reason: str | None) -> None:
    """Let history say why the next save of a record is; by whom, it knows from the request."""
    told: Any = record
    told._change_reason = reason
