"""What the models of a board share."""

from typing import Any

import pgtrigger

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
NO_DELETE = pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete)


def legal_moves(moves: dict[Any, tuple[Any, ...]]) -> pgtrigger.FSM:
    """The trigger that makes the database refuse every other move."""
    pairs = [(old.value, new.value) for old, exits in moves.items() for new in exits]
    return pgtrigger.FSM(name="legal_moves", field="state", transitions=pairs)
