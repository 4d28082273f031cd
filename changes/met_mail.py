"""Who is told that a new plan meets theirs: those who planned that, in one mail each."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from expansive_cm.post.rows import fill, keep_words
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from . import outbox
from .conflicts import Planned, Why
from .models import Change, Deployment, Execution
from .planning import STILL_PLANNED, conflicts_of, plan_of
from .planning.words import Found
from .window_mail import LISTED, of_readers, planned_by

THREAD = "met-"
WHY = gettext_lazy("another change is planned at the time of a plan of yours")
TOLD = frozenset({Why.SERVICE, Why.PREREQUISITE, Why.DEPENDANT, Why.LINKED})
"""What is told of; who executes two at once has been told of both, as they are theirs."""


def is_for_colleagues(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return is_of_thread(email, THREAD)


def still_holds(email: Email) -> bool:
    """Whether the plan that one of them tells of meets one of its reader's, before it goes out.

    Effects: it names the time and the plans as they are now, unless it was tried before and may
    have arrived. So whoever corrects a plan before it went out neither hides it nor tells twice.
    """
    key = str(email.headers["References"]).removeprefix(f"<{THREAD}").split("@")[0].split("-")[0]
    change = Change.objects.filter(pk=key).first()
    plan = plan_of(change, begun=True) if change else None
    if change is None or plan is None:
        return False
    reader = User.objects.with_address(email.to[0])
    for person, changes in _readers(plan, met_by(conflicts_of(change, plan))):
        if person == reader:
            if not email.number_of_retries:
                words = outbox.render(person, "met", _context(change, plan, changes))
                fill(email, _("Calendar"), words)
                keep_words(email)
            return True
    return False


def met_by(found: Iterable[Found]) -> list[int]:
    """Return the other changes of which a plan is told to who planned them."""
    return sorted({one.change.pk for one in found if one.change and one.conflict.why in TOLD})


def tell_planners(change: Change, plan: Planned, met: Iterable[int], *, by: User) -> None:
    """Queue one mail for each person who planned last, or is to execute, what a new plan meets.

    Where neither is there any more, the owner is told. What has begun is not told of, and not who
    planned it or is to execute it: of many planned at once each would tell them of all others.
    """
    plans = _readers(plan, met, besides=by.pk)
    outbox.put([_mail(change, plan, person, changes) for person, changes in plans])


def _readers(
    plan: Planned, met: Iterable[int], *, besides: int = 0
) -> list[tuple[User, list[int]]]:
    wanted = {"change__in": sorted(met), "started_at": None}
    executions = Execution.objects.filter(STILL_PLANNED, **wanted)
    deployments = Deployment.objects.filter(STILL_PLANNED, **wanted)
    rows = [
        *planned_by(executions, "plan_execution", "executor", "window_start"),
        *planned_by(deployments, "plan_deployment", "planner", "release__planned_on"),
    ]
    return of_readers(rows, besides={besides, plan.executor or 0})


def _mail(change: Change, plan: Planned, person: User, changes: list[int]) -> Email:
    context, headers = _context(change, plan, changes), thread_headers(f"{THREAD}{change.pk}")
    return outbox.compose(person, "met", context, tag=_("Calendar"), headers=headers)


def _context(change: Change, plan: Planned, changes: list[int]) -> dict[str, Any]:
    return {
        "reference": change.reference,
        "title": change.title,
        "starts": plan.starts,
        "ends": plan.ends,
        "day": plan.whole_day,
        "references": [f"CR-{pk:06d}" for pk in changes[:LISTED]],
        "count": len(changes),
        "more": len(changes[LISTED:]),
        "url": absolute(change.get_absolute_url()),
        "why": WHY,
    }
