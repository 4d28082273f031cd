"""Who is told of a new freeze: those who planned what lies in it, in one mail each."""

from collections import defaultdict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User

from . import outbox
from .models import Window
from .planned_in import deployments_in, executions_in

THREAD = "window-"
LISTED = 20
"""So many of a reader's plans one mail names; the page of the freeze has all of them."""
WHY = gettext_lazy("a plan of yours lies in a new change freeze")


def is_for_colleagues(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return str((email.headers or {}).get("References", "")).startswith(f"<{THREAD}")


def tell_planners(window: Window, *, besides: User) -> None:
    """Queue one mail for each person who planned, or is to execute, what lies in a new freeze.

    However many plans there are, of each only its keys are read, and of a person's the first.
    """
    if not window.is_freeze:
        return
    plans: dict[int, list[int]] = defaultdict(list)
    rows = [
        *executions_in(window)
        .order_by("window_start", "pk")
        .values_list("change", "recorded_by", "executor"),
        *deployments_in(window)
        .order_by("release__planned_on", "pk")
        .values_list("change", "recorded_by", "recorded_by"),
    ]
    for change, *people in rows:
        for person in {*people}:
            plans[person].append(change)
    readers = User.objects.filter(
        pk__in=plans, is_active=True, organisation=None, groups__isnull=False
    ).exclude(pk=besides.pk)
    outbox.put([_mail(window, one, plans[one.pk]) for one in readers.distinct().order_by("pk")])


def _mail(window: Window, person: User, changes: list[int]) -> Email:
    context = {
        "window": window,
        "references": [f"CR-{pk:06d}" for pk in changes[:LISTED]],
        "count": len(changes),
        "more": len(changes[LISTED:]),
        "url": outbox.absolute(window.get_absolute_url()),
        "why": WHY,
    }
    headers = outbox.thread_headers(f"{THREAD}{window.pk}")
    return outbox.compose(person, "freeze", context, tag=_("Calendar"), headers=headers)
