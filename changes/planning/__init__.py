"""What is in the way of a plan as things are now, read in a fixed number of queries, in words.

``plans`` says which plan a change has, ``windows``, ``others`` and ``overrides`` what there is
besides; ``in_the_way`` gives it to ``conflicts.find``, and ``words`` says what that found.
"""

from .ahead import DAYS, LONGEST, CouldGo, could_go, plans_ahead
from .in_the_way import InTheWay, conflicts_of, in_the_way_of, kept, shown_to
from .others import STILL_PLANNED, executions_at
from .plans import begun_now, day_of, day_span, of_deployment, of_execution, plan_of
from .windows import AHEAD, freezes_ahead, freezes_on

__all__ = [
    "AHEAD",
    "DAYS",
    "CouldGo",
    "LONGEST",
    "InTheWay",
    "STILL_PLANNED",
    "begun_now",
    "conflicts_of",
    "could_go",
    "day_of",
    "day_span",
    "executions_at",
    "freezes_ahead",
    "freezes_on",
    "in_the_way_of",
    "kept",
    "of_deployment",
    "of_execution",
    "plan_of",
    "plans_ahead",
    "shown_to",
]
