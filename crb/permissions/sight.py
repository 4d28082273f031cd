"""What of the board exists for whom."""

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes.turns.askers import askers

from ..models import AgendaItem, Meeting
from ..voting import Tally


def may_see_board(user: User) -> bool:
    """Whether boards, meetings and agendas exist for this person: Expansive's own people."""
    return user.is_active and user.is_internal and bool(user.roles)


def may_see_votes(user: User, meeting: Meeting) -> bool:
    """Whether single votes exist for this person: members, auditors and administrators."""
    if user.has_role(Role.AUDITOR, Role.ADMINISTRATOR):
        return True
    seat = meeting.seat_of(user)
    return seat is not None and seat.is_able


def may_see_record(user: User) -> bool:
    """Whether this person reads who took which step on the board, and when: as all of history."""
    return may_see_board(user) and user.has_role(Role.AUDITOR, Role.ADMINISTRATOR)


def votes_open_to(user: User, item: AgendaItem, count: Tally) -> bool:
    """Whether this person sees how others voted on an item now.

    Members see it once they have voted themselves, or when nothing depends on it any more; at
    once on a board that hides no votes. Whoever stands aside waits until nothing depends on it.
    """
    if not may_see_votes(user, item.meeting):
        return False
    if is_settled(item):
        return True
    if stands_aside(user, item, count):
        return False
    return not item.meeting.board.hides_votes or user.pk not in count.missing


def is_settled(item: AgendaItem) -> bool:
    """Whether nothing depends on the votes any more.

    While an outcome can be taken back, the item may be voted on again: else who has yet to vote
    could record an outcome, read the votes, and take it back.
    """
    meeting = item.meeting
    if item.is_open and meeting.is_open:
        return False
    outcome = getattr(item, "outcome", None)
    if outcome is None or not (meeting.is_running or meeting.is_ballot):
        return True
    until: datetime = outcome.decision.may_be_taken_back_until
    return until <= timezone.now()


def stands_aside(user: User, item: AgendaItem, count: Tally) -> bool:
    """Whether this person has no part in deciding: recused, or it was they who asked."""
    return user.pk in askers(item.change) or user.pk in count.recused


def tally_open_to(user: User, item: AgendaItem, count: Tally) -> bool:
    """Whether this person sees which side leads.

    Whoever runs the meeting needs the tally to record it, so sees it once there is quorum.
    """
    if not item.is_open or votes_open_to(user, item, count):
        return True
    if stands_aside(user, item, count):
        return False
    running = item.meeting.is_running and count.has_quorum
    return running and item.meeting.is_led_by(user)
