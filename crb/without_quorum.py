"""What too few can vote on: shown to administrators, who name members.

They read it on Home for as long as it is so, and are mailed once (`lifecycle.hindrances`). Who is
away without an alternate may vote beforehand and counts; the board's own page says that they are.
"""

from dataclasses import dataclass

from django.db.models import Count, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import Role
from changes.notices import Notice
from expansive_cm.statements import Given, ObjectStatement

from . import queries
from .models import Absence, AgendaItem, Board, KeptSeat, Meeting, Membership
from .models.board import able
from .queries.votes import KEEPS, is_aside
from .states import ItemState, MeetingState
from .without_lead import held_or_soon, these_days, url_of_seats

NAMED = 5
NAME_MEMBERS = gettext_lazy("Name members")


@dataclass(frozen=True)
class Short:
    """A meeting or ballot that cannot decide: on some of its items, on any where none is named."""

    meeting: Meeting
    able: int
    """How many can vote; the fewest on any of the items."""
    needed: int
    items: tuple[AgendaItem, ...] = ()

    @property
    def sentence(self) -> str:
        """Say what cannot be decided, and why."""
        words = {"meeting": self.meeting, "needed": self.needed, "able": self.able}
        if not self.items:
            return (
                _("“%(meeting)s” cannot decide: quorum is %(needed)d votes, %(able)d can vote.")
                % words
            )
        names = [item.change.reference for item in self.items]
        said = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
        return _(
            "“%(meeting)s” cannot decide on %(changes)s: quorum is %(needed)d votes, "
            "%(able)d can vote."
        ) % {**words, "changes": said}


def without_quorum() -> list[Short]:
    """Meetings and ballots in which quorum is out of reach, now or in the next two weeks.

    One query where there is none; more only for those in which it may be so.
    """
    found = (_of(meeting) for meeting in PERHAPS.objects(**these_days()))
    return [one for one in found if one is not None]


def stuck_boards() -> list[Board]:
    """Return the boards of these meetings."""
    return list({one.meeting.board_id: one.meeting.board for one in without_quorum()}.values())


def notices(user: User) -> list[Notice]:
    """Tell an administrator what cannot be decided, and where to help; costs the others nothing."""
    if not user.has_role(Role.ADMINISTRATOR):
        return []
    return [
        Notice(one.sentence, url_of_seats(one.meeting.board), NAME_MEMBERS)
        for one in without_quorum()
    ]


def _of(meeting: Meeting) -> Short | None:
    """What is out of reach in one meeting: its votes counted, and who there can still vote."""
    seats = meeting.members
    can_vote = {seat.user_id for seat in seats if seat.is_able}
    items = [item for item in queries.agenda_of(meeting) if item.is_open]
    counts = [(item, queries.tally_of(item)) for item in items]
    short = [(item, count) for item, count in counts if not count.can_reach_quorum(can_vote)]
    needed = meeting.board.quorum.needed(len(seats))
    if len(can_vote) < needed and len(short) == len(items):
        return Short(meeting, len(can_vote), needed)
    if not short:
        return None
    fewest = min(len(count.within_reach(can_vote)) for _item, count in short)
    most = max(count.needed for _item, count in short)
    return Short(meeting, fewest, most, tuple(item for item, _count in short))


# Which to count ---------------------------------------------------------------------------------


def _perhaps() -> QuerySet[Meeting]:
    """Meetings and open ballots in which it may be so: no other needs to be counted.

    Whoever stands in for a member is not counted on here.
    """
    in_time = Q(deadline=None) | Q(deadline__gt=Given("now", DateTimeField()))
    held, quorum = Q(state=MeetingState.RUNNING), F("board__quorum_count")
    left = KeptSeat.objects.filter(~Exists(able(OuterRef("user"))), meeting=OuterRef("pk"))
    few = _items_with_few().filter(meeting=OuterRef("pk"))
    dated = held_or_soon().filter(in_time).alias(seats=_number(_terms("board", "date"), "board"))
    return dated.filter(held & Q(Exists(left)) | ~held & Q(seats__lt=quorum) | Q(Exists(few)))


PERHAPS = ObjectStatement(_perhaps)


def _items_with_few() -> QuerySet[AgendaItem]:
    """Open items on which fewer may vote for themselves than quorum takes."""
    quorum = F("meeting__board__quorum_count")
    kept = KeptSeat.objects.filter(meeting=OuterRef("meeting"))
    able_there = kept.filter(~is_aside("user"), Exists(able(OuterRef("user"))), absent=None)
    terms = _terms("meeting__board", "meeting__date").filter(~is_aside("user"))
    keeps = KEEPS & Q(Exists(kept))
    return (
        AgendaItem.objects.filter(state=ItemState.OPEN)
        .alias(seats=_number(able_there, "meeting"), terms=_number(terms, "board"))
        .filter(keeps & Q(seats__lt=quorum) | ~keeps & Q(terms__lt=quorum))
    )


def _terms(board: str, day: str) -> QuerySet[Membership]:
    """Members of a board on a day who can vote and for whom nobody stands in."""
    absent = Absence.objects.filter(
        Exists(able(OuterRef("alternate"))),
        membership=OuterRef("pk"),
        withdrawn_at=None,
        starts_on__lte=OuterRef(OuterRef(day)),
        ends_on__gte=OuterRef(OuterRef(day)),
    )
    return Membership.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=OuterRef(day)),
        Exists(able(OuterRef("user"))),
        ~Exists(absent),
        board=OuterRef(board),
        starts_on__lte=OuterRef(day),
    )


def _number(rows: "QuerySet[KeptSeat] | QuerySet[Membership]", within: str) -> Coalesce:
    """How many rows there are of one ``within``, as an annotation."""
    counted = rows.order_by().values(within).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)
