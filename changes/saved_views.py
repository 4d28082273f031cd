"""Which saved views somebody sees, and what the list makes of the one in its address.

`?saved=` alone asks for what the view holds; filters beside it are a change against the view.
A view names filters only: each is read for the reader of the list, as if they had typed it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    Func,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Upper
from django.http import QueryDict

from accounts.models import SuccessTeam, User
from accounts.roles import STAFF_ROLES, Role
from expansive_cm.numbers import whole_number
from expansive_cm.statements import Given, ObjectStatement, Statement
from expansive_cm.texts import composed

from .models import FirstView, SavedView

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Listed(TypedDict):
        is_first: bool
        is_own: bool
        chose_all: bool

    Listed = WithAnnotations[SavedView, _Listed]

MOST = 30
"""So many views one person keeps."""
DRAWN = 12
"""So many stand in the menu above the list; all are on a page of their own."""
LONGEST = 2000
"""The letters that the filters of one view may have together."""
EVERYTHING = {"sort": ["-reference"]}
"""The list without a filter, said in so many words: an address that holds nothing opens the view
that its reader has chosen for it, or, for Expansive's own people, ``OPEN_ONES``."""
OPEN_ONES = {"view": ["open"]}
"""What the list shows Expansive's own people where nothing else was chosen to begin with."""
ROLES = [str(role) for role in Role]
NOT_SHARED = Q(team=None, organisation=None, role=None)

V = TypeVar("V", bound=SavedView)
Filters = Mapping[str, list[str]]


def visible_to(user: User) -> "QuerySet[SavedView]":
    """Return the views that exist for somebody: their own, and those shared with them."""
    if not user.is_active:
        return SavedView.objects.none()
    condition = _seen_by(user.pk, user.organisation_id, is_internal=user.is_internal)
    return SavedView.objects.filter(condition)


def may_see(user: User, view: SavedView) -> bool:
    """Whether a view exists for somebody: the rule of ``visible_to`` for one that is loaded."""
    if not user.is_active:
        return False
    if not view.is_shared:
        return view.owner_id == user.pk
    return view.shared in audiences_of(user)


def audiences_of(user: User) -> list[str]:
    """Return with whom somebody can share, as ``SavedView.shared`` names them."""
    if not user.is_active:
        return []
    if not user.is_internal:
        return [f"organisation:{user.organisation_id}"]
    teams = [f"team:{key}" for key in sorted(user.team_ids)]
    return teams + [f"role:{role}" for role in sorted(user.roles & STAFF_ROLES)]


def _seen_by(key: int | Given, organisation: int | Given | None, *, is_internal: bool) -> Q:
    own = Q(owner=key) & NOT_SHARED
    if not is_internal:
        return own | Q(organisation=organisation)
    teams = SuccessTeam.objects.filter(members=key).order_by().values("pk")
    roles = Group.objects.filter(people=key, name__in=sorted(STAFF_ROLES)).order_by()
    return own | Q(_is_among("team", teams)) | Q(_is_among("role", roles.values("name")))


def _is_among(name: str, rows: "QuerySet[Any, Any]") -> Func:
    """Compare with what was read once: as ``IN`` beside ``OR`` no index would serve it."""
    return Func(
        F(name),
        ArraySubquery(rows),
        template="(%(expressions)s))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )


@cache
def _for_list(is_internal: bool) -> "ObjectStatement[Listed]":
    """The views of the menu: the one in the address, the chosen ones, then one's own, by name.

    They are chosen before anything is joined to them.
    """
    reader = Given("reader")
    seen = _seen_by(reader, Given("organisation"), is_internal=is_internal)
    is_first = _is(Q(pk=Subquery(FirstView.objects.filter(person=reader).values("view"))))
    is_asked, is_own = _is(Q(pk=Given("asked"))), _is(Q(owner=reader))
    chose_all = Exists(FirstView.objects.filter(person=reader, view=None))
    order = (is_asked.desc(), is_first.desc(), "-opens_role", is_own.desc(), Upper("name"), "pk")
    chosen = SavedView.objects.filter(seen).order_by(*order)[: DRAWN + 1]
    rows = SavedView.objects.filter(pk__in=chosen.values("pk")).select_related("owner")
    return ObjectStatement(
        lambda: rows.annotate(is_first=is_first, is_own=is_own, chose_all=chose_all).order_by(
            *order
        )
    )


def _is(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(True)), default=Value(False), output_field=BooleanField()
    )


