"""Why somebody of a board has no vote at one of its meetings: said where others vote."""

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role

from .models import Meeting, Seat


def why_no_vote(user: User, meeting: Meeting) -> str:
    """Return in a sentence why this person has no seat there; empty for who is not of a board.

    Besides the meeting's seats it asks for the terms on its board, once per loaded meeting.
    """
    for seat in meeting.members:
        if seat.absent is not None and seat.absent.pk == user.pk:
            return _of_absence(seat, meeting)
    begun, ended = _terms(user, meeting)
    if begun is not None and begun > meeting.date:
        return _("Your term on this board begins on %s, after this.") % _day(begun)
    if ended is not None and ended < meeting.date:
        return _("Your term on this board ended on %s, before this.") % _day(ended)
    if not user.has_role(Role.CRB_MEMBER):
        if begun is None:
            return ""
        return _("Your seat on this board counts only while you hold the role “%s”.") % (
            Role.CRB_MEMBER.label
        )
    if begun is None:
        return _("You have no seat on this board.")
    return _("Who votes here was settled when it began; your seat counts from the next one on.")


def _of_absence(seat: Seat, meeting: Meeting) -> str:
    words = _("You are recorded as away on %(day)s: %(alternate)s votes in your place.")
    if not seat.is_able:
        words = _(
            "You are recorded as away on %(day)s. %(alternate)s, who was to vote in your place, no "
            "longer can; who votes was settled when it began."
        )
    return words % {"day": _day(meeting.date), "alternate": seat.user}


def _terms(user: User, meeting: Meeting) -> tuple[date | None, date | None]:
    """Return first and last day of the person's term that covers a meeting, or lies nearest."""
    terms = meeting.terms.get(user.pk, [])
    day = meeting.date

    def far(term: tuple[date, date | None]) -> tuple[int, int]:
        begins, ends = term
        if begins > day:
            return (1, (begins - day).days)
        return (2, (day - ends).days) if ends is not None and ends < day else (0, 0)

    return min(terms, key=far, default=(None, None))


def _day(day: date) -> str:
    return date_format(day, "j F Y")
