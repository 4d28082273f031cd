"""What lies ahead of a member on Home: meetings, ballots, and minutes that wait to be published."""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.roles import Role
from changes.notices import Ahead

from . import queries
from .models import Meeting


def ahead(user: User) -> list[Ahead]:
    """Return a member's meetings being held, ballots, next meetings and drafts of minutes.

    Costs two queries for members, none for others. A ballot that is over is for who leads it
    (``to_settle``).
    """
    if not user.has_role(Role.CRB_MEMBER):
        return []
    now = timezone.now()
    found = queries.ahead_of(user, (now - timedelta(days=1)).date())
    running = [one for one in found if one.is_running and not one.is_ballot]
    ballots = [one for one in found if one.is_ballot and not one.is_over]
    to_come = [one for one in found if not one.is_running and one.date >= one.board.today]
    first = {one.board_id: one for one in reversed(to_come)}
    drafts = queries.to_minute(user)
    return [
        *(_held(one, one.left_for_me) for one in running),
        *(_ballot(one, one.left_for_me) for one in sorted(ballots, key=_deadline)),
        *(_next(one, one.left_for_me) for one in to_come if first[one.board_id] == one),
        *(_draft(one) for one in drafts),
    ]


def _deadline(ballot: Meeting) -> tuple[float, int]:
    return ballot.deadline.timestamp() if ballot.deadline else 0, ballot.pk


def _held(meeting: Meeting, left: int) -> Ahead:
    return Ahead(
        "gavel",
        _("%s meets now") % meeting.board,
        meeting.get_absolute_url(),
        note=_to_vote(left),
        is_now=True,
    )


def _ballot(ballot: Meeting, left: int) -> Ahead:
    return Ahead(
        "mail-forward",
        _("Ballot of %s") % ballot.board,
        ballot.get_absolute_url(),
        _("ends"),
        ballot.deadline,
        _to_vote(left),
        is_now=bool(left),
    )


def _next(meeting: Meeting, left: int) -> Ahead:
    title = _("Next meeting of %s") % meeting.board
    url = meeting.get_absolute_url()
    return Ahead("calendar-event", title, url, _("begins"), meeting.starts_at, _to_vote(left))


def _draft(meeting: Meeting) -> Ahead:
    words = {"board": meeting.board, "day": date_format(meeting.date, "DATE_FORMAT")}
    return Ahead(
        "file",
        _("Minutes of %(board)s, %(day)s") % words,
        reverse("crb:minutes", args=[meeting.pk]),
        note=_("a draft: to be published"),
    )


def _to_vote(left: int) -> str:
    if not left:
        return ""
    words = ngettext(
        "%(number)d left for you to vote on", "%(number)d left for you to vote on", left
    )
    return words % {"number": left}
