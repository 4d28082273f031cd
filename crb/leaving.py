"""What becomes of the fields of the board that name a person who has left (`accounts.leaving`)."""

from datetime import date, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.leaving import Place, Then, Unfinished, enter, stays
from accounts.models import User

from . import lifecycle
from .models import OPEN_ACTION, Absence, Action, AgendaItem, Membership
from .states import NOT_CLOSED, ItemState


def _yesterday() -> date:
    """The first day that is over nowhere, wherever a board meets."""
    return timezone.now().date() - timedelta(days=1)


def _sits(person: User) -> QuerySet[Membership]:
    return person.board_memberships.filter(Q(ends_on=None) | Q(ends_on__gte=_yesterday()))


def _seats_of(person: User) -> str:
    return f"{reverse('admin:crb_membership_changelist')}?{urlencode({'q': person.email})}"


def _stands_in(person: User) -> QuerySet[Absence]:
    return Absence.objects.filter(alternate=person, withdrawn_at=None, ends_on__gte=_yesterday())


def _open_actions(person: User) -> QuerySet[Action]:
    return person.board_actions.filter(OPEN_ACTION)


def _presents(person: User) -> QuerySet[AgendaItem]:
    return AgendaItem.objects.filter(
        presenter=person, state=ItemState.OPEN, meeting__state__in=NOT_CLOSED
    )


WAITING = (
    Place(
        "crb.Membership.user",
        Then.WAITS,
        Unfinished(
            rows=_sits,
            says=lambda number: ngettext(
                "sits on %(number)d board", "sits on %(number)d boards", number
            ),
            url=lambda person: _seats_of(person),
            goes_on=_(
                "They count as a member no more. Name another member, and a chair or a deputy "
                "where they were one."
            ),
        ),
    ),
    Place(
        "crb.Absence.alternate",
        Then.WAITS,
        Unfinished(
            rows=_stands_in,
            says=lambda number: ngettext(
                "stands in for %(number)d absent member",
                "stands in for %(number)d absent members",
                number,
            ),
            url=lambda person: reverse("admin:crb_absence_changelist"),
            goes_on=_("The seat is the member's own again until they name somebody else."),
        ),
    ),
    Place(
        "crb.Action.owner",
        Then.WAITS,
        Unfinished(
            rows=_open_actions,
            says=lambda number: ngettext(
                "has %(number)d open action of a board",
                "has %(number)d open actions of a board",
                number,
            ),
            url=lambda person: f"{reverse('crb:actions')}?owner={person.pk}",
            goes_on=_("The chair or a deputy gives it to somebody else."),
            pass_on=lifecycle.hand_over_actions,
        ),
    ),
    Place(
        "crb.AgendaItem.presenter",
        Then.WAITS,
        Unfinished(
            rows=_presents,
            says=lambda number: ngettext(
                "is to present %(number)d item of an agenda",
                "is to present %(number)d items of an agenda",
                number,
            ),
            url=lambda person: reverse("crb:board"),
            goes_on=_("The chair or a deputy names another presenter on the agenda."),
        ),
    ),
)
"""What somebody else has to go on with."""

OTHERS = (
    Place("crb.CalendarFeed.user", Then.ENDS),
    Place("crb.Invitation.user", Then.ENDS),
    *stays("crb.Attendance", "user for_member"),
    *stays("crb.AttendanceMark", "user for_member set_by"),
    *stays("crb.AgendaItem", "pulled_by"),
    *stays("crb.AgendaVersion", "published_by"),
    *stays("crb.Minutes", "published_by"),
    *stays("crb.Action", "recorded_by done_by"),
    *stays("crb.Addendum", "added_by"),
    *stays("crb.KeptSeat", "user absent"),
    *stays("crb.Vote", "member for_member"),
    *stays("crb.BoardOutcome", "recorded_by"),
    *stays("crb.BoardEvent", "actor"),
)
"""What ends with the person, and what stays as it is."""


def provide() -> None:
    """Enter the places of this app."""
    enter(*WAITING, *OTHERS)
