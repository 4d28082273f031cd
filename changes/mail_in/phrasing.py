"""What a mail says, in the form in which a change keeps it."""

import re
from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _

from expansive_cm.mailreader.incoming import Incoming, Note

from ..models import Change, Comment
from .secrets import without_tokens
from .sorting import words_of

ANSWER_MARKS = re.compile(
    r"^\s?(?:(?:(?:re|aw|antw|antwort|sv|vs|ref|rif|r|odp|fwd?|wg|tr|i|rv|enc|doorst)(?:\[\d{1,9}\])?\s?:"
    r"|\[CR-\d{1,18}\])\s?)+",
    re.IGNORECASE,
)
SECRET = re.compile(r"(/(?:confirm|r|unwatch)/)[\s>]*[\w=-]{16,}")


def title_of(subject: str, text: str) -> str:
    """Return what a request is called: the subject without its marks, or how the text begins."""
    subject = ANSWER_MARKS.sub("", " ".join(subject.split()))
    title = " ".join(subject.split()) or " ".join(text.split()) or _("Request without a subject")
    limit = Change._meta.get_field("title").max_length or 200
    return title if len(title) <= limit else f"{title[: limit - 1].rstrip()}…"


def without_secrets(text: str) -> str:
    """Blank out the links that act for a person: who reads a mail must not be able to use them.

    Our own mails carry such links and replies quote them. Links of ours go by their shape; a token
    goes by what it is, whatever a filter made of the link around it.
    """
    own = re.escape(settings.BASE_URL.rstrip("/"))
    text = SECRET.sub(r"\1…", text)
    text = re.sub(rf"({own}/\S{{0,200}}?/)[\w-]{{32,}}", r"\1…", text)
    return without_tokens(text)


def description_of(incoming: Incoming, refused: Iterable[str]) -> str:
    """Return the text of a new request."""
    limit = Change._meta.get_field("description").max_length or 50000
    text = words_of(incoming) or incoming.subject or _("The mail had no text.")
    return _within(limit, text, _remarks(incoming, refused))


def comment_of(incoming: Incoming, refused: Iterable[str]) -> str:
    """Return the text of a comment; nothing if there is nothing to say."""
    limit = Comment._meta.get_field("body").max_length or 20000
    return _within(limit, words_of(incoming), _remarks(incoming, refused))


def _remarks(incoming: Incoming, refused: Iterable[str]) -> str:
    remarks = [_("Not attached: %s") % sentence for sentence in refused]
    if Note.WINMAIL in incoming.notes:
        remarks.append(str(Note.WINMAIL.label))
    return "\n\n".join(f"*{remark}*" for remark in remarks)


def _within(limit: int, text: str, remarks: str) -> str:
    text = without_secrets(text)
    cut = _("*The text was longer; the mail has the rest.*")
    room = limit - len(remarks) - len(cut) - 10
    if len(text) > room:
        text = f"{text[: max(room, 0)].rstrip()}…\n\n{cut}"
    return "\n\n".join(part for part in (text, remarks) if part)[:limit]
