"""The headers that hold mails together, and keep machines from answering them."""

from collections.abc import Sequence
from email.utils import parseaddr

from django.conf import settings
from post_office.models import Email

LONGEST_CHAIN = 10
"""Of the mails before it so many are named by a mail: clients need the root and the last ones."""


def thread_headers(thread: str, reply_to: str = "", earlier: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of one thread of mails that a machine wrote.

    The thread begins with a root that is no mail, the same for all its readers: an answer that
    went to a colleague still says what it is about. ``earlier`` are the Message-IDs of what the
    same reader was sent before, the newest last.
    """
    root = f"<{thread}@{settings.POST_OFFICE['MESSAGE_ID_FQDN']}>"
    chain = [root, *earlier[-LONGEST_CHAIN:]]
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Reply-To": settings.REPLY_ADDRESS or reply_to or sender,
        "References": " ".join(chain),
        "In-Reply-To": chain[-1],
    }


def is_of_thread(email: Email, begins: str) -> bool:
    """Whether a mail is of a thread whose name (``thread_headers``) begins so."""
    return str((email.headers or {}).get("References", "")).startswith(f"<{begins}")
