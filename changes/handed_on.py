"""Whose turn it has become while the mail that was to say so still waited for somebody else.

The owner sees a change through for their team, which is told nothing of it. Where they leave the
team, or lose the part, before they are told, their mail says nothing any more: then those hear of
it whose turn it is now.
"""

from collections.abc import Iterable

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
    for notice in left_out:
        if notice.message == your_turn.__name__ and notice.event is not None:
            _hand_on(notice, notice.change, notice.event)


def _hand_on(notice: Notice, change: Change, event: Event) -> None:
    if is_taken_back(change, event) or not is_still_brought(change, event):
        return
    people = next_people(change, event)
    if notice.person in people:
        return
    # As in a step: nobody else writes to them about the change meanwhile.
    Change.objects.select_for_update(no_key=True, of=("self",)).get(pk=change.pk)
    of_this = Notice.objects.filter(event=event, message=notice.message)
    known = {*of_this.values_list("person", flat=True), event.actor_id}
    heirs = [one for one in people if one.pk not in known]
    told = [letter_of(change, event, one, your_turn, NEXT) for one in heirs]
    letters.send(change, told, again)
