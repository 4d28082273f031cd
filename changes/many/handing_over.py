"""Handing over all that somebody leaves: at once where it is little, else by the worker.

What is handed over at once is handed over whole or not at all. A run goes change by change, as
every act on many does: its page says what was refused and why, and that stays whose it was.
"""

import secrets

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.errors import StepIllegal

from .. import lifecycle, queries
from ..lifecycle import requesters
from ..models import Change, ManyRun
from ..tasks import start_acts
from . import runs
from .acts import OWNERSHIP, REQUESTS, Act
from .arguments import PEOPLE, Arguments


def ownership(person: User, *, successor: User, actor: User, reason: str) -> ManyRun | None:
    """Name a successor for all open changes that a person owns; return the run that does it.

    None where it is done. Raises and does what ``lifecycle.hand_over_ownership`` does; a run
    raises StepIllegal while one to somebody else is under way, and nothing else.
    """
    changes = queries.owned_by(person)
    if changes.count() > requesters.AT_ONCE:
        return _run(OWNERSHIP, changes, person, actor, {"owner": successor})
    lifecycle.hand_over_ownership(person, successor, actor, reason)
    return None


def requests(person: User, *, successor: User, actor: User, reason: str) -> ManyRun | None:
    """Name a successor for all open requests of a customer's person; return the run that does it.

    None where it is done. Raises and does what ``lifecycle.hand_over`` does; a run raises
    StepIllegal while one to somebody else is under way, and nothing else.
    """
    changes = lifecycle.open_changes_of(person, person.organisation)
    if changes.count() > requesters.AT_ONCE:
        return _run(REQUESTS, changes, person, actor, {"successor": successor, "reason": reason})
    lifecycle.hand_over(person, actor=actor, successor=successor, reason=reason)
    return None


def _run(
    act: Act, changes: QuerySet[Change], person: User, actor: User, arguments: Arguments
) -> ManyRun:
    """Begin a run, or return the one of this person's that is under way.

    The row of whoever leaves is held, so that a form that is sent twice begins one run. Raises
    StepIllegal where the one under way hands over to somebody else.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        mine = ManyRun.objects.filter(person=actor, act=act.name, finished_at=None)
        under_way = mine.filter(arguments__former=person.pk).first()
        if under_way is not None:
            _insist_on_same(under_way, person, arguments)
            return under_way
        run = runs.begin(
            act,
            person=actor,
            key=secrets.token_urlsafe(12),
            arguments={"former": person, **arguments},
            rows=[runs.Wanted(one, None) for one in changes.order_by("pk")],
            back="",
        )
        transaction.on_commit(start_acts, robust=True)
    return run


def _insist_on_same(run: ManyRun, person: User, arguments: Arguments) -> None:
    for name in PEOPLE:
        named = arguments.get(name)
        if named is not None and run.arguments[name] != named.pk:
            words = {"person": person, "other": User.objects.get(pk=run.arguments[name])}
            raise StepIllegal(
                _("Those of %(person)s are being handed over to %(other)s at this moment.") % words
            )
