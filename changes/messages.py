"""Who is told what, per event. Every function queues rows of mail in the step's transaction."""

from .models import Change, Confirmation, Event


def announce(change: Change, event: Event) -> None:
    """Queue the messages that a step calls for."""


def ask_requester(confirmation: Confirmation, token: str) -> None:
    """Ask the requester, with the link, whether the change meets their needs."""


def remind_requester(confirmation: Confirmation, token: str, after_days: int) -> None:
    """Remind the requester, with a link of its own."""


def escalate(confirmation: Confirmation) -> None:
    """Tell the owner and the success team that the requester did not answer."""
