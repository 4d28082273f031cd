"""Who is told that a new plan meets theirs: those who planned that, in one mail each."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from . import outbox
from .conflicts import Planned, Why
from .models import Change, Deployment, Execution
from .planning import STILL_PLANNED, plan_of
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
    """Whether the plan that one of them tells of is still for that time, before it goes out."""
    name = str(email.headers["References"]).removeprefix("<").split("@")[0]
    key = name.split("-")[1]
    change = Change.objects.filter(pk=key).first()
    plan = plan_of(change) if change else None
    return plan is not None and _name(plan) == name


def met_by(found: Iterable[Found]) -> list[int]:
    """Return the other changes of which a plan is told to who planned them."""
    return sorted({one.change.pk for one in found if one.change and one.conflict.why in TOLD})


def tell_planners(change: Change, plan: Planned, met: Iterable[int], *, by: User) -> None:
    """Queue one mail for each person who planned last, or is to execute, what a new plan meets.

    Where neither is there any more, the owner is told. What has begun is not told of, and not who
    planned it or is to execute it: of many planned at once each would tell them of all others.
    """
    wanted = {"change__in": sorted(met), "started_at": None}
    executions = Execution.objects.filter(STILL_PLANNED, **wanted)
    deployments = Deployment.objects.filter(STILL_PLANNED, **wanted)
    rows = [
        *planned_by(executions, "plan_execution", "executor", "window_start"),
        *planned_by(deployments, "plan_deployment", "planner", "release__planned_on"),
    ]
    plans = of_readers(rows, besides={by.pk, plan.executor or 0})
    outbox.put([_mail(change, plan, person, changes) for person, changes in plans])


def _mail(change: Change, plan: Planned, person: User, changes: list[int]) -> Email:
    context = {
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
    headers = thread_headers(_name(plan))
    return outbox.compose(person, "met", context, tag=_("Calendar"), headers=headers)


def _name(plan: Planned) -> str:
    times = (int(one.timestamp()) for one in (plan.starts, plan.ends))
    return "-".join([f"{THREAD}{plan.change}", *map(str, times)])
