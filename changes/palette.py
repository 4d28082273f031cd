"""What the palette leads to while somebody types: changes, people, and what other apps have.

What a person can do now is said once, as it opens. Everything is found as lists find it, for this
reader, with the same bounds; pages are the entries of the header. Other apps, which this one does
not know, add what is theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.texts import Text, composed
from expansive_cm.ui import paging

from . import inbox, saved_views, searching, selecting
from .also import Also, Place, also_with
from .filters import ChangeFilterForm
from .models import Change, Label, Release
from .permissions import can_raise
from .states import State
from .templatetags.change_ui import state_words
from .worklist import Group, worklist

SHOWN = 6
"""So many of each kind are shown."""
LONGEST = 200


@dataclass(frozen=True)
class Lead:
    """A place to go to, and what tells it from others of its name."""

    text: Text
    url: str
    icon: str
    detail: Text = ""
    fields: tuple[tuple[str, str | int], ...] = ()
    """What is sent to the address, where it is an act and no page."""


@dataclass(frozen=True)
class Kind:
    """Places of one kind."""

    name: Text
    leads: list[Lead]


Source = Callable[[User, str], Kind]
_sources: list[Source] = []


def provide(source: Source) -> None:
    """Let an app that ``changes`` may not ask add what a person finds by a text."""
    _sources.append(source)


def acts_of(user: User) -> list[Lead]:
    """Return what a person can do now, on whichever page: begin, go on, and clear the bell.

    What waits for them is that of Home, the oldest of each step. Costs three queries at most.
    """
    found = []
    if can_raise(user):
        found.append(Lead(_("New change request"), reverse("changes:new"), "plus"))
    found += [_next_of(user, group) for group in worklist(user)[:SHOWN]]
    newest = inbox.newest_unread(user)
    if newest is not None:
        words = _("Mark all notifications as read")
        fields = (("until", newest),)
        found.append(Lead(words, reverse("changes:read_all"), "checks", fields=fields))
    return found


def _next_of(user: User, group: Group) -> Lead:
    """Return the step that waits longest of those of one kind, and how many wait beside it."""
    task = group.tasks[0]
    title = _lead(user, task.change).text
    detail: Text = task.change.reference
    if group.count > 1:
        words = _("%(reference)s, the first of %(number)s")
        detail = words % {"reference": task.change.reference, "number": group.how_many}
    return Lead(f"{group.label}: {title}", task.url, "hand-stop", detail)


def is_asked(text: str) -> bool:
    """Whether a text is something to look for."""
    return bool(text.strip())


def kinds_for(user: User, text: str, pages: list[Lead]) -> list[Kind]:
    """Return what a text leads to, by kind; the pages alone while nothing is typed.

    Costs the queries of a list's search, one for saved views, and one for each further app.
    """
    found = [Kind(_("Pages"), with_words(pages, text))]
    if is_asked(text):
        others = (source(user, text) for source in _sources)
        found = [*_changes(user, text), _views(user, text), *found, *others]
    return [replace(kind, leads=kind.leads[:SHOWN]) for kind in found if kind.leads]


def with_words(leads: list[Lead], text: str) -> list[Lead]:
    """Return those whose words hold every word of a text."""
    words = composed(text).casefold().split()
    return [
        one for one in leads if all(word in f"{one.text} {one.detail}".casefold() for word in words)
    ]


def _changes(user: User, text: str) -> list[Kind]:
    form = ChangeFilterForm(user, QueryDict(urlencode({"q": text})))
    if not form.is_valid():
        return []
    rows, wanted = selecting.select(user, form.cleaned_data), form.cleaned_data["q"]
    choose = searching.first_with(searching.Words(wanted))
    changes = paging.page_of(rows, form.order, size=SHOWN, load=_bare, choose=choose)
    also = also_with(user, wanted, rows, form.customers)
    return [
        Kind(_("Changes"), [_lead(user, change) for change in changes]),
        Kind(_("Requests of"), _askers(user, also)),
        Kind(_("Labels"), [_label(label) for label in also.labels]),
        Kind(_("Releases"), [_release(release) for release in also.releases]),
        Kind(_("Comments, files and numbers"), [_place(user, place) for place in also.places]),
    ]


def _views(user: User, text: str) -> Kind:
    visible = saved_views.with_words(saved_views.visible_to(user), text).select_related("owner")
    found = [
        Lead(
            one.name,
            f"{reverse('changes:list')}?saved={one.pk}",
            "bookmark",
            "" if one.owner_id == user.pk else str(one.owner),
        )
        for one in saved_views.in_order(visible)[:SHOWN]
    ]
    return Kind(_("Saved views"), found)


def _bare(changes: QuerySet[Change]) -> QuerySet[Change]:
    return changes.only("pk", "title", "state", "type", "submitted_at")


def _lead(user: User, change: Change, icon: str = "file-text") -> Lead:
    title = change.title or _("No title yet")
    words = state_words(State(change.state), plain=not user.is_internal)
    detail = f"{change.reference} · {words}"
    return Lead(title, change.get_absolute_url(), icon, detail)


def _place(user: User, place: Place) -> Lead:
    lead = _lead(user, place.change, place.icon)
    return replace(lead, detail=f"{place.change.reference}: {place.words}")


def _release(release: Release) -> Lead:
    day = date_format(release.planned_on, "DATE_FORMAT")
    return Lead(release.name, release.get_absolute_url(), "rocket", day)


def _label(label: Label) -> Lead:
    return Lead(label.name, f"{reverse('changes:list')}?label={label.pk}", "tag")


def _askers(user: User, also: Also) -> list[Lead]:
    where = reverse("changes:list")
    people = [
        Lead(
            str(one),
            f"{where}?{urlencode(_asked_by(user, one))}",
            "user",
            str(one.organisation) if user.is_internal and one.organisation else "",
        )
        for one in also.people
    ]
    customers = [
        Lead(name, f"{where}?{urlencode({'organisation': pk})}", "building-community")
        for pk, name in also.customers
    ]
    return [*people, *customers]


def _asked_by(user: User, person: User) -> dict[str, str | int]:
    return {"asked_by": person.email} if user.is_internal else {"requester": person.pk}