CHOSE_ALL = Statement(
    lambda: FirstView.objects.filter(person=Given("reader"), view=None).values_list("pk"),
    planned_once=True,
)


def chose_all(user: User) -> bool:
    """Whether somebody wants Changes to open with all changes. One query."""
    return any(CHOSE_ALL.rows(reader=user.pk))


@dataclass
class Views:
    """The saved views above the list, for one reader and one address."""

    rows: list[SavedView] = field(default_factory=list)
    current: SavedView | None = None
    """The one that the address asks for, or that the list opens with."""
    has_first: bool = False
    """Whether an address that holds nothing opens a view."""
    begins_open: bool = False
    """Whether the address holds nothing, and stands for the open changes."""
    has_more: bool = False
    is_missing: bool = False
    """Whether the address asks for a view that does not exist for this person."""
    is_opened: bool = False
    """Whether the list shows what the view holds, not what stands beside it in the address."""


def asked_for(user: User, data: QueryDict, filters: set[str]) -> Views:
    """Return the views above the list of an address; ``filters`` are the names that it may hold.

    One query; one more for one of Expansive's own people without any view, whose address is empty.
    """
    number = whole_number(data.get("saved", "")) or 0
    found = _for_list(user.is_internal).objects(
        reader=user.pk, asked=number, organisation=user.organisation_id or 0
    )
    chosen = next((one for one in found if one.is_first), None)
    wants_all = bool(found) and found[0].chose_all
    if chosen is None and not wants_all:
        chosen = _first_of_roles(found)
    for one in found:
        one.is_first = one is chosen
    views = Views(has_first=chosen is not None, has_more=len(found) > DRAWN)
    if "saved" in data:
        views.current = next((one for one in found if one.pk == number), None)
        views.is_missing = views.current is None
    elif not data:
        views.current = chosen
        if chosen is None and user.is_internal:
            views.begins_open = not (wants_all if found else chose_all(user))
    if views.current is not None:
        views.current.filters = _for_reader(user, views.current.filters)
    views.is_opened = views.current is not None and not filters & set(data)
    drawn = found[:DRAWN]
    drawn.sort(key=lambda one: (not one.is_own, one.name.casefold()))
    views.rows = [*drawn]
    return views


def opens_with(user: User) -> int | None:
    """Return the view that an address which holds nothing opens for somebody, if any.

    The one they chose, as long as they see it, else that of their role. Two queries.
    """
    chosen = list(FirstView.objects.filter(person=user).values_list("view", flat=True))
    if chosen == [None]:
        return None
    seen = visible_to(user).filter(pk__in=chosen).values_list("pk", flat=True).first()
    return seen or opens_for_roles_of(user)


def opens_for_roles_of(user: User) -> int | None:
    """Return the view that Changes opens with for a role of somebody: the first of their roles."""
    first = _first_of_roles(visible_to(user).filter(opens_role=True).order_by())
    return None if first is None else first.pk


def _first_of_roles(visible: "Iterable[V]") -> "V | None":
    """Return the view of the first role, of those that one person sees, as they hold the role."""
    found = [one for one in visible if one.opens_role]
    return min(found, key=lambda one: ROLES.index(one.role or ""), default=None)


def _for_reader(user: User, filters: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what a view holds, without the one customer whose changes are all its reader sees.

    Who approves for several customers shares such a view with people who have no such filter.
    """
    own = user.organisation_id
    if user.is_internal or str(own) not in filters.get("organisation", []):
        return filters
    if set(user.approves_for_ids) - {own}:
        return filters
    return {name: values for name, values in filters.items() if name != "organisation"}


def as_data(filters: Filters) -> QueryDict:
    """Return what a view holds as a list's address would."""
    data = QueryDict(mutable=True)
    for name, values in filters.items():
        data.setlist(name, list(values))
    return data


def is_same(one: Filters, other: Filters) -> bool:
    """Whether two ask for the same, in whatever order their values stand."""
    return {name: sorted(values) for name, values in one.items()} == {
        name: sorted(values) for name, values in other.items()
    }


def with_words(views: "QuerySet[SavedView]", text: str) -> "QuerySet[SavedView]":
    """Return the views whose name has every word of a text."""
    for word in composed(text).split():
        views = views.filter(name__icontains=word)
    return views


def in_order(views: "QuerySet[SavedView]") -> "QuerySet[SavedView]":
    """Return views by their names."""
    return views.order_by(Upper("name"), "pk")
