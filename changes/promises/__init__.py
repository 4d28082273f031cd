"""What has become of each promise of the board: the one rule, as functions and as conditions.

Promised, forecast and what is left
    Promised is the day by which the board's acceptance has to be delivered: of a priority the day
    that the third release had when it was first known. Only the board moves it
    (``lifecycle/replanning``); a release that slips or is cancelled moves the forecast, never the
    day promised. The forecast is what is known today: the release in which the change is, or until
    it is in one the release that was promised. The days left are counted from today to the day
    that was promised.

Today
    Is the day it is where the board meets that promised (``Change.promise_zone``): what it promised
    ends at the same moment for everybody, wherever they read it.

Kept or broken
    Goes by the day on which the change was closed: until the requester has confirmed it, nobody
    knows that what was promised is there. What was withdrawn or rejected since is neither.

At risk
    What is open and in time, but is forecast beyond the day promised, has missed the release that
    was promised, or is not in development although few days are left (``PROMISE_WARN_DAYS``).

``rule`` is pure and ``of_change`` gives it what one change has; ``conditions`` says the same of the
rows of a query. A test holds both together, and conditions that others need, such as what is
overdue, are taken from here. ``moves`` tells how the board moved a promise and what moved its
forecast, ``made_by`` which one made it.
"""

from .conditions import (
    Counts,
    at_risk,
    closed_late,
    closed_later_than_first,
    counts_of,
    due_within,
    overdue,
    promised,
    standing,
    standing_so,
    with_standings,
)
from .made_by import Boards, boards, leaders_of, provide_boards, replan_url
from .moves import (
    FORECAST_MOVED,
    Move,
    latest_moves,
    moves_of,
    what_moved_forecast,
    what_moved_forecasts,
)
from .of_change import (
    Promised,
    day_known,
    day_of,
    day_shown,
    goes_beyond,
    has_missed,
    is_planned_beyond,
    is_put_beyond,
    is_shown,
    promised_of,
    release_ahead,
)
from .rule import (
    COUNTED,
    Forecast,
    Known,
    Risk,
    Standing,
    forecast_of,
    is_past,
    risks_of,
    standing_of,
)

__all__ = [
    "Boards",
    "COUNTED",
    "Counts",
    "FORECAST_MOVED",
    "Forecast",
    "Known",
    "Move",
    "Promised",
    "Risk",
    "Standing",
    "at_risk",
    "boards",
    "closed_late",
    "closed_later_than_first",
    "counts_of",
    "day_known",
    "day_of",
    "day_shown",
    "due_within",
    "forecast_of",
    "goes_beyond",
    "has_missed",
    "is_past",
    "is_planned_beyond",
    "is_put_beyond",
    "is_shown",
    "latest_moves",
    "leaders_of",
    "moves_of",
    "overdue",
    "promised",
    "promised_of",
    "provide_boards",
    "release_ahead",
    "replan_url",
    "risks_of",
    "standing",
    "standing_of",
    "standing_so",
    "what_moved_forecast",
    "what_moved_forecasts",
    "with_standings",
]
