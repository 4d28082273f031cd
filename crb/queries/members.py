"""Who has a seat on a board, when, and who is away."""

from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.roles import Role
from expansive_cm.statements import Given

from ..models import Absence, Board, Meeting, Membership
from ..states import MeetingKind
from .meetings import meetings


def possible_members() -> QuerySet[User]:
    """People who may take a seat on a board."""
    found = User.objects.filter(is_active=True, organisation=None, groups__name=Role.CRB_MEMBER)
    return found.order_by("display_name", "pk")


def absences(board: Board | Given, since: date | Given | None = None) -> QuerySet[Absence]:
    """Who is away on a day, today unless another is given, or later; the first to leave first.

    ``Given`` stands for the board's key, and for the day, within a statement.
    """
    found = Absence.objects.filter(
        membership__board=board, withdrawn_at=None, ends_on__gte=_day_of(board, since)
    )
    return found.select_related("membership__user", "alternate").order_by("starts_on", "pk")


def memberships(board: Board | Given, since: date | Given | None = None) -> QuerySet[Membership]:
    """Terms that have not ended before a day, today unless another is given; see ``absences``."""
    day = _day_of(board, since)
    if isinstance(board, Given):
        terms = Membership.objects.filter(board=board)
    else:
        terms = board.memberships.all()
    return terms.filter(Q(ends_on=None) | Q(ends_on__gte=day)).select_related("user")


def _day_of(board: Board | Given, since: date | Given | None) -> date | Given:
    if since is not None:
        return since
    assert isinstance(board, Board), "a day is given with a board that is"
    return board.today


def meetings_of(user: User, since: date) -> QuerySet[Meeting]:
    """Meetings at which a person has a seat, from a day on, cancelled ones too.

    The rule of ``Board.members_on`` as one query: the member, unless an alternate takes the
    seat, and the alternate.
    """
    return (
        meetings()
        .filter(Exists(_own_seats(user)) | Exists(_seats_for_others(user)), date__gte=since)
        .exclude(kind=MeetingKind.BALLOT)
        .order_by("starts_at", "pk")
    )


def _own_seats(user: User) -> QuerySet[Membership]:
    """A person's terms that cover a meeting, but for those whose seat an alternate takes then."""
    day, board = OuterRef("date"), OuterRef("board")
    taken = Absence.objects.filter(
        membership=OuterRef("pk"),
        starts_on__lte=OuterRef(OuterRef("date")),
        ends_on__gte=OuterRef(OuterRef("date")),
        withdrawn_at=None,
        alternate__is_active=True,
        alternate__organisation=None,
        alternate__groups__name=Role.CRB_MEMBER,
    )
    terms = Membership.objects.filter(user=user, board=board, starts_on__lte=day)
    return terms.filter(Q(ends_on=None) | Q(ends_on__gte=day)).exclude(Exists(taken))


def _seats_for_others(user: User) -> QuerySet[Absence]:
    """Absences during which a person stands in at a meeting, within the member's term."""
    day, board = OuterRef("date"), OuterRef("board")
    away = Absence.objects.filter(
        alternate=user,
        withdrawn_at=None,
        starts_on__lte=day,
        ends_on__gte=day,
        membership__board=board,
        membership__starts_on__lte=day,
    )
    return away.filter(Q(membership__ends_on=None) | Q(membership__ends_on__gte=day))
