"""Who may let an emergency change go ahead before the board has met."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes import permissions as change_permissions
from changes.models import Change
from changes.permissions.rules import gate
from changes.turns import past
from changes.turns.group import not_earlier
from expansive_cm.workflow.decisions import Decision, decide

from ..models import AgendaItem, Board
from ..models.board import Emergencies
from .checks import chair_of, meets, not_recused


def can_go_ahead(
    user: User, board: Board, change: Change, item: AgendaItem | None = None
) -> Decision:
    """The chair or the deputy of today, of an emergency, where the board's settings say so.

    Nobody decides alone on what they asked for, or from which they stand aside (``item``).
    """
    rule = _("nobody decides on a change they asked for.")
    ballot = board.emergencies != Emergencies.REVIEW
    early = decide(
        chair_of(user, board),
        meets(board),
        not_earlier(user, change, past.ASKERS, rule),
        None if item is None else not_recused(user, item),
        gate("" if change.is_emergency else _("It is no emergency change.")),
        gate(_("This board votes on emergency changes first: open a ballot.") if ballot else ""),
    )
    return early and change_permissions.check("record_board_outcome", user, change)
