"""Who is told what about meetings.

One public function per message, each with a folder of its name under templates/email, built on
``board.html`` and ``board.txt``. All mails are rows written in the step's transaction; nobody is
told of their own act.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from post_office.models import PRIORITY, Email

from accounts.models import User
from changes import outbox
from changes.models import MailFile
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from .models import Meeting
from .without_lead import NAME_ONE, url_of_seats
from .without_quorum import NAME_MEMBERS

ADMINISTRATOR = _("you look after the boards as an administrator")
MEMBER = _("you are a member of the board")
OPEN_MEETING = _("Open the meeting")
THREAD = "meeting-"


def is_about_a_meeting(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return is_of_thread(email, THREAD)


def meeting_named_by(email: Email) -> int:
    """Return the key of the meeting that such a mail is about."""
    root = str((email.headers or {})["References"]).split()[0]
    return int(root.removeprefix(f"<{THREAD}").partition("@")[0])


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
        "url": absolute(path or meeting.get_absolute_url()),
        "why": why,
        **(context or {}),
    }
    rows = outbox.compose_each(
        [person for person in people if person.is_active],
        message,
        shared,
        each or {},
        tag=meeting.board.name,
        headers=thread_headers(f"{THREAD}{meeting.pk}"),
        priority=priority,
    )
    outbox.put(rows, files)


def nobody_leads(stuck: Mapping[Meeting, str], administrators: Iterable[User]) -> None:
    """Tell administrators that a board has neither chair nor deputy, and what that holds up."""
    _hindered(stuck, administrators, "nobody_leads", _("Nobody leads the board"), NAME_ONE)


def too_few_vote(stuck: Mapping[Meeting, str], administrators: Iterable[User]) -> None:
    """Tell administrators in which meetings of a board quorum is out of reach."""
    _hindered(stuck, administrators, "too_few_vote", _("The board cannot decide"), NAME_MEMBERS)


def _hindered(
    stuck: Mapping[Meeting, str],
    administrators: Iterable[User],
    message: str,
    headline: Any,
    action_text: Any,
) -> None:
    """Say in one mail what keeps meetings of one board, at least one, from going on."""
    meeting = next(iter(stuck))
    tell(
        administrators,
        message,
        meeting,
        headline=headline,
        action_text=action_text,
        path=url_of_seats(meeting.board),
        why=ADMINISTRATOR,
        context={"stuck": list(stuck.values())},
    )
