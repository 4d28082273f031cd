"""A change in the words of its requester: where it is, what happens next, what happened.

Everything here is read from the change and the records loaded with it, and nothing is asked of
the database: ``story.tell`` loads them for a page, ``statuses`` for the rows of a list. Only
``briefly`` says where a change is by its state alone.
"""

from .board_dates import BoardDate, board_date_of, board_dates, provide
from .briefly import briefly
from .case import Status
from .happened import Milestone, happened
from .progress import progress
from .promised import OwnPromise, Stands, own_promises
from .status import how_it_ended, reason_of, status_of, statuses

__all__ = [
    "BoardDate",
    "Milestone",
    "OwnPromise",
    "Stands",
    "Status",
    "board_date_of",
    "board_dates",
    "briefly",
    "happened",
    "how_it_ended",
    "own_promises",
    "progress",
    "provide",
    "reason_of",
    "status_of",
    "statuses",
]
