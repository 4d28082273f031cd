"""People whom a comment names with an at sign: who is meant, and who is offered while one types.

A name counts as written, whole, in capitals or not: of two names of which one begins the other,
the longer that stands there. Only those are meant who may read the comment, and a customer's
people reach their own colleagues and those of ours who have written to them: so nobody finds out
by trying whether there is somebody of a name.
"""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import islice

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Upper
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from accounts.standing import know_standing
from expansive_cm.texts import composed, neutral_line

from .models import Change, Comment, Event
from .permissions.rules import can_see_internal, may_see

MOST = 20
"""So many people of one comment are told of it; who wants to reach more has a list of them."""
SIGNS = 100
"""So many at signs of a comment are looked at."""
LONGEST = 8
"""So many words a name has at most."""
OFFERED = 8
PART = re.compile(r'<(?:"[^"]*"|[^"<>])*+>|[^<]+')
"""A tag or the text between two, as clean HTML has them."""
AFTER_SIGN = re.compile(r"(?<![\w@.+/-])@([^\s@][^\n@]{0,150})")
"""What follows an at sign that is not within an address of mail or of a page."""
ATTACHED = 4
"""So many signs that are written together with a name, as after a sentence, are left aside."""
WHOSE = ("'S", "’S")
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
        found.setdefault(one.capitals, []).append(one)
    meant: dict[int, User] = {}
    for readings in places:
        name = next((one for one in readings if one in found), "")
        meant |= {one.pk: one for one in found.get(name, ())}
    return _who_may_read(change, meant.values(), internal)[:MOST]


def offered(change: Change, text: str, *, author: User, internal: bool) -> list[User]:
    """Return people whose name has every word typed after an at sign, a few of them."""
    roles = User.groups.through.objects.filter(user=OuterRef("pk"))
    own = [one for one in (change.requester_id, change.raised_by_id) if one]
    may_be = Q(organisation__isnull=False) | Exists(roles) | Q(pk__in=own)
    people = _within_reach(change, author, internal).filter(may_be)
    for word in neutral_line(text).split()[:LONGEST]:
        people = people.filter(display_name__icontains=word)
    first = people.order_by("display_name", "pk")[: 4 * OFFERED]
    chosen = [one for one in first if _can_be_named(one)]
    return _who_may_read(change, chosen, internal)[:OFFERED]


def mentioned(event: Event) -> list[User]:
    """Return whom the comment of an event names, as it was recorded when it was written."""
    keys = event.data.get("mentioned")
    return list(User.objects.filter(pk__in=keys).order_by("pk")) if keys else []


def named_before(comment: Comment) -> set[int]:
    """Return the keys of whom a comment has named so far, however it was corrected since."""
    events = comment.change.events.filter(data__comment=comment.pk, data__has_key="mentioned")
    found: set[int] = set()
    return found.union(*events.values_list("data__mentioned", flat=True))


def told_of(change: Change, comments: Iterable[Comment], reader: User) -> dict[int, list[str]]:
    """Return the names of whom each comment of a change has named, by its key.

    As it was recorded when it was written. A customer's people see only names that stand in it:
    what a correction took out, and what somebody is called by now, is for Expansive's people.
    Costs a query or two, and only where somebody is named.
    """
    keys: dict[int, list[int]] = {}
    shown = {one.pk: one.body for one in comments if "@" in one.body or one.corrected_at}
    for event in change.events.all() if shown else ():
        if "mentioned" in event.data and event.data["comment"] in shown:
            keys.setdefault(event.data["comment"], []).extend(event.data["mentioned"])
    if not keys:
        return {}
    wanted = {key for found in keys.values() for key in found}
    names = dict(User.objects.filter(pk__in=wanted).values_list("pk", "display_name"))
    told = {
        key: [names.get(one, "") for one in dict.fromkeys(found)] for key, found in keys.items()
    }
    full = can_see_internal(reader)
    return {
        key: [name for name in found if name and (full or _stands_in(name, shown[key]))]
        for key, found in told.items()
    }


def marked(html: SafeString, names: Iterable[str]) -> SafeString:
    """Return a comment that was drawn, with these names marked where they stand after an at sign.

    ``html`` is clean, as ``markdown.render`` returns it. No name is marked in a link, nor where
    more signs stand before it than are looked at for names.
    """
    wanted = {_in_capitals(name) for one in names for name in _written(one)}
    if not wanted:
        return html
    left, links, parts = SIGNS, 0, []
    for part in PART.findall(html):
        if part.startswith("<"):
            links += part.startswith("<a ") - (part == "</a>")
        elif "@" in part and not links and left > 0:
            part, signs = _marked_text(composed(unescape(part)), wanted, left)
            left -= signs
        parts.append(part)
    return mark_safe("".join(parts))  # noqa: S308 - what is put in is escaped


def _written(name: str) -> set[str]:
    name = composed(name)
    return {name, " ".join(name.split())} - {""}


def _marked_text(text: str, wanted: set[str], most: int) -> tuple[str, int]:
    """Return a text as HTML with its names marked, and how many signs were looked at."""
    parts, begin, signs = [], 0, 0
    for sign in islice(AFTER_SIGN.finditer(text), most):
        signs += 1
        length = next((end for name, end in _read(sign[1]) if name in wanted), 0)
        if length:
            end = sign.start(1) + length
            name = escape(text[sign.start() : end])
            parts += [escape(text[begin : sign.start()]), f'<span class="mention">{name}</span>']
            begin = end
    return "".join([*parts, escape(text[begin:])]), signs


def _stands_in(name: str, body: str) -> bool:
    """Whether a text has a name, be it with other gaps between its words."""
    wanted, text = (" ".join(composed(one).split()) for one in (name, body))
    return _in_capitals(wanted) in _in_capitals(text)


def _after_signs(body: str) -> Iterator[str]:
    return (sign[1] for sign in AFTER_SIGN.finditer(composed(body)))


def _readings(text: str) -> Iterator[str]:
    """Yield the names that a text may begin with, in capitals, the longest first."""
    return (name for name, _length in _read(text))


def _read(text: str) -> Iterator[tuple[str, int]]:
    """Yield the names that a text may begin with, in capitals, and how much of it each is.

    What ends a sentence, or says whose something is, is no part of a name, unless a name ends
    with it; gaps count as they are written, or else as single spaces.
    """
    for word in reversed(list(islice(WORD.finditer(text), LONGEST))):
        written = _in_capitals(text[: word.end()])
        for name in dict.fromkeys((written, " ".join(written.split()))):
            yield name, word.end()
            for shorter in _without_attached(name):
                yield shorter, word.end() - (len(name) - len(shorter))


def _without_attached(name: str) -> Iterator[str]:
    for _number in range(ATTACHED):
        if name.endswith(WHOSE):
            name = name[:-2]
        elif not name[-1:].isalnum():
            name = name[:-1]
        else:
            return
        if not name:
            return
        yield name


def _can_be_named(person: User) -> bool:
    """Whether their name, written after an at sign, is read as a whole."""
    name = composed(person.display_name)
    text = next(_after_signs(f"@{name}"), "")
    return bool(text) and next(_readings(text), "") == _in_capitals(name)


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
