"""The weekly summary: promises at risk or broken, for whoever looks after them.

Each of Expansive's people who own a change, or whose team looks after it while nobody owns it, is
told once a week, on Monday at 08:00 where they are, and only where there is something. As with all
mail about changes the worker puts it into words as it goes out.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from post_office.models import PRIORITY, Email

from accounts.models import User
from expansive_cm.post.rows import blank, fill, keep_words
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from . import outbox, permissions, promises, queries
from .digest import last_eight
from .models import Change, Mute, PromisesTold
from .promises import Standing
from .states import OPEN
from .turns import groups

THREAD = "promises-"
LISTED = 20
"""So many of each kind one mail names; the page of promises has all of them."""
NEVER = datetime.min.replace(tzinfo=UTC)
KINDS = (Standing.BROKEN, Standing.AT_RISK)


def is_one(email: Email) -> bool:
    """Whether a mail in the outbox is such a summary."""
    return is_of_thread(email, THREAD)


def due(now: datetime) -> list[int]:
    """Return the people whose promises were not looked at since last Monday, 08:00 their time."""
    people = User.objects.filter(is_active=True, organisation=None, groups__isnull=False)
    people = people.exclude(mail_pace=User.MailPace.NEEDED).distinct().order_by("pk")
    told = dict(PromisesTold.objects.values_list("person", "at"))
    return [one.pk for one in people if not _is_told(one, told.get(one.pk, NEVER), now)]


def _is_told(person: User, at: datetime, now: datetime) -> bool:
    """Whether somebody was told this week; what lies ahead was noted by a clock that was wrong."""
    return last_monday(person, now) <= at < now + timedelta(days=1)


def last_monday(person: User, now: datetime) -> datetime:
    """Return the last moment at which it was Monday, 08:00, where a person is."""
    eight = last_eight(person, now)
    return eight - timedelta(days=eight.weekday())  # by the clock on their wall


def send(person_id: int) -> bool:
    """Look at one person's promises unless somebody else does or did; return whether mail is due.

    Of somebody whose promises were never looked at nothing is told before the next Monday.
    Effects: a mail without words, which says when it goes out how things are then.
    """
    with transaction.atomic():
        people = User.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        person = people.filter(pk=person_id, is_active=True).first()
        now = timezone.now()
        if person is None:
            return False
        told = PromisesTold.objects.filter(person=person).first()
        if told and _is_told(person, told.at, now):
            return False
        PromisesTold.objects.update_or_create(person=person, defaults={"at": now})
        if told is None or not any(_of(person, kind, now)[:1] for kind in KINDS):
            return False
        headers = thread_headers(f"{THREAD}{person.pk}")
        outbox.put([blank(person.email, headers=headers, priority=PRIORITY.low)])
        return True


def _of(person: User, kind: Standing, now: datetime) -> QuerySet[Change]:
    """Return the open changes that somebody looks after, not muted, whose promise stands so."""
    theirs = groups.RESPONSIBLE.changes(person)
    if theirs is None or not permissions.can_see_internal(person):
        return Change.objects.none()
    own = queries.visible_to(person).filter(theirs, state__in=sorted(OPEN))
    own = own.exclude(pk__in=Mute.objects.filter(person=person).values("change"))
    return promises.standing_so(promises.promised(own), kind, now)


def word(email: Email, person: User) -> bool:
    """Put a summary into words; return False, and do nothing, where there is nothing to say."""
    if person.mail_pace == User.MailPace.NEEDED:
        return False
    now = timezone.now()
    found = {kind: _of(person, kind, now) for kind in KINDS}
    counts = {kind: rows.count() for kind, rows in found.items()}
    if not any(counts.values()):
        return False
    parts = [
        {
            "label": kind.label,
            "rows": _rows(rows, now),
            "more": max(counts[kind] - LISTED, 0),
            "url": absolute(f"{reverse('changes:promises')}?standing={kind.value}"),
        }
        for kind, rows in found.items()
        if counts[kind]
    ]
    context = {
        "parts": parts,
        "broken": counts[Standing.BROKEN],
        "at_risk": counts[Standing.AT_RISK],
        "url": absolute(reverse("changes:promises")),
        "profile_url": absolute(reverse("accounts:profile")),
    }
    fill(email, str(_("Promises")), outbox.render(person, "promises", context))
    keep_words(email)
    return True


def _rows(changes: QuerySet[Change], now: datetime) -> list[dict[str, Any]]:
    """Return the first that are due, each with how its promise stands."""
    joined = changes.select_related("organisation", "release", "promised_release")
    joined = joined.prefetch_related("deployments").defer("description", "search")
    first = joined.order_by(F("due_on").asc(nulls_last=True), "pk")[:LISTED]
    return [
        {
            "change": one,
            "promised": promises.promised_of(one, now),
            "url": absolute(one.get_absolute_url()),
        }
        for one in first
    ]
