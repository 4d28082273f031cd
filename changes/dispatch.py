"""What is done with a mail about changes as it goes out; ``expansive_cm/post/sending.py`` sends it.

It goes to its reader's present address, says how things are now, and brings its files; its links
live from then on.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import DateTimeField
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from expansive_cm.post import sending
from expansive_cm.post.rows import set_values
from expansive_cm.post.sending import Handling, locked
from expansive_cm.statements import Given, ObjectStatement, read_related
from expansive_cm.workflow.steps import explain

from .models import AccessLink, ConfirmationLink
from .secret_links import without_links

SETTLE: list[Callable[[Email], bool]] = []
"""Asked of each mail just before it goes: writes it anew, and says whether it still goes."""

NOW = Given("now", DateTimeField())
NEXT = ObjectStatement(lambda: sending.first_due(NOW))
SETTLED = ObjectStatement(lambda: sending.still_due(Given("email"), NOW))
READER = ObjectStatement(
    lambda: User.objects.filter(notices__email=Given("email")).order_by("pk")[:1]
)


def deliver_due(seconds: float = sending.PASS_SECONDS) -> bool:
    """Send what is due, one mail after the other; return whether some may be left.

    Stops when the mail server cannot be reached: what waits then stays queued for the next pass.
    """
    return sending.deliver_due(HANDLING, seconds)


def _claim(now: datetime) -> Email | None:
    return next(iter(NEXT.objects(now=now)), None)


def _claim_settled(key: int, now: datetime) -> Email | None:
    return next(iter(SETTLED.objects(email=key, now=now)), None)


def _settle(email: Email) -> bool:
    return all(settles(email) for settles in SETTLE)


def _without_links(email: Email) -> dict[str, Any]:
    """Return what is kept of a mail that was sent: its words, without the links that act.

    Only its reader may have those. The demonstration's mails are read here, and keep them.
    """
    if settings.DEMO:
        return {}
    headers = {name: without_links(str(value)) for name, value in (email.headers or {}).items()}
    return {
        "message": without_links(email.message),
        "html_message": without_links(email.html_message),
        "headers": headers,
    }


def _readdress(email: Email) -> None:
    """Send what waits to the address that its reader has now, and its links with it.

    Who that is say the notices of the mail; for mail without any, the history of addresses.
    """
    person = next(iter(READER.objects(email=email.pk)), None) or _former_owner(email.to)
    if person is None or email.to == [person.email]:
        return
    set_values(email, to=[person.email])
    email.to = [person.email]
    for model in (AccessLink, ConfirmationLink):
        for link in model.objects.filter(email=email).select_for_update(of=("self",)):
            link.sent_to = person.email
            explain(link, "the mail that carries it goes to the corrected address")
            link.save(update_fields=["sent_to"])


def _former_owner(addresses: list[str]) -> User | None:
    """Return who had an address that nobody has now."""
    if len(addresses) != 1 or User.objects.filter(email__iexact=addresses[0]).exists():
        return None
    had = User.history.filter(email__iexact=addresses[0]).order_by("-history_id").first()
    return had and User.objects.filter(pk=had.id).first()


def _start_links(email: Email) -> None:
    """Let the links of a mail live from now on, however long it had to wait.

    One that is locked is in use at this moment: it is not waited for. No plan is kept of this
    question: the mail is out, and a plan that a migration has made void would send it again.
    """
    lives: dict[type[Any], int] = {
        AccessLink: settings.ACCESS_LINK_DAYS,
        ConfirmationLink: settings.CONFIRMATION_LINK_DAYS,
    }
    for model, days in lives.items():
        for link in locked(model.objects.filter(email=email)):
            link.expires_at = timezone.now() + timedelta(days=days)
            explain(link, "the mail that carries it was sent")
            link.save(update_fields=["expires_at"])


def _attach_files(email: Email) -> None:
    """Put a mail's files onto the message that is sent.

    An invitation stands beside the text too, where calendars look for it, as well as in a file.
    """
    message = email.email_message()
    for file in read_related(email, "files"):
        content = bytes(file.content)
        if file.is_calendar:
            message.attach_alternative(content.decode(), file.content_type)
        message.attach(file.name, content, file.content_type.partition(";")[0])


HANDLING = Handling(
    claim=_claim,
    readdress=_readdress,
    settle=_settle,
    claim_settled=_claim_settled,
    attach=_attach_files,
    kept=_without_links,
    sent=_start_links,
)
