"""Whose turn it has become while the mail that was to say so still waited for somebody else.

The owner sees a change through for their team, which is told nothing of it. Where they leave the
team, or lose the part, before they are told, their mail says nothing any more: then those hear of
it whose turn it is now.
"""

from collections.abc import Iterable, Sequence

from accounts.models import User

from . import letters
from .audiences import NEXT
from .messages import again, letter_of, next_people, your_turn
from .models import Change, Event, Notice
from .taking_back import is_taken_back
from .turns import is_still_brought


def hand_on(left_out: Iterable[Notice]) -> None:
    """Tell who has the turn now of which these notices tell their reader no more.

    Of one that is still its reader's, or of a turn that is over, nobody is told. Belongs into the
    transaction that leaves them out. Effects: mails and notices of those who have heard of none.
    """
    # One after the other as all do it: two summaries that leave out the same would wait for each
    # other's changes for ever.
    for notice in sorted(left_out, key=lambda one: (one.change_id, one.pk)):
        if notice.message == your_turn.__name__ and notice.event is not None:
            _hand_on(notice, notice.change, notice.event)


def _hand_on(notice: Notice, change: Change, event: Event) -> None:
    if not _heirs(notice, change, event):
        return
    # As in a step: nobody else writes to them about the change meanwhile, and what it is by then
    # says whose turn it is.
    change = Change.objects.select_for_update(no_key=True, of=("self",)).get(pk=change.pk)
    people = _heirs(notice, change, event)
    of_this = Notice.objects.filter(event=event, message=notice.message)
    known = {*of_this.values_list("person", flat=True), event.actor_id}
    heirs = [one for one in people if one.pk not in known]
    told = [letter_of(change, event, one, your_turn, NEXT) for one in heirs]
    letters.send(change, told, again)


def _heirs(notice: Notice, change: Change, event: Event) -> Sequence[User]:
    """Return whose turn it is instead of the reader's, whether they were told or not."""
    if is_taken_back(change, event) or not is_still_brought(change, event):
        return []
    people = next_people(change, event)
    return [] if notice.person in people else people
