"""Telling people when what they count on has moved: one mail each, whatever moved at once.

The step that notes a move leaves notices without a mail (``wording.GATHERED``). Whoever reads a
daily summary finds them there. For everybody else they are put into one mail here: about one
change as a part of its thread, about several as a list. The worker words both as they go out.
"""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from post_office.models import PRIORITY, Email

from accounts.models import User
from expansive_cm.post.rows import blank, fill, keep_words
from expansive_cm.post.threads import is_of_thread, thread_headers

from . import digest, letters, news, outbox
from .models import Change, Notice
from .wording import GATHERED, Letter

THREAD = "forecasts-"


def is_list(email: Email) -> bool:
    """Whether a mail in the outbox tells of several changes that moved."""
    return is_of_thread(email, THREAD)


def _waiting() -> QuerySet[Notice]:
    waiting = Notice.objects.filter(email=None, is_for_digest=True, message__in=sorted(GATHERED))
    at_once = Q(person__mail_pace=User.MailPace.AT_ONCE)
    return waiting.filter(at_once | news.mailed_beside_the_pace(news.DATES))


def to_gather() -> list[int]:
    """Return the people for whom a mail is to be gathered."""
    people = _waiting().filter(person__is_active=True).order_by("person_id").distinct("person_id")
    return list(people.values_list("person_id", flat=True))


def gather(person_id: int) -> bool:
    """Put what waits for one person into a mail; return whether there was anything.

    Nothing where somebody else does so at this moment. Effects: a mail without words, or several
    where it is more than one of them holds: the rest is not to wait for another hour.
    """
    with transaction.atomic():
        people = User.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        person = people.filter(pk=person_id, is_active=True).first()
        if person is None:
            return False
        found = _waiting().filter(person=person).order_by("pk")
        waiting = list(found.values_list("pk", "change"))
        for begin in range(0, len(waiting), digest.LONGEST):
            _gather(person, dict(waiting[begin : begin + digest.LONGEST]))
        return bool(waiting)


def _gather(person: User, changes: Mapping[int, int]) -> None:
    """Put notices, by their keys with those of their changes, into one mail without words."""
    is_one = len(set(changes.values())) == 1
    if is_one:
        related = Change.objects.select_related("organisation__success_team")
        change = related.get(pk__in=changes.values())
        told = letters.told(change, {person.pk})
        earlier = dict.fromkeys(message_id for _person, _mail, message_id, *_rest in told)
        headers = outbox.headers_of(change, list(earlier))
    else:
        headers = thread_headers(f"{THREAD}{person.pk}")
    email = blank(person.email, headers=headers, priority=PRIORITY.medium)
    outbox.put([email])
    Notice.objects.filter(pk__in=changes).update(email=email, is_for_digest=not is_one)


def word(email: Email, person: User, told: Iterable[tuple[Notice, Letter]]) -> None:
    """Put a list into words as it goes out, with links of its own."""
    first: dict[int, int] = {}
    for notice, _letter in told:
        first.setdefault(notice.change_id, notice.pk)
    ordered = sorted(told, key=lambda pair: (first[pair[0].change_id], pair[0].pk))
    context, links = digest.contents(person, ordered)
    words = outbox.render(person, "forecasts", context)
    fill(email, str(_("Changes")), words)
    keep_words(email)
    outbox.tie({email: links})
