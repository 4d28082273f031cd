"""Who is told what about ballots without a meeting; built like ``messages``."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _
from post_office.models import PRIORITY

from accounts.models import User
from changes.models import Change

from . import queries
from .messages import tell
from .models import AgendaItem, Meeting

OPEN_BALLOT = _("Open the ballot")
CHAIR = _("you are the chair of the board, or stand in for the chair")


def ballot_opened(ballot: Meeting, changes: Sequence[Change], actor: User) -> None:
    """Ask everybody with a seat to vote, with the deadline and why there is no meeting."""
    tell(
        _all_but(ballot, actor),
        "ballot_opened",
        ballot,
        headline=_("Please vote: a ballot without a meeting"),
        action_text=OPEN_BALLOT,
        context={"changes": changes, "actor": actor},
        priority=PRIORITY.high,
    )


def ballot_extended(ballot: Meeting, actor: User) -> None:
    """Tell everybody with a seat that there is more time, until when and why."""
    tell(
        _all_but(ballot, actor),
        "ballot_extended",
        ballot,
        headline=_("More time to vote"),
        action_text=OPEN_BALLOT,
        context={"actor": actor},
    )


def ballot_ended(ballot: Meeting, reason: str, actor: User | None) -> None:
    """Tell everybody with a seat that the chair, or nobody in person, ended it, and why."""
    tell(
        _all_but(ballot, actor),
        "ballot_ended",
        ballot,
        headline=_("The ballot was ended"),
        action_text=OPEN_BALLOT,
        context={"actor": actor, "reason": reason},
    )


def ballot_over(
    ballot: Meeting, returned: Sequence[AgendaItem], waiting: Sequence[AgendaItem]
) -> None:
    """Tell the chair what to record after the deadline, and what went back to an agenda."""
    seated = [seat.user for seat in ballot.members if seat.is_chair and seat.is_able]
    chairs = seated or list(ballot.led_by.values())
    to_record = [(item, queries.tally_of(item).settled_sentence) for item in waiting]
    tell(
        chairs,
        "ballot_over",
        ballot,
        headline=_("A ballot is over: please record the outcome")
        if waiting
        else _("A ballot is over"),
        action_text=OPEN_BALLOT,
        why=CHAIR,
        context={"returned": returned, "to_record": to_record},
        priority=PRIORITY.high if waiting else PRIORITY.medium,
    )


def _all_but(ballot: Meeting, actor: User | None) -> list[User]:
    return [seat.user for seat in ballot.members if seat.user != actor]
