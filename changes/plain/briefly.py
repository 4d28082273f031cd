"""Where a change is in one sentence without dates, for who is told it by state alone.

Mail of a step, which tells of the state that the step led to, and rows of an export, which are not
read as objects. With the change at hand, ``status`` says more: what is said of a state in both
must agree.
"""

from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

from ..states import State

S = State

WORDS: dict[State, Text] = {
    S.DRAFT: _("This request has not been sent yet."),
    S.SUBMITTED: _("We received the request and are looking at what it needs."),
    S.REVIEW: _("The customer success team is reviewing the request."),
    S.AUTHORISATION: _("The change is waiting for approval."),
    S.EXECUTION: _("The change is approved and is to be put in place."),
    S.ROLLED_BACK: _("The change was undone because it did not go as planned. We are on it."),
    S.DOCUMENTATION: _("The change is in place and being written up."),
    S.REFUSED: _("The change was refused."),
    S.BOARD: _("The request is waiting for the Change Request Board."),
    S.INFORMATION_REQUIRED: _("The Change Request Board asked for more before it can decide."),
    S.REQUIREMENTS: _("The board accepted the change. We are writing down what exactly is needed."),
    S.RISK_ASSESSMENT: _("We are looking at the security risks of the change."),
    S.DEVELOPMENT: _("The change is being built."),
    S.TESTING: _("The change is built and being tested."),
    S.DEPLOYMENT: _("The change is built and tested, and waiting for its release."),
    S.REJECTED: _("The Change Request Board decided not to go ahead."),
    S.CONFIRMATION: _("The change is in place. Please tell us whether it meets your needs."),
    S.NOT_CONFIRMED: _("You told us that it is not as expected. We are looking into it."),
    S.CLOSED: _("The change is closed."),
    S.WITHDRAWN: _("The request was withdrawn."),
}
"""What is read instead of the state's name, by the requester wherever it says "you"."""

OF_REQUESTER: dict[State, Text] = {
    S.CONFIRMATION: _("The change is in place. We asked %(name)s whether it meets the need."),
    S.NOT_CONFIRMED: _("%(name)s told us that it is not as expected. We are looking into it."),
}
"""The same for other readers, of what the requester is asked or has said."""


def briefly(state: str, requester: str = "") -> str:
    """Say where a change in this state is.

    ``requester`` is the name of the requester where somebody else reads, and empty where they do.
    """
    if requester and (words := OF_REQUESTER.get(S(state))):
        return words % {"name": requester}
    return str(WORDS[S(state)])
