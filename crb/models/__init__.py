"""Boards, their members and meetings, what is on an agenda, the votes on it and the minutes.

States move only through ``crb.lifecycle``. Events, votes, attendance, kept seats, outcomes,
published agendas and addenda are append-only, and published minutes stay: the database refuses to
change them. Locks are always taken in one order: board, meeting, item, change.
"""

from .agenda import AgendaItem, AgendaVersion
from .attendance import AttendanceMark, Roster, Standing
from .board import Absence, Board, Membership, Seat
from .event import BoardEvent
from .meeting import Attendance, CalendarFeed, Invitation, Meeting
from .minutes import OPEN_ACTION, Action, Addendum, Minutes
from .seat import KeptSeat
from .vote import BoardOutcome, Vote

__all__ = [
    "Absence",
    "OPEN_ACTION",
    "Action",
    "Addendum",
    "AgendaItem",
    "AgendaVersion",
    "Attendance",
    "AttendanceMark",
    "Board",
    "BoardEvent",
    "BoardOutcome",
    "CalendarFeed",
    "Invitation",
    "KeptSeat",
    "Meeting",
    "Membership",
    "Minutes",
    "Roster",
    "Seat",
    "Standing",
    "Vote",
]
