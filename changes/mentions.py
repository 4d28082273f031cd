"""People whom a comment names with an at sign: who is meant, and who is offered while one types.

A name counts as written, whole, in capitals or not: of two names of which one begins the other,
the longer that stands there. Only those are meant who may read the comment, and a customer's
people reach their own colleagues and those of ours who have written to them: so nobody finds out
by trying whether there is somebody of a name.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from accounts.models import User
from accounts.standing import know_standing
from expansive_cm.texts import composed

from .models import Change, Comment, Event
from .permissions.rules import can_see_internal, may_see

MOST = 20
"""So many people of one comment are told of it; who wants to reach more has a list of them."""
SIGNS = 100
"""So many at signs of a comment are looked at."""
LONGEST = 8
"""So many words a name has at most."""
OFFERED = 8
AFTER_SIGN = re.compile(r"(?<![\w@.+/-])@(\w[^\n@]{0,150})")
"""What follows an at sign that is not within an address of mail or of a page."""
AFTER_NAME = re.compile(r"(?:['’]S)?\W*\Z")
"""What a name may be followed by that is written together with it."""
WORD = re.compile(r"\S{1,150}")


def people_in(change: Change, body: str, *, author: User, internal: bool) -> list[User]:
    """Return whom a comment names and may reach, its author not among them, at most MOST.

    Two people of one name are both meant. Costs a query where a name may stand, two where one
    does; none where there is no at sign.
    """
    places = [list(_readings(text)) for text in islice(_after_signs(body), SIGNS)]
    names = {name for readings in places for name in readings}
    if not names:
        return []
    found: dict[str, list[User]] = {}
    people = _within_reach(change, author, internal).annotate(capitals=Upper("display_name"))
    for one in people.filter(capitals__in=names):
        found.setdefault(one.capitals, []).append(one)  # type: ignore[attr-defined]
    meant: dict[int, User] = {}
    for readings in places:
        name = next((one for one in readings if one in found), "")
        meant |= {one.pk: one for one in found.get(name, ())}
    return _who_may_read(change, meant.values(), internal)[:MOST]


def offered(change: Change, text: str, *, author: User, internal: bool) -> list[User]:
    """Return people whose name has every word typed after an at sign, a few of them."""
    people = _within_reach(change, author, internal)
    for word in composed(text).split()[:LONGEST]:
        people = people.filter(display_name__icontains=word)
    chosen = people.order_by("display_name", "pk")[: 4 * OFFERED]
    return _who_may_read(change, chosen, internal)[:OFFERED]


def mentioned(event: Event) -> list[User]:
    """Return whom the comment of an event names, as it was recorded when it was written."""
    keys = event.data.get("mentioned")
    return list(User.objects.filter(pk__in=keys).order_by("pk")) if keys else []


def told_of(change: Change, comments: Iterable[Comment]) -> dict[int, list[str]]:
    """Return the names of whom each comment of a change has named, by its key.

    As it was recorded when it was written. Costs a query, and only where somebody is named.
    """
    keys: dict[int, list[int]] = {}
    shown = {one.pk for one in comments if "@" in one.body or one.corrected_at}
    for event in change.events.all() if shown else ():
        if "mentioned" in event.data and event.data["comment"] in shown:
            keys.setdefault(event.data["comment"], []).extend(event.data["mentioned"])
    if not keys:
        return {}
    wanted = {key for found in keys.values() for key in found}
    names = dict(User.objects.filter(pk__in=wanted).values_list("pk", "display_name"))
    return {key: [names[one] for one in dict.fromkeys(found)] for key, found in keys.items()}


def _after_signs(body: str) -> Iterator[str]:
    return (sign[1] for sign in AFTER_SIGN.finditer(composed(body)))


def _readings(text: str) -> Iterator[str]:
    """Yield the names that a text may begin with, in capitals, the longest first.

    What ends a sentence, or says whose something is, is no part of a name.
    """
    words = [word[0] for word in islice(WORD.finditer(text), LONGEST)]
    for number in range(len(words), 0, -1):
        name = _in_capitals(" ".join(words[:number]))
        yield name
        bare = AFTER_NAME.sub("", name)
        if bare and bare != name:
            yield bare


def _in_capitals(name: str) -> str:
    """As the database writes capitals: each sign stays one sign."""
    return "".join(sign.upper() if len(sign.upper()) == 1 else sign for sign in name)


def _within_reach(change: Change, author: User, internal: bool) -> QuerySet[User]:
    """The people whom this author can name here; whether each may read it is asked of them."""
    ours = Q(organisation=None)
    theirs = Q(organisation=change.organisation_id) if change.organisation_id else Q(pk__in=[])
    if can_see_internal(author):
        reach = ours if internal else ours | theirs
    else:
        public = Comment.objects.filter(change=change, is_internal=False)
        reach = theirs | ours & Q(pk__in=public.values("author"))
    return User.objects.filter(reach, is_active=True).exclude(pk=author.pk)


def _who_may_read(change: Change, people: Iterable[User], internal: bool) -> list[User]:
    found = list(people)
    know_standing(found)
    return [
        one for one in found if may_see(one, change) and (not internal or can_see_internal(one))
    ]
