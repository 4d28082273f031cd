"""What members and presenters are told about agendas; built on ``messages.tell``."""

from collections.abc import Iterable, Mapping

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from changes.models import Question
from expansive_cm.post.words import absolute
from expansive_cm.sure import sure

from . import permissions, queries
from .messages import MEMBER, tell
from .models import AgendaItem, Meeting
from .states import MeetingState

OPEN_AGENDA = gettext_lazy("Open the agenda")
OPEN_ITEM = gettext_lazy("Read and vote")
OPEN_ITEM_HERE = gettext_lazy("Open the item")
PRESENTER = gettext_lazy("you present an item of the agenda")
FORMER_PRESENTER = gettext_lazy("you were to present an item of the agenda")


def agenda_published(meeting: Meeting) -> None:
    """Send the agenda to every seat and to whoever presents an item, in one mail each.

    It says what is left for that person to vote on, and what they present.
    """
    items = [item for item in queries.agenda_of(meeting) if item.is_open]
    left = {
        item.pk: queries.tally_of(item).missing if item.is_open else frozenset() for item in items
    }
    rows = [(item, address_of(item)) for item in items]
    seated = {person.pk: person for person in _people(meeting)}
    presenters = {
        item.presenter.pk: item.presenter
        for item in items
        if item.presenter and permissions.may_see_board(item.presenter)
    }
    tell(
        {**presenters, **seated}.values(),
        "agenda_published",
        meeting,
        headline=_("Agenda of %s") % date_format(meeting.date, "l j F Y"),
        action_text=OPEN_AGENDA,
        context={"rows": rows, "minutes": sum(item.time_box or 0 for item in items)},
        each={
            key: {
                "left": [row for row in rows if key in left[row[0].pk]],
                "presents": [row for row in rows if row[0].presenter_id == key],
                "votes": key in seated,
                "why": MEMBER if key in seated else PRESENTER,
            }
            for key in {**presenters, **seated}
        },
    )


def presenter_named(item: AgendaItem, before: User | None, actor: User) -> None:
    """Tell of another presenter of an item whose agenda is out: the new one and the former one."""
    _of_presenting(item, item.presenter, actor, presents=True)
    _of_presenting(item, before, actor, presents=False)


def presents_no_more(item: AgendaItem, actor: User) -> None:
    """Tell the presenter of an item whose agenda is out that it is not taken at this meeting."""
    _of_presenting(item, item.presenter, actor, presents=False)


def _of_presenting(item: AgendaItem, person: User | None, actor: User, *, presents: bool) -> None:
    if person is None or person == actor or not permissions.may_see_board(person):
        return
    headline = _("You present: %s") if presents else _("You no longer present: %s")
    tell(
        [person],
        "agenda_presenter",
        item.meeting,
        headline=headline % item.change.title,
        action_text=OPEN_ITEM_HERE,
        path=path_of(item),
        why=PRESENTER if presents else FORMER_PRESENTER,
        context={"item": item, "actor": actor, "presents": presents},
    )


def presenters_of(meeting: Meeting) -> dict[User, list[AgendaItem]]:
    """Return who presents an open item of a published agenda and has no seat there.

    A ballot has none. Members are told of their meeting by the calendar.
    """
    if not meeting.is_published or meeting.is_ballot:
        return {}
    seated = {seat.user_id for seat in meeting.members}
    items = queries.open_items_of(meeting).exclude(presenter=None).exclude(presenter__in=seated)
    found: dict[User, list[AgendaItem]] = {}
    for item in items.select_related("presenter", "change"):
        found.setdefault(sure(item.presenter), []).append(item)
    return {one: theirs for one, theirs in found.items() if permissions.may_see_board(one)}


def presenters_meeting(
    meeting: Meeting, presenters: Mapping[User, list[AgendaItem]], actor: User
) -> None:
    """Tell them that the meeting at which they present was moved, or cancelled."""
    headline, why = _("The meeting at which you present was moved"), PRESENTER
    if meeting.state == MeetingState.CANCELLED:
        headline = _("The meeting at which you were to present was cancelled")
        why = FORMER_PRESENTER
    tell(
        presenters,
        "presenters_meeting",
        meeting,
        headline=headline,
        why=why,
        context={"actor": actor},
        each={person.pk: {"items": items} for person, items in presenters.items()},
    )


def added_late(item: AgendaItem, actor: User) -> None:
    """Tell the members that something was added to a published agenda, and why.

    What came from a later agenda has its presenter still, who is told as well.
    """
    seated = [seat.user for seat in item.meeting.members]
    if item.presenter is not None and item.presenter not in seated:
        presenter_named(item, None, actor)
    tell(
        _people(item.meeting, besides=actor),
        "agenda_late",
        item.meeting,
        headline=_("Added late: %s") % item.change.title,
        action_text=OPEN_ITEM,
        path=path_of(item),
        context={"item": item, "actor": actor, "questions": questions_of(item)},
        each={item.presenter_id: {"presents": True}} if item.presenter_id else None,
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
