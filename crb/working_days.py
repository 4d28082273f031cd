"""Which days are working days for a change: those of the board that decides for its customer."""

from datetime import date
from functools import partial

from changes import working_days
from changes.models import Change
from changes.working_days import Calendar

from . import queries
from .schedule import holiday_on


def calendar_of(change: Change) -> Calendar:
    """Return the zone and the holidays of a change's board; the product's own without one."""
    board = queries.board_for(change)
    if board is None:
        return working_days.product_calendar(change)
    return board.zone, partial(_is_holiday, board.holiday_region)


def _is_holiday(region: str, day: date) -> bool:
    return bool(holiday_on(day, region))
