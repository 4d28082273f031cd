"""What becomes of mail after it was written, as far as people have to act on it."""

from post_office.models import Email

from ..models import Change, MailEvent


def note_failure(
    email: Email | None,
    address: str,
    kind: MailEvent.Kind,
    detail: str,
    *,
    change: Change | None = None,
) -> None:
    """Record that a mail will never reach an address, and flag it to those who have to act.

    ``email`` is the mail, None if a bounce does not say which; ``change`` is needed only then.
    ``kind`` is ``refused`` (by our own mail server) or ``bounced``. Effects, in one transaction:
    the person is marked; for each change that the mail tells of a MailEvent, one open
    DeliveryProblem per person, an internal event, and a mail to owner and success team. Calling
    it again for the same mail and address does nothing.
    """
    raise NotImplementedError
