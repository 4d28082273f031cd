"""What a customer's people asked in a comment and nobody has answered yet.

A comment asks if it has a question mark; it is answered once one of Expansive's own people has
written after it for everybody to read, be it that it was settled by telephone.
"""

import re
from functools import lru_cache

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from accounts.standing import Anybody, Standing, given_of
from expansive_cm.statements import Given, ObjectStatement, Statement

from .models import Change, Comment
from .notices import Notice
from .turns.groups import RESPONSIBLE

SHOWN = 5
"""So many are shown at once, on Home and where a change is closed."""
ASKING = re.compile(r"[？؟]|\?(?=[\s?!.,;:)\]\"'*_’”»]|$)")
"""A question mark that ends something: in addresses others follow it at once."""


def asks(words: str) -> bool:
    """Whether a text asks something, in lines that are no quotation."""
    own = "\n".join(row for row in words.splitlines() if not row.lstrip().startswith(">"))
    return bool(ASKING.search(own))


def unanswered(change: Change) -> list[Comment]:
    """Return the comments in which a customer's people wait for an answer. One query."""
    return [one for one in SINCE_WE_WROTE.objects(change=change.pk) if asks(one.body)]


_WE_WROTE_LATER = Comment.objects.filter(
    change=OuterRef("change"),
    is_internal=False,
    author__organisation=None,
    pk__gt=OuterRef("pk"),
)

SINCE_WE_WROTE = ObjectStatement(
    lambda: (
        Comment.objects.filter(
            Q(body__contains="?") | Q(body__contains="？") | Q(body__contains="؟"),
            ~Exists(_WE_WROTE_LATER),
            change=Given("change"),
            is_internal=False,
            author__organisation__isnull=False,
        )
        .select_related("author")
        .order_by("pk")
    )
)


def notices(user: User) -> list[Notice]:
    """Tell whoever looks after a change that it ended with a question open.

    Support reads of all of them, so that none waits where a team has nobody. One query.
    """
    words = _("%s has ended, and something that the customer asked is not answered.")
    ended = [Change(pk=pk) for (pk,) in _left_open(Standing.of(user)).rows(**given_of(user))]
    return [
        Notice(words % one.reference, f"{one.get_absolute_url()}#comments-section", _("Answer it"))
        for one in ended
    ]


@lru_cache(maxsize=64)
def _left_open(standing: Standing) -> Statement:
    """The oldest of them that are a person's with these roles, or anybody's for support."""
    anybody = Anybody(standing)
    theirs = Q() if anybody.has_role(Role.SUPPORT) else RESPONSIBLE.changes(anybody)
    found = Change.objects.filter(theirs) if theirs is not None else Change.objects.none()
    ended = found.filter(left_unanswered=True).order_by("state_since", "pk")
    return Statement(lambda: ended.values_list("pk")[:SHOWN], planned_once=True, fits_all=True)
