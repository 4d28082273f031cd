"""The daily summary: what a person chose to read once a day, at 08:00 where they are."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from post_office.models import Email

from accounts.middleware import zone_of
from accounts.models import User
from expansive_cm.post.threads import thread_headers
from expansive_cm.post.words import absolute

from . import access_links, inbox, messages, outbox, wording
from .handed_on import hand_on
from .models import AccessLink, Change, Notice
from .taking_back import still_held
from .wording import GATHERED, Letter

HOUR = 8
"""The hour of the day, in the person's own zone."""
LONGEST = 200
"""How many notices one summary holds; the rest is in another one, a minute later."""


def due(now: datetime) -> list[int]:
    """Return the people for whom something was written before the last 08:00 where they are.

    Who has left meanwhile is among them: others may have to hear of it now (``handed_on``).
    """
    waiting = _waiting().order_by("person_id", "pk")
    oldest = waiting.distinct("person_id").select_related("person")
    return [one.person_id for one in oldest if one.created_at < last_eight(one.person, now)]


def last_eight(person: User, now: datetime) -> datetime:
    """Return the last moment at which it was 08:00 where the person is."""
    local = now.astimezone(zone_of(person))
    eight = local.replace(hour=HOUR, minute=0, second=0, microsecond=0, fold=0)
    if eight > local:
        eight = (local - timedelta(days=1)).replace(
            hour=HOUR, minute=0, second=0, microsecond=0, fold=0
        )
    return eight


def send(person_id: int) -> bool:
    """Write one person's summary unless somebody else does or did; return whether it was written.

    What they may no longer read, or what is no longer so, is left out for good.
    """
    with transaction.atomic():
        people = User.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        person = people.filter(pk=person_id).first()
        if person is None or person.pk not in due(timezone.now()):
            return False
        notices = _notices(person)
        told = [
            (notice, letter)
            for notice in notices
            if person.is_active
            and inbox.is_to_be_mailed(notice)
            and (letter := messages.again(notice))
        ]
        email = _mail(person, told) if told else None
        if email:
            outbox.put([email])
        kept = {notice.pk for notice, _letter in told}
        hand_on(notice for notice in notices if notice.pk not in kept)
        Notice.objects.filter(pk__in=kept).update(email=email)
        dropped = [notice.pk for notice in notices if notice.pk not in kept]
        untold = Notice.objects.filter(pk__in=dropped)
        inbox.leave_out(untold)
        untold.update(is_for_digest=False)
        return email is not None


def _waiting() -> Any:
    """Return what is not told yet; what can still be taken back waits for the next summary.

    Not what is still to be gathered for somebody who reads no summaries (``forecast_mail.py``).
    """
    gathered = Q(message__in=sorted(GATHERED)) & ~Q(person__mail_pace=User.MailPace.DAILY)
    waiting = Notice.objects.filter(email=None, is_for_digest=True)
    return waiting.exclude(still_held()).exclude(gathered)


def _notices(person: User) -> list[Notice]:
    """Return what waits for one person, the changes in the order in which they began to move."""
    changes = "change__organisation__success_team", "change__requester", "change__owner"
    waiting = _waiting().filter(person=person).select_related("event", *changes).order_by("pk")
    notices = list(waiting[:LONGEST])
    first: dict[int, int] = {}
    known: dict[int, Change] = {}
    for notice in notices:
        first.setdefault(notice.change_id, notice.pk)
        notice.change = known.setdefault(notice.change_id, notice.change)
        notice.person = person
    return sorted(notices, key=lambda one: (first[one.change_id], one.pk))


def _mail(person: User, told: Iterable[tuple[Notice, Letter]]) -> Email:
    context, links = contents(person, told)
    headers = thread_headers(f"summary-{person.pk}")
    tag = str(_("Changes"))
    return outbox.compose(person, "digest", context, tag=tag, headers=headers, links=links)


def contents(
    person: User, told: Iterable[tuple[Notice, Letter]]
) -> tuple[dict[str, Any], list[AccessLink]]:
    """Return what a mail says of several changes, those of one beside each other, and its links.

    Of each, first what is so now, and as past what the change has left behind.
    """
    told = list(told)
    moved = wording.last_moves({notice.change_id for notice, _letter in told})
    groups: list[dict[str, Any]] = []
    links: list[AccessLink] = []
    for _key, group in groupby(told, key=lambda pair: pair[0].change_id):
        pairs = list(group)
        change = pairs[0][0].change
        step_url = wording.step_of(letter for _notice, letter in pairs).get("step_url")
        url, link = _address(change, person, step_url)
        links += [link] if link else []
        shared = {"why": pairs[0][1].why, "link_days": settings.ACCESS_LINK_DAYS}
        letters = [letter for _notice, letter in pairs]
        last = moved.get(change.pk, 0)
        needs_me = any(one.message in wording.WAITING and not one.is_past(last) for one in letters)
        said = wording.in_order(change, letters, shared, last)
        is_open = link is not None
        where = {"url": url, "is_open": is_open}
        groups.append({"change": change, "needs_me": needs_me, **where, **said})
    groups.sort(key=lambda group: not group["needs_me"])
    return {
        "groups": groups,
        "waiting": sum(group["needs_me"] for group in groups),
        "link_days": settings.ACCESS_LINK_DAYS if links else 0,
        "url": absolute(reverse("changes:home")),
        "profile_url": absolute(reverse("accounts:profile")),
        "news_url": absolute(reverse("changes:news")),
    }, links


def _address(change: Change, person: User, step_url: str | None) -> tuple[str, AccessLink | None]:
    """Return where the reader acts, or else reads, and the link by which they do, if it is one."""
    if step_url and person.has_usable_password():
        return step_url, None
    if access_links.is_for(change, person):
        path, link = access_links.draft(change, person, actor=None)
        return absolute(path), link
    may_sign_in = person.has_usable_password()
    return (absolute(change.get_absolute_url()) if may_sign_in else ""), None
