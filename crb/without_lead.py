"""What nobody can end: shown to administrators, who name a chair or a deputy.

They read it on Home for as long as it is so, and are mailed once (`lifecycle.hindrances`).
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import DateField, DateTimeField, Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import Role
from changes.notices import Notice
from expansive_cm.statements import Given, ObjectStatement

from .models import Absence, Board, Meeting, Membership
from .models.board import able, day_there
from .states import MeetingKind, MeetingState

SOON = timedelta(days=14)
"""So long before a meeting somebody hears that there is nobody to open it."""

NAME_ONE = gettext_lazy("Name a chair or a deputy")


def without_lead() -> list[Meeting]:
    """Meetings and ballots that nobody can end, or open in the next two weeks.

    One query where every board has a chair or deputy today; more only where one has none.
    """
    return [meeting for meeting in PERHAPS.objects(**these_days()) if not meeting.led_by]


def held_or_soon() -> QuerySet[Meeting]:
    """What runs, and meetings of the next two weeks of boards that meet; the first first.

    Which days these are is given (``these_days``) when it is asked.
    """
    first, last = (Given(name, DateField()) for name in ("first", "last"))
    soon = Q(date__gte=first, date__lte=last, board__is_active=True)
    wanted = Q(state=MeetingState.RUNNING) | Q(state=MeetingState.SCHEDULED) & soon
    return Meeting.objects.filter(wanted).select_related("board").order_by("date", "pk")


def these_days() -> dict[str, date | datetime]:
    """What is given to a statement of ``held_or_soon``: the moment, and from when to when."""
    now = timezone.now()
    return {"now": now, "first": now.date() - timedelta(days=1), "last": now.date() + SOON}


def stuck_boards() -> list[Board]:
    """Return the boards of these meetings."""
    return list({meeting.board_id: meeting.board for meeting in without_lead()}.values())


def notices(user: User) -> list[Notice]:
    """Tell an administrator what is stuck, and where to help; costs the others nothing."""
    if not user.has_role(Role.ADMINISTRATOR):
        return []
    return [
        Notice(sentence(meeting), url_of_seats(meeting.board), NAME_ONE)
        for meeting in without_lead()
    ]


def sentence(meeting: Meeting) -> str:
    """Say what is stuck."""
    if meeting.kind == MeetingKind.BALLOT:
        return _("Nobody can end “%s”: neither the chair nor a deputy is there.") % meeting
    return _("Nobody can open or close “%s”: neither the chair nor a deputy is there.") % meeting


def url_of_seats(board: Board) -> str:
    """Return where an administrator names a chair or a deputy."""
    return f"{reverse('admin:crb_membership_changelist')}?board__id__exact={board.pk}"


def _boards_without_lead() -> "QuerySet[Any]":
    day, away_on = OuterRef("today_there"), OuterRef(OuterRef("today_there"))
    stood_in = Absence.objects.filter(
        Exists(able(OuterRef("alternate"))),
        membership=OuterRef("pk"),
        withdrawn_at=None,
        starts_on__lte=away_on,
        ends_on__gte=away_on,
    )
    leads = Membership.objects.filter(
        Q(is_chair=True) | Q(is_deputy=True),
        Q(ends_on=None) | Q(ends_on__gte=day),
        Exists(able(OuterRef("user"))),
        ~Exists(stood_in),
        board=OuterRef("pk"),
        starts_on__lte=day,
    )
    dated = Board.objects.alias(today_there=day_there(Given("now", DateTimeField())))
    return dated.filter(~Exists(leads)).values("pk")


PERHAPS = ObjectStatement(lambda: held_or_soon().filter(board__in=_boards_without_lead()))
"""Meetings of boards that have neither chair nor deputy today."""
