"""What mail went out about a change, to whom, and what became of each."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import QuerySet
from post_office.models import STATUS, Email

from accounts.models import User

from . import queries
from .models import Change, DeliveryProblem, MailEvent, Notice

LONGEST = 500
"""How many notices the log goes back; a change has some dozens."""


@dataclass
class Entry:
    """One mail (or, without one, what waits for a daily summary) to one person."""

    person: User
    email: Email | None
    notices: list[Notice] = field(default_factory=list)
    events: list[MailEvent] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        """Why the person is told, in the words that the mail says to them, each once."""
        return list(dict.fromkeys(notice.why for notice in self.notices))

    @property
    def is_sent(self) -> bool:
        return self.email is not None and self.email.status == STATUS.sent

    @property
    def is_summary(self) -> bool:
        return any(notice.is_for_digest for notice in self.notices)


def entries(change: Change) -> tuple[list[Entry], list[MailEvent]]:
    """Return the mails about a change, newest first, and what names no mail, in two queries."""
    events: dict[int | None, list[MailEvent]] = defaultdict(list)
    for event in MailEvent.objects.filter(change=change).order_by("pk"):
        events[event.email_id].append(event)
    found: dict[tuple[int, int | None], Entry] = {}
    for notice in _notices(change):
        key = (notice.person_id, notice.email_id)
        if key not in found:
            mail_events = events[notice.email_id] if notice.email_id else []
            found[key] = Entry(notice.person, notice.email, events=mail_events)
        found[key].notices.append(notice)
    known = {entry.email.pk for entry in found.values() if entry.email}
    return list(found.values()), [
        one for pk, some in events.items() if pk not in known for one in some
    ]


def arrived(change: Change, person: User) -> list[str]:
    """Return the subjects of the mails about a change that went out to a person, oldest first."""
    mails = Email.objects.filter(notices__change=change, notices__person=person)
    sent = mails.filter(status=STATUS.sent).distinct().order_by("pk")
    return [subject for subject, _pk in sent.values_list("subject", "pk")[:LONGEST]]


def _notices(change: Change) -> list[Notice]:
    notices = Notice.objects.filter(change=change).select_related("person", "email")
    notices = notices.defer("email__message", "email__html_message", "email__context")
    told = [one for one in notices.order_by("-pk")[:LONGEST] if one.email_id or one.is_for_digest]
    return told


def open_problems(user: User) -> QuerySet[DeliveryProblem]:
    """Return the mails that did not arrive and wait for somebody, on changes they may see."""
    problems = DeliveryProblem.objects.filter(resolved_at=None)
    problems = problems.filter(change__in=queries.visible_to(user))
    return problems.select_related(
        "person", "change__organisation__success_team", "change__owner", "email"
    ).defer("email__message", "email__html_message")
