"""Who is told what about meetings.

One public function per message, each with a folder of its name under templates/email, built on
``board.html`` and ``board.txt``. All mails are rows written in the step's transaction; nobody is
told of their own act.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from post_office.models import PRIORITY

from accounts.models import User
from changes import outbox
from changes.models import MailFile

from .models import Meeting
from .without_lead import NAME_ONE, sentence, url_of_seats

ADMINISTRATOR = _("you look after the boards as an administrator")
MEMBER = _("you are a member of the board")
OPEN_MEETING = _("Open the meeting")


def tell(
    people: Iterable[User],
    message: str,
    meeting: Meeting,
    *,
    headline: Any,
    action_text: Any = OPEN_MEETING,
    path: str = "",
    why: Any = MEMBER,
    context: Mapping[str, Any] | None = None,
    each: Mapping[int, Mapping[str, Any]] | None = None,
    files: Sequence[MailFile] = (),
    priority: int = PRIORITY.medium,
) -> None:
    """Queue one mail about a meeting for each person.

    ``path`` is where its button leads, the meeting's page if empty; ``each`` has what only one
    person reads, by primary key; ``files`` go along with every mail.
    """
    shared = {
        "meeting": meeting,
        "board": meeting.board,
        "headline": headline,
        "action_text": action_text,
        "url": outbox.absolute(path or meeting.get_absolute_url()),
        "why": why,
        **(context or {}),
    }
    own = each or {}
    headers = outbox.thread_headers(f"meeting-{meeting.pk}")
    rows = [
        outbox.compose(
            person,
            message,
            {**shared, **own.get(person.pk, {})},
            tag=meeting.board.name,
            headers=headers,
            priority=priority,
        )
        for person in people
        if person.is_active
    ]
    outbox.put(rows, files)


def nobody_leads(meetings: Sequence[Meeting], administrators: Iterable[User]) -> None:
    """Tell administrators that a board has neither chair nor deputy, and what that holds up."""
    tell(
        administrators,
        "nobody_leads",
        meetings[0],
        headline=_("Nobody leads the board"),
        action_text=NAME_ONE,
        path=url_of_seats(meetings[0].board),
        why=ADMINISTRATOR,
        context={"stuck": [sentence(meeting) for meeting in meetings]},
    )
