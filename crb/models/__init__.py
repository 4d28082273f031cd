"""Boards, their members and meetings, what is on an agenda, and the votes on it.

States move only through ``crb.lifecycle``. Votes, attendance and outcomes are append-only: the
database refuses to change them. Locks are always taken in one order: board, meeting, item,
change.
"""

from .board import Board, Membership
from .meeting import AgendaItem, Attendance, Meeting
from .vote import BoardOutcome, Vote

__all__ = [
    "AgendaItem",
    "Attendance",
    "Board",
    "BoardOutcome",
    "Meeting",
    "Membership",
    "Vote",
]
