"""Who is told of a new freeze: those who planned what lies in it, in one mail each."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from . import outbox
from .models import Event, Window
from .planned_in import deployments_in, executions_in

THREAD = "window-"
LISTED = 20
"""So many of a reader's plans one mail names; the page of the freeze has all of them."""
WHY = gettext_lazy("a plan of yours lies in a new change freeze")


def is_for_colleagues(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return is_of_thread(email, THREAD)


def still_holds(email: Email) -> bool:
    """Whether the freeze that one of them tells of was not cancelled before it went out."""
    key = str(email.headers["References"]).removeprefix(f"<{THREAD}").split("@")[0]
    return Window.objects.filter(pk=key, cancelled_at=None).exists()


def tell_planners(window: Window, *, besides: User) -> None:
    """Queue one mail for each person who planned last, or is to execute, what lies in a new freeze.

    Where neither is there any more, the owner is told. However many plans there are, of each only
    its keys are read, and of a person's the first are named.
    """
    if not window.is_freeze:
        return
    rows = [
        *planned_by(executions_in(window), "plan_execution", "executor", "window_start"),
        *planned_by(deployments_in(window), "plan_deployment", "planner", "release__planned_on"),
    ]
    plans = of_readers(rows, besides={besides.pk})
    outbox.put([_mail(window, person, changes) for person, changes in plans])


def of_readers(
    rows: Iterable[tuple[Any, ...]], *, besides: Collection[int]
) -> list[tuple[User, list[int]]]:
    """Return who is told of plans (``planned_by``), each with the changes that are theirs.

    Nobody who is not with us any more, and none of ``besides``, who know of what is told.
    """
    rows = [*rows]
    known = {person for row in rows for person in row[1:]}
    readers = User.objects.filter(
        pk__in=known, is_active=True, organisation=None, groups__isnull=False
    ).distinct()
    there = {one.pk: one for one in readers.order_by("pk")}
    plans: dict[int, list[int]] = defaultdict(list)
    for change, owner, *people in rows:
        for person in {*people} & there.keys() or {owner}:
            plans[person].append(change)
    return [
        (one, plans[one.pk]) for one in there.values() if one.pk in plans and one.pk not in besides
    ]


def planned_by(plans: QuerySet[Any], verb: str, person: str, order: str) -> list[tuple[Any, ...]]:
    """Return of each plan the change, its owner, who planned it last, and one person more."""
    last = Event.objects.filter(change=OuterRef("change"), verb=verb).order_by("-pk")
    planner = Coalesce(
        Subquery(last.values("actor")[:1]), "recorded_by", output_field=BigIntegerField()
    )
    rows = plans.annotate(planner=planner).order_by(order, "pk")
    return list(rows.values_list("change", "change__owner", "planner", person))


def _mail(window: Window, person: User, changes: list[int]) -> Email:
    context = {
        "window": window,
        "references": [f"CR-{pk:06d}" for pk in changes[:LISTED]],
        "count": len(changes),
        "more": len(changes[LISTED:]),
        "url": absolute(window.get_absolute_url()),
        "why": WHY,
    }
    headers = thread_headers(f"{THREAD}{window.pk}")
    return outbox.compose(person, "freeze", context, tag=_("Calendar"), headers=headers)
