"""The life of a change: page one for a newcomer.

Every state, its label, the two paths and the legal moves between states. The database refuses a
move that is not in ``LEGAL_MOVES``; the ``@transition`` methods of ``models/moves.py`` say the same
with names, and a test holds the two together. What a customer reads instead is in ``plain``.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangeType(models.TextChoices):
    """Decided by the initial assessment."""

    CONFIGURATION = "configuration", _("Configuration change")
    CODE = "code", _("Code change")


class State(models.TextChoices):
    """Where a change is in its life."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    # Configuration changes
    REVIEW = "review", _("Customer success review")
    AUTHORISATION = "authorisation", _("Authorisation")
    EXECUTION = "execution", _("Execution")
    ROLLED_BACK = "rolled_back", _("Rolled back")
    DOCUMENTATION = "documentation", _("Documentation")
    REFUSED = "refused", _("Refused")
    # Code changes
    BOARD = "board", _("Change Request Board")
    INFORMATION_REQUIRED = "information_required", _("Information required")
    REQUIREMENTS = "requirements", _("Requirement definition")
    RISK_ASSESSMENT = "risk_assessment", _("Risk assessment")
    DEVELOPMENT = "development", _("Secure development")
    TESTING = "testing", _("Testing")
    DEPLOYMENT = "deployment", _("Deployment")
    REJECTED = "rejected", _("Rejected")
    # Both
    CONFIRMATION = "confirmation", _("Requester confirmation")
    NOT_CONFIRMED = "not_confirmed", _("Not as expected")
    CLOSED = "closed", _("Closed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


S = State

LEGAL_MOVES: dict[State, tuple[State, ...]] = {
    S.DRAFT: (S.SUBMITTED, S.WITHDRAWN),
    S.SUBMITTED: (S.REVIEW, S.BOARD, S.WITHDRAWN),
    S.REVIEW: (S.AUTHORISATION, S.REFUSED, S.BOARD, S.WITHDRAWN),
    S.AUTHORISATION: (S.EXECUTION, S.REFUSED, S.BOARD, S.WITHDRAWN),
    S.EXECUTION: (S.DOCUMENTATION, S.ROLLED_BACK, S.AUTHORISATION, S.BOARD, S.WITHDRAWN),
    S.ROLLED_BACK: (S.EXECUTION, S.AUTHORISATION, S.CLOSED, S.BOARD),
    S.DOCUMENTATION: (S.CONFIRMATION, S.EXECUTION),
    S.REFUSED: (),
    S.BOARD: (S.REQUIREMENTS, S.INFORMATION_REQUIRED, S.REJECTED, S.REVIEW, S.WITHDRAWN),
    S.INFORMATION_REQUIRED: (S.BOARD, S.REVIEW, S.WITHDRAWN),
    S.REQUIREMENTS: (S.RISK_ASSESSMENT, S.REVIEW, S.BOARD, S.WITHDRAWN),
    S.RISK_ASSESSMENT: (S.DEVELOPMENT, S.REVIEW, S.WITHDRAWN),
    S.DEVELOPMENT: (S.TESTING, S.DEPLOYMENT, S.REVIEW, S.WITHDRAWN),
    S.TESTING: (S.DEPLOYMENT, S.DEVELOPMENT, S.REVIEW, S.WITHDRAWN),
    S.DEPLOYMENT: (S.CONFIRMATION, S.DEVELOPMENT, S.WITHDRAWN),
    S.REJECTED: (S.BOARD,),
    S.CONFIRMATION: (S.CLOSED, S.NOT_CONFIRMED, S.DEPLOYMENT),
    S.NOT_CONFIRMED: (S.EXECUTION, S.DEVELOPMENT, S.CLOSED),
    S.CLOSED: (),
    S.WITHDRAWN: (),
}

FINAL = frozenset({S.REFUSED, S.REJECTED, S.CLOSED, S.WITHDRAWN})
"""Where nothing more is to be done. What was rejected by mistake only the board takes back."""
OPEN = frozenset(State) - FINAL - {S.DRAFT}

BEFORE_DEPLOYED = (
    S.REQUIREMENTS,
    S.RISK_ASSESSMENT,
    S.DEVELOPMENT,
    S.TESTING,
    S.DEPLOYMENT,
)
"""Where a code change is that the board accepted and that has not gone out yet."""

CONFIGURATION_PATH = (
    S.SUBMITTED,
    S.REVIEW,
    S.AUTHORISATION,
    S.EXECUTION,
    S.DOCUMENTATION,
    S.CONFIRMATION,
    S.CLOSED,
)
CODE_PATH = (
    S.SUBMITTED,
    S.BOARD,
    S.REQUIREMENTS,
    S.RISK_ASSESSMENT,
    S.DEVELOPMENT,
    S.TESTING,
    S.DEPLOYMENT,
    S.CONFIRMATION,
    S.CLOSED,
)
UNDECIDED_PATH = (S.SUBMITTED, S.CLOSED)

CONFIGURATION_ONLY = frozenset(
    {S.REVIEW, S.AUTHORISATION, S.EXECUTION, S.ROLLED_BACK, S.DOCUMENTATION, S.REFUSED}
)
CODE_ONLY = frozenset(
    {
        S.BOARD,
        S.INFORMATION_REQUIRED,
        S.REQUIREMENTS,
        S.RISK_ASSESSMENT,
        S.DEVELOPMENT,
        S.TESTING,
        S.DEPLOYMENT,
        S.REJECTED,
    }
)

SIDE_STATE_STAGE = {
    S.ROLLED_BACK: S.EXECUTION,
    S.INFORMATION_REQUIRED: S.BOARD,
    S.NOT_CONFIRMED: S.CONFIRMATION,
    S.DRAFT: S.SUBMITTED,
}
"""The stage under which a state off the main path is shown."""


def path_of(change_type: str) -> tuple[State, ...]:
    """Return the stages that a change of this type goes through, in order."""
    if change_type == ChangeType.CONFIGURATION:
        return CONFIGURATION_PATH
    if change_type == ChangeType.CODE:
        return CODE_PATH
    return UNDECIDED_PATH
