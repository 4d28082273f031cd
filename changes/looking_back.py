"""Post-implementation reviews and their actions: whose they are, what is open, what is late."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from django.db.models import (
    BigIntegerField,
    CharField,
    DateTimeField,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import STAFF_ROLES, Role
from accounts.standing import Anybody, Standing, given_of
from expansive_cm.statements import Given, Statement

from .models import Change, PostAction, PostReview
from .models.post_review import OPEN_POST_ACTION, OPEN_REVIEW
from .notices import Notice
from .states import ChangeType
from .turns.groups import RESPONSIBLE

SHOWN = 5
"""So many of each are on Home at once."""
OF_BOARD = Q(is_of_emergency=True, change__type=ChangeType.CODE)
"""What the board looks back on (``permissions.is_the_boards``)."""


def open_reviews() -> QuerySet[PostReview]:
    """Return reviews that wait to be recorded."""
    return PostReview.objects.filter(OPEN_REVIEW)


def open_actions() -> QuerySet[PostAction]:
    """Return actions that are still to be done."""
    return PostAction.objects.filter(OPEN_POST_ACTION)


def without_its_owner() -> Q:
    """Return the condition for actions whose owner has left, or has no role any more."""
    there = User.objects.filter(groups__name__in=STAFF_ROLES | {Role.APPROVER})
    there = there.filter(is_active=True, organisation=None)
    return ~Q(owner__in=there.order_by().values("pk"))


def own_people() -> list[User]:
    """Return Expansive's own people, who can be given an action, by name. One query."""
    people = User.objects.filter(is_active=True, organisation=None)
    held = people.filter(groups__name__in=STAFF_ROLES | {Role.APPROVER}).distinct()
    return list(held.order_by("display_name", "pk"))


def notices(user: User) -> list[Notice]:
    """Tell of reviews that are this person's to record, and of actions to do. One query."""
    rows = _waiting_for(Standing.of(user)).rows(**given_of(user))
    return [_notice(Row(*row), user) for row in sorted(rows, key=lambda row: row[4])]


class Row(NamedTuple):
    """What a notice says of a review, or of an action where there is one."""

    review: int
    action: int | None
    change: int
    text: str
    due: datetime
    owner: int | None
    owner_name: str


def _notice(row: Row, user: User) -> Notice:
    url = reverse("changes:post_review", args=[row.change, row.review])
    told = {"change": f"{Change(pk=row.change).reference}", "text": row.text}
    if row.action is None:
        told["day"] = date_format(timezone.localtime(row.due), "j F Y")
        words = _("The post-implementation review of %(change)s “%(text)s” is due by %(day)s.")
        if row.due < timezone.now():
            words = _("The post-implementation review of %(change)s “%(text)s” is late: %(day)s.")
        return Notice(words % told, url, _("Review it"))
    day = row.due.astimezone(UTC).date()
    told |= {"day": date_format(day, "j F Y"), "owner": row.owner_name}
    words = _("After %(change)s, by %(day)s: %(text)s")
    if row.owner != user.pk:
        words = _("After %(change)s, by %(day)s: %(text)s. It was for %(owner)s, who has left.")
    elif day < timezone.localdate():
        words = _("Late, after %(change)s, by %(day)s: %(text)s")
    return Notice(words % told, f"{url}#action-{row.action}", _("Open it"))


def _on_theirs(anybody: Anybody) -> Q:
    """On a change that they look after: asked of the few that wait, each by its key."""
    theirs = RESPONSIBLE.changes(anybody)
    if theirs is None:
        return Q(pk__in=())
    return Q(Exists(Change.objects.filter(theirs, pk=OuterRef("change"))))


@lru_cache(maxsize=64)
def _waiting_for(standing: Standing) -> Statement:
    """The first due of the reviews and the actions that are for a person with these roles.

    Actions are their own, and those left behind on what they look after.
    """
    anybody = Anybody(standing)
    theirs = _on_theirs(anybody) & ~OF_BOARD
    if anybody.has_role(Role.CRB_MEMBER):
        theirs |= OF_BOARD
    none, no_name = Value(None, BigIntegerField()), Value("", CharField())
    reviews = open_reviews().filter(theirs).order_by("due_at", "pk")
    first = reviews.values_list("pk", none, "change", "change__title", "due_at", none, no_name)
    left = _on_theirs(anybody) & without_its_owner()
    actions = open_actions().filter(Q(owner=Given("person")) | left).order_by("due_on", "pk")
    day = Cast("due_on", DateTimeField())
    then = actions.values_list(
        "review", "pk", "change", "text", day, "owner", "owner__display_name"
    )
    both = first[:SHOWN].union(then[:SHOWN], all=True)
    return Statement(lambda: both)


def with_people(actions: QuerySet[PostAction]) -> QuerySet[PostAction]:
    """Join what the row of an action shows."""
    return actions.select_related("change", "owner", "done_by", "review")


def with_change(reviews: QuerySet[PostReview]) -> QuerySet[PostReview]:
    """Join what the row of a review shows."""
    return reviews.select_related("change", "recorded_by")
