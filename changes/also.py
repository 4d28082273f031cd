"""What else has the words of a search than titles and descriptions, and leads to changes.

People and customers lead to the list of their requests, labels to that of what has them; comments,
files, pull requests and numbers elsewhere to the change that has them, releases to their page. Only
what the reader may read is looked at: changes that their list lets through, no labels, internal
notes and files for customers, and for them no addresses, which no page shows them. Each costs one
query of bounded work, however many rows there are.
"""

import re
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.search import SearchVector
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.texts import Text, composed

from . import searching
from .models import Attachment, Change, Comment, Development, Documentation, Label, Release
from .models.label import shown
from .permissions import can_read_releases, can_see_internal
from .queries import UNSENT
from .searching import Words, words_of

SHOWN = 5
"""So many of each kind are shown."""
NEWEST_COMMENTS = 200
"""Fewer than of what keeps its words apart: those of a comment are taken out as it is looked at."""
PULL_REQUEST = re.compile(r"[#!]?([0-9]{2,12})")
"""A pull or merge request by its number, as people write it."""
SHORTEST = 3
"""With fewer letters PostgreSQL has no trigram to look up, and a comment has too many words."""


@dataclass(frozen=True)
class Place:
    """A change, and where in it the words were found."""

    change: Change
    icon: str
    kind: Text
    words: str


@dataclass
class Also:
    """What was found besides, by kind."""

    people: list[User] = field(default_factory=list)
    customers: list[tuple[str, str]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.people or self.customers or self.places or self.releases or self.labels)


def people_named(text: str, *, by_address: bool = True) -> QuerySet[User]:
    """Return people whose name, or address, has every word of a text."""
    people = User.objects.all()
    for word in composed(text).split()[:SHOWN]:
        named = Q(display_name__icontains=word)
        people = people.filter(named | Q(email__icontains=word) if by_address else named)
    return people


def also_with(
    user: User, text: str, rows: QuerySet[Change], customers: list[tuple[str, str]]
) -> Also:
    """Return what else has the words of a text.

    ``rows`` are the changes that this person's list shows without the text, ``customers`` those
    that they may choose there, by number and name.
    """
    words = [word for word in words_of(text) if len(word) >= SHORTEST]
    places = [*_numbers(user, text, rows), *_developments(user, text, rows)]
    releases, labels = _releases(user, text), _labels(user, text)
    if not words:
        return Also(places=places, releases=releases, labels=labels)
    places += [*_comments(user, text, rows), *_files(user, words, rows)]
    return Also(_people(user, text), _named(customers, text), places, releases, labels)


def _people(user: User, text: str) -> list[User]:
    """Whoever has asked for a change: of any customer, or of the reader's own."""
    if user.is_internal and not user.roles:
        return []
    asked = Change.objects.filter(requester=OuterRef("pk")).exclude(UNSENT)
    people = people_named(text, by_address=user.is_internal).filter(Exists(asked))
    if not user.is_internal:
        people = people.filter(organisation__in=user.customer_ids)
    return list(people.select_related("organisation").order_by("display_name", "pk")[:SHOWN])


