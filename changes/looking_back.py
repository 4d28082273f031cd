"""Post-implementation reviews and their actions: whose they are, what is open, what is late."""

from functools import lru_cache

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import STAFF_ROLES, Role
from accounts.standing import Anybody, Standing, given_of
from expansive_cm.statements import Given, ObjectStatement

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
    """Tell of reviews that are this person's to record, and of actions to do. Two queries."""
    standing, given = Standing.of(user), given_of(user)
    reviews = _reviews_of(standing).objects(**given)
    actions = _actions_of(standing).objects(**given)
    return [*map(_review, reviews), *(_action(one, user) for one in actions)]


def _review(review: PostReview) -> Notice:
    day = date_format(timezone.localtime(review.due_at), "j F Y")
    words = _("The post-implementation review of %(change)s is due by %(day)s.")
    if review.is_late:
        words = _("The post-implementation review of %(change)s is late: it was due by %(day)s.")
    told = words % {"change": review.change, "day": day}
    return Notice(told, review.get_absolute_url(), _("Review it"))


def _action(action: PostAction, user: User) -> Notice:
    told = {
        "text": action.text,
        "change": action.change.reference,
        "day": date_format(action.due_on, "j F Y"),
        "owner": action.owner,
    }
    words = _("After %(change)s, by %(day)s: %(text)s")
    if action.owner_id != user.pk:
        words = _("After %(change)s, by %(day)s: %(text)s. It was for %(owner)s, who has left.")
    elif action.due_on < timezone.localdate():
        words = _("Late, after %(change)s, by %(day)s: %(text)s")
    url = f"{action.review.get_absolute_url()}#action-{action.pk}"
    return Notice(words % told, url, _("Open it"))


def _changes_of(anybody: Anybody) -> QuerySet[Change]:
    theirs = RESPONSIBLE.changes(anybody)
    return Change.objects.none() if theirs is None else Change.objects.filter(theirs).order_by()


@lru_cache(maxsize=64)
def _reviews_of(standing: Standing) -> ObjectStatement:
    """The first due of those that are a person's with these roles."""
    anybody = Anybody(standing)
    theirs = Q(change__in=_changes_of(anybody)) & ~OF_BOARD
    if anybody.has_role(Role.CRB_MEMBER):
        theirs |= OF_BOARD
    found = open_reviews().filter(theirs).select_related("change").order_by("due_at", "pk")
    return ObjectStatement(lambda: found[:SHOWN])


@lru_cache(maxsize=64)
def _actions_of(standing: Standing) -> ObjectStatement:
    """The first due of a person's own, and of those left behind on what they look after."""
    anybody = Anybody(standing)
    left = Q(change__in=_changes_of(anybody)) & without_its_owner()
    found = open_actions().filter(Q(owner=Given("person")) | left)
    found = found.select_related("change", "owner", "review").order_by("due_on", "pk")
    return ObjectStatement(lambda: found[:SHOWN])


def with_people(actions: QuerySet[PostAction]) -> QuerySet[PostAction]:
    """Join what the row of an action shows."""
    return actions.select_related("change", "owner", "done_by", "review")


def with_change(reviews: QuerySet[PostReview]) -> QuerySet[PostReview]:
    """Join what the row of a review shows."""
    return reviews.select_related("change", "recorded_by")
