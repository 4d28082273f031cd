"""What the members are told about agendas; built on ``messages.tell``."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from changes.models import Question
from expansive_cm.post.words import absolute

from . import queries
from .messages import tell
from .models import AgendaItem, Meeting

OPEN_AGENDA = gettext_lazy("Open the agenda")
OPEN_ITEM = gettext_lazy("Read and vote")


def agenda_published(meeting: Meeting) -> None:
    """Send every seat the agenda, with what is left for that person to vote on."""
    items = [item for item in queries.agenda_of(meeting) if item.is_open]
    left = {
        item.pk: queries.tally_of(item).missing if item.is_open else frozenset() for item in items
    }
    rows = [(item, address_of(item)) for item in items]
    tell(
        _people(meeting),
        "agenda_published",
        meeting,
        headline=_("Agenda of %s") % date_format(meeting.date, "l j F Y"),
        action_text=OPEN_AGENDA,
        context={"rows": rows, "minutes": sum(item.time_box or 0 for item in items)},
        each={
            person.pk: {"left": [row for row in rows if person.pk in left[row[0].pk]]}
            for person in _people(meeting)
        },
    )


def added_late(item: AgendaItem, actor: User) -> None:
    """Tell the members that something was added to a published agenda, and why."""
    tell(
        _people(item.meeting, besides=actor),
        "agenda_late",
        item.meeting,
        headline=_("Added late: %s") % item.change.title,
        action_text=OPEN_ITEM,
        path=path_of(item),
        context={"item": item, "actor": actor, "questions": questions_of(item)},
    )


def returned(item: AgendaItem) -> None:
    """Tell the members that all their questions on a change are answered, and how."""
    tell(
        _people(item.meeting),
        "agenda_returned",
        item.meeting,
        headline=_("Returned with answers: %s") % item.change.title,
        action_text=OPEN_ITEM,
        path=path_of(item),
        context={"item": item, "questions": questions_of(item)},
    )


def questions_of(item: AgendaItem) -> list[Question]:
    """Return the answered questions of the board's last decision, with who answered."""
    standing = item.change.board_decisions.filter(taken_back_at=None)
    decision = standing.filter(path=item.path).order_by("-pk").first()
    if decision is None or item.kind != AgendaItem.Kind.RETURNING:
        return []
    return list(decision.questions.exclude(answered_at=None).select_related("answered_by"))


def path_of(item: AgendaItem) -> str:
    """Return the path of the item's whole case on its meeting's page."""
    return f"{reverse('crb:meeting', args=[item.meeting_id])}?item={item.pk}"


def address_of(item: AgendaItem) -> str:
    """Return the address under which a mail leads to an item."""
    return absolute(path_of(item))


def _people(meeting: Meeting, besides: User | None = None) -> Iterable[User]:
    return [seat.user for seat in meeting.members if seat.user != besides]