def _named(customers: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    words = composed(text).casefold().split()
    named = [one for one in customers if all(word in one[1].casefold() for word in words)]
    return named[:SHOWN]


def _numbers(user: User, text: str, rows: QuerySet[Change]) -> list[Place]:
    """Numbers that a change has elsewhere; no page shows a customer those."""
    if not can_see_internal(user):
        return []
    number = text.strip()
    imported = Change.objects.filter(external_id=number).values_list("pk", "external_source")
    noted = Documentation.objects.filter(reference__iexact=number).values_list("change", "system")
    sources = dict(imported[:SHOWN].union(noted[:SHOWN], all=True))
    found = rows.filter(pk__in=sources) if sources else ()
    kind = _("Number elsewhere")
    return [Place(one, "tag", kind, f"{sources[one.pk]} {number}") for one in found]


def _developments(user: User, text: str, rows: QuerySet[Change]) -> list[Place]:
    """Pull requests and branches; a pull request by its address, a part of it, or its number."""
    wanted = composed(text).strip()
    number = PULL_REQUEST.fullmatch(wanted)
    if not can_see_internal(user) or (number is None and len(wanted) < SHORTEST):
        return []
    named = Q(reference__icontains=wanted)
    if number is not None:
        ends = (Q(reference__iendswith=f"{sign}{number[1]}") for sign in "/#!")
        # As copied from one of its own pages: ``/pull/4711/files``.
        named = reduce(or_, ends, Q(reference__icontains=f"/{number[1]}/"))
    found = searching.newest_or_indexed(Development.objects.all(), named, named, _enough(user))
    kind = _("Pull request or branch")
    return [
        Place(one.change, "git-pull-request", kind, one.reference) for one in _newest(found, rows)
    ]


def _releases(user: User, text: str) -> list[Release]:
    """Releases by name, the latest planned first."""
    words = composed(text).split()[:SHOWN]
    if not words or not can_read_releases(user):
        return []
    named = Q(*(Q(name__icontains=word) for word in words))
    return list(Release.objects.filter(named).order_by("-planned_on", "-pk")[:SHOWN])


def _labels(user: User, text: str) -> list[Label]:
    """Labels by name, for Expansive's own people alone; one that was merged as the other."""
    words = composed(text).split()[:SHOWN]
    if not words or not can_see_internal(user):
        return []
    named = Q(*(Q(name__icontains=word) for word in words))
    found = Label.objects.filter(named).select_related("merged_into")
    return shown(found.order_by("name", "pk")[:SHOWN])


def _comments(user: User, text: str, rows: QuerySet[Change]) -> list[Place]:
    comments = _readable(user, Comment.objects.all())
    seen, indexed = Words(text).within(SearchVector("body", config="english"))
    found = searching.newest_or_indexed(
        comments, seen, indexed, _enough(user), near=NEWEST_COMMENTS
    )
    return [
        Place(
            one.change,
            "lock" if one.is_internal else "message",
            _("Internal note") if one.is_internal else _("Comment"),
            around(one.body, words_of(text)),
        )
        for one in _newest(found, rows)
    ]


def _files(user: User, words: list[str], rows: QuerySet[Change]) -> list[Place]:
    named = Q(*(Q(name__icontains=word) for word in words))
    files = _readable(user, Attachment.objects.alias(capitals=Upper("name")))
    found = searching.newest_or_indexed(files, named, named, _enough(user))
    return [Place(one.change, "paperclip", _("File"), one.name) for one in _newest(found, rows)]


def _readable(user: User, records: QuerySet[Any]) -> QuerySet[Any]:
    return records if can_see_internal(user) else records.filter(is_internal=False)


def _enough(user: User) -> int:
    """With so many among the newest no index is asked; a customer's may all be older."""
    return SHOWN if can_see_internal(user) else searching.NEAR + 1


def _newest(found: QuerySet[Any], rows: QuerySet[Change]) -> QuerySet[Any]:
    found = found.filter(change__in=rows.order_by()).select_related("change")
    names = ("pk", "title", "state", "type", "submitted_at")
    return found.order_by("-pk").defer(
        *(
            f"change__{one.name}"
            for one in Change._meta.concrete_fields
            if one.name not in names and one.name != "id"
        )
    )[:SHOWN]


BEFORE, LONGEST = 60, 180


def around(text: str, words: list[str]) -> str:
    """Return the part of a long text in which the first of some words stands."""
    plain = " ".join(text.split())
    places = [plain.casefold().find(word.casefold()) for word in words]
    start = max(min((place for place in places if place >= 0), default=0) - BEFORE, 0)
    shown = plain[start : start + LONGEST]
    before, after = "…" if start else "", "…" if start + LONGEST < len(plain) else ""
    return f"{before}{shown}{after}"
