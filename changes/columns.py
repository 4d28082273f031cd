"""The columns of the list of changes: which there are for whom, and which somebody is shown.

A list never shows more of a change than its file does (``export``), so that a column is no
question of rights: Expansive's people and customers each have columns of their own. Reference
and title, which name a row, come first in every list and are no choice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.statements import Given, Statement
from expansive_cm.texts import Text

from .models import Label, ListColumns

BETWEEN = "."
"""Between the names in an address, where it stands as it is."""
LONGEST = 300
"""The letters that an address may name columns in; all names together are far fewer."""


@dataclass(frozen=True)
class Column:
    """One column of the table; ``sort`` is the order that its heading asks for first.

    ``joined``, ``fields`` and ``many`` are what a row loads for it besides what each row does.
    Where all columns are the usual ones, a phone says the label of those alone that need it.
    """

    name: str
    label: Text
    sort: str = ""
    joined: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    many: tuple["str | Prefetch[Any, Any, Any]", ...] = ()
    is_labelled: bool = False
    needs_role: bool = False


FIRST = (
    Column("reference", _("Reference"), "-reference"),
    Column("title", _("Title"), "title"),
)
_RAISED_BY = ("raised_by__display_name", "raised_by__email")
_LABELS = Prefetch("labels", Label.objects.select_related("merged_into"))
STAFF = (
    Column("state", _("State"), "state"),
    Column("type", _("Type"), "type"),
    Column("organisation", _("Asked by"), "requester"),
    Column("owner", _("Owner"), "owner"),
    Column("risk", _("Risk"), "-risk"),
    Column("since", _("In state"), "since", is_labelled=True),
    Column("due", _("Due"), "due", is_labelled=True),
    Column("updated", _("Last change"), "-updated"),
    Column("submitted", _("Submitted"), "-submitted", fields=("submitted_at",)),
    Column("closed", _("Closed"), "-closed", fields=("closed_at",)),
    Column("desired", _("Desired date"), "desired", fields=("desired_on",)),
    Column("urgency", _("Urgency"), "-urgency", fields=("urgency",)),
    Column("services", _("Affected services"), many=("services",)),
    Column("release", _("Release"), "release", fields=("release__name",), needs_role=True),
    Column("raised_by", _("Raised by"), "raised_by", joined=("raised_by",), fields=_RAISED_BY),
    Column("channel", _("Channel"), "channel", fields=("channel",)),
    Column("labels", _("Labels"), many=(_LABELS,), needs_role=True),
    Column("customer", _("Organisation"), "organisation"),
)
CUSTOMERS = (
    Column("words", _("Where it stands")),
    Column("type", _("Type"), "type"),
    Column("requester", _("Asked by"), "requester"),
    Column("updated", _("Last change"), "-updated", is_labelled=True),
    Column("due", _("Promised by"), "due", is_labelled=True),
    Column("customer", _("Organisation"), "organisation"),
    Column("submitted", _("Submitted"), "-submitted", fields=("submitted_at",)),
    Column("closed", _("Closed"), "-closed", fields=("closed_at",)),
    Column("desired", _("Desired date"), "desired", fields=("desired_on",)),
    Column("services", _("Affected services"), many=("services",)),
)
_USUAL = {STAFF: STAFF[:7], CUSTOMERS: CUSTOMERS[:5]}
KEPT = Statement(
    lambda: ListColumns.objects.filter(person=Given("reader")).values_list("names"),
    planned_once=True,
)


def offered(user: User) -> tuple[Column, ...]:
    """Return what somebody can choose from, in the order in which it is offered."""
    columns = STAFF if user.is_internal else CUSTOMERS
    return tuple(one for one in columns if user.roles or not one.needs_role)


def sorts_of(user: User) -> frozenset[str]:
    """Return the orders, either way, that somebody's list has: those of columns that are theirs.

    Any other would tell them what they may not read.
    """
    names = {one.sort.lstrip("-") for one in (*FIRST, *offered(user)) if one.sort}
    return frozenset(names | {f"-{name}" for name in names})


def usual(user: User) -> tuple[Column, ...]:
    """Return what somebody is shown who has chosen nothing."""
    return _USUAL[STAFF if user.is_internal else CUSTOMERS]


def read(user: User, text: str) -> tuple[tuple[Column, ...], bool]:
    """Return the columns that a text names, each once, and whether any of them is none.

    What somebody else chose, or another version of the product had, may not exist for its
    reader: the others are shown then.
    """
    known = {one.name: one for one in offered(user)}
    asked = list(dict.fromkeys(text.split(BETWEEN))) if 0 < len(text) <= LONGEST else []
    found = tuple(known[name] for name in asked if name in known)
    return found, bool(text) and (len(found) < len(asked) or not asked)


def written(columns: Iterable[Column]) -> str:
    """Return the text that names columns in an address."""
    return BETWEEN.join(one.name for one in columns)


def kept_by(user: User) -> tuple[Column, ...]:
    """Return what somebody has chosen for themselves, or the usual columns. One query."""
    for (names,) in KEPT.rows(reader=user.pk):
        return read(user, names)[0] or usual(user)
    return usual(user)
