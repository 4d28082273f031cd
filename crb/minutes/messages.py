"""Who is told what about minutes and actions; nobody is told of their own act."""

from collections.abc import Iterable
from typing import Protocol

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from changes.models import MailFile

from .. import permissions
from ..messages import meeting_named_by, tell
from ..models import Action, Addendum, Meeting, Minutes
from .reading import reading
from .typeset import file_name, typeset

CONCERNED = gettext_lazy("you are a member of the board, were at the meeting or have an action")
OWNER = gettext_lazy("you are the owner of this action")
READ = gettext_lazy("Read the minutes")
OPEN_ACTIONS = gettext_lazy("Your actions")
FILE = "application/pdf"
FILE_WITH_VOTES = f"{FILE}; votes=named"
"""The type of a file for those alone who may see single votes; mails name it without the rest."""


class Files(Protocol):
    """The file of the minutes for those who may see single votes, and for the others."""

    @property
    def with_votes(self) -> bytes: ...

    @property
    def without_votes(self) -> bytes: ...


def concerned_by(meeting: Meeting) -> list[User]:
    """Return everybody with a seat, those who were there and the owners of actions.

    Whoever has left in the meantime is told nothing.
    """
    people = {seat.user_id: seat.user for seat in meeting.members}
    people |= {seat.absent.pk: seat.absent for seat in meeting.members if seat.absent}
    people |= {one.user.pk: one.user for one in meeting.roster.were_there.values() if one.user}
    actions = meeting.actions.filter(dropped_at=None).select_related("owner")
    people |= {one.owner_id: one.owner for one in actions}
    return [people[pk] for pk in sorted(people) if people[pk].is_active]


def minutes_published(minutes: Minutes, files: Files, *, actor: User) -> None:
    """The minutes are there, with the file that each may see."""
    meeting = minutes.meeting
    people = [person for person in concerned_by(meeting) if person != actor]
    inside = [person for person in people if permissions.may_see_votes(person, meeting)]
    outside = [person for person in people if person not in inside]
    if inside:
        _send_minutes(inside, minutes, files.with_votes, FILE_WITH_VOTES)
    if outside:
        _send_minutes(outside, minutes, files.without_votes, FILE)


def take_votes_out(email: Email, reader: User) -> None:
    """Give a mail that waits the file without single votes, if its reader sees them no more."""
    carried = email.files.filter(content_type=FILE_WITH_VOTES).first()
    if carried is None:
        return
    meeting = Meeting.objects.select_related("board", "minutes").get(pk=meeting_named_by(email))
    if permissions.may_see_votes(reader, meeting):
        return
    minutes = meeting.minutes
    view = reading(minutes.content, minutes, votes=False)
    content = typeset(view, at=minutes.published_at)
    email.files.set(
        [MailFile.objects.create(name=carried.name, content_type=FILE, content=content)]
    )


def _send_minutes(
    people: Iterable[User], minutes: Minutes, content: bytes, content_type: str
) -> None:
    view = reading(minutes.content, minutes, votes=False)
    own = {
        person.pk: [one for one in view["actions"] if one["owner_id"] == person.pk]
        for person in people
    }
    tell(
        people,
        "minutes_published",
        minutes.meeting,
        headline=view["title"],
        action_text=READ,
        path=reverse("crb:minutes", args=[minutes.meeting_id]),
        why=CONCERNED,
        context={"publisher": minutes.published_by, "items": view["items"]},
        each={pk: {"own_actions": actions} for pk, actions in own.items()},
        files=[
            MailFile(name=file_name(view), content_type=content_type, content=content),
        ],
    )


def addendum_added(addendum: Addendum, *, actor: User) -> None:
    """Something was added to minutes that people have read."""
    meeting = addendum.minutes.meeting
    view = reading(addendum.minutes.content, votes=False)
    tell(
        [person for person in concerned_by(meeting) if person != actor],
        "addendum_added",
        meeting,
        headline=view["title"],
        action_text=READ,
        path=f"{reverse('crb:minutes', args=[meeting.pk])}#addenda",
        why=CONCERNED,
        context={"addendum": addendum},
    )


def action_due(action: Action) -> None:
    """An open action is due soon, or today."""
    today = action.meeting.board.today
    tell(
        [action.owner],
        "action_due",
        action.meeting,
        headline=_("An action from the board"),
        action_text=OPEN_ACTIONS,
        path=f"{reverse('crb:actions')}?owner={action.owner_id}",
        why=OWNER,
        context={
            "action": action,
            "days": (action.due_on - today).days,
        },
    )


def action_changed(action: Action, earlier: User, *, actor: User) -> None:
    """An action in published minutes has another owner, day or wording."""
    people = [action.owner] if earlier == action.owner else [action.owner, earlier]
    tell(
        [person for person in people if person != actor],
        "action_changed",
        action.meeting,
        headline=_("An action from the board was changed"),
        action_text=OPEN_ACTIONS,
        path=f"{reverse('crb:actions')}?owner={action.owner_id}",
        why=gettext_lazy("you are, or were, the owner of this action"),
        context={"action": action, "actor": actor},
    )
