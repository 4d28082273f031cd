"""Reads a message: bytes in, what they say out; nothing else is touched.

Whatever the bytes are, reading ends, in time and memory that grow with their number, and never
raises: what cannot be read is left out and noted.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from . import bounces, kinds
from .addresses import FIELD_LIMIT, name_and_address, normal
from .contents import Reader
from .incoming import Attachment, Bounce, Failure, Incoming, Kind, Note
from .parts import Part, Taken, take_apart
from .quoting import Words, tell_apart
from .words import decode, header_text, tidy

__all__ = ["Attachment", "Bounce", "Failure", "Incoming", "Kind", "Note", "read"]

TEXT_LIMIT = 100_000
SUBJECT_LIMIT = 500
NAME_LIMIT = 200
MESSAGE_ID_LIMIT = 500
REFERENCES_LIMIT = 100
MANY_RECIPIENTS = 100
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
BARE_ID = re.compile(r"[^\s<>@]{1,498}@[^\s<>]{1,498}")
FORWARD = re.compile(r"(?i)\s?(fwd?|wg|tr|rv|i|enc|doorst|vs|vb|pd|转发)\s?:")


def read(raw: bytes, *, our_domain: str = "") -> Incoming:
    """Return what a message says.

    ``our_domain`` is the domain of our own Message-IDs (``POST_OFFICE["MESSAGE_ID_FQDN"]``): by
    it our own mail is known when it comes back to us.
    """
    taken = take_apart(raw)
    top = taken.top
    notes = _notes_of_structure(taken)
    subject = top.header("subject")[:SUBJECT_LIMIT]
    sender_name, sender = _sender(top)
    references = _references(top)

    is_bounce = bounces.looks_like_bounce(top, sender, sender_name, subject)
    is_report = top.type == "multipart/report" or is_bounce
    reader = Reader(top, is_report=is_report)
    notes |= reader.found.notes
    whole = "\n".join(reader.found.texts)
    kind, why, bounce = _kind(top, subject, whole, our_domain, is_bounce)
    words = _words(whole, answers=bool(references), kind=kind)
    attachments = _attachments(reader, answers=bool(references))
    _drop_names_of_decorations(words, attachments)
    notes |= _notes_of_words(words, subject, attachments)

    sent_at = _sent_at(top)
    recipients, addressed = _recipients(top)
    notes |= {Note.SENDER} if not sender else set()
    notes |= {Note.DATE} if sent_at is None else set()
    notes |= {Note.MANY_RECIPIENTS} if recipients > MANY_RECIPIENTS else set()
    return Incoming(
        kind=kind,
        why=why,
        message_id=_message_id(top),
        references=references,
        sender=sender,
        sender_name=sender_name,
        subject=subject,
        original=_original(top, sender),
        recipients=recipients,
        addressed=addressed,
        sent_at=sent_at,
        text=words.new[:TEXT_LIMIT],
        quoted=words.quoted[:TEXT_LIMIT],
        signature=words.signature[:TEXT_LIMIT],
        attachments=attachments,
        bounce=bounce,
        declined=kinds.declined(top) if kind == Kind.CALENDAR else "",
        notes=[note for note in Note if note in notes],
    )


# --- Kind -------------------------------------------------------------------------------------


def _kind(
    top: Part, subject: str, text: str, our_domain: str, is_bounce: bool
) -> tuple[Kind, str, Bounce | None]:
    """Return who wrote the message, what tells so, and what a bounce says.

    The surest signs come first: what standards define, then headers, the subject last.
    """
    if is_bounce:
        bounce = bounces.read_bounce(top.raw, top, text)
        return (Kind.BOUNCE, "bounce", bounce) if bounce else (Kind.RECEIPT, "delivered", None)
    verdict = (
        kinds.own(top, our_domain)
        or kinds.receipt(top, subject)
        or kinds.calendar(top)
        or kinds.automatic(top, subject, text)
        or kinds.distributed(top)
        or kinds.by_subject(subject)
        or (Kind.ORDINARY, "")
    )
    return (*verdict, None)


# --- Words ------------------------------------------------------------------------------------


def _words(text: str, *, answers: bool, kind: Kind) -> Words:
    """Return new and earlier words; a bounce and its like are kept whole."""
    if kind in (Kind.BOUNCE, Kind.RECEIPT):
        return Words(new=tidy(text).strip())
    return tell_apart(text, answers=answers)


def _attachments(reader: Reader, *, answers: bool) -> list[Attachment]:
    """Return the files; what is new in the HTML says only of pictures shown there what they are."""
    html = reader.found.html if reader.shows_pictures else ""
    return reader.attachments(tell_apart(html, answers=answers).new)


def _drop_names_of_decorations(words: Words, attachments: list[Attachment]) -> None:
    for attachment in attachments:
        if attachment.decoration:
            words.new = words.new.replace(f"[{attachment.name}]", "")
            words.signature = words.signature.replace(f"[{attachment.name}]", "")
    words.new = re.sub(r"\n{3,}", "\n\n", words.new).strip("\n").rstrip()


def _notes_of_words(words: Words, subject: str, attachments: list[Attachment]) -> set[Note]:
    notes = {Note.BETWEEN} if words.between else set()
    if any(len(part) > TEXT_LIMIT for part in (words.new, words.quoted, words.signature)):
        notes.add(Note.TEXT_CUT)
    if words.new:
        return notes
    if words.quoted and (words.forwarded or FORWARD.match(subject)):
        words.new, words.quoted = words.quoted, ""
        return notes | {Note.FORWARDED}
    if words.quoted:
        return notes | {Note.NOTHING_NEW}
    return notes | {Note.EMPTY}


def _notes_of_structure(taken: Taken) -> set[Note]:
    said = {
        Note.BROKEN: taken.broken,
        Note.HEADER_CUT: taken.header_cut,
        Note.TOO_MANY_PARTS: taken.too_many,
        Note.SPAM: taken.top.header("x-spam-flag", 100).lower() == "yes",
    }
    return {note for note, holds in said.items() if holds}


# --- Headers ----------------------------------------------------------------------------------


def _sender(top: Part) -> tuple[str, str]:
    """Return name and address of who wrote it; one that could be read in two ways is none.

    Sender counts only where there is no From: beside one that cannot be read it would choose
    among its readings.
    """
    return _address_in(top, "from" if top.has("from") else "sender")


def _original(top: Part, sender: str) -> str:
    """Return who wrote it, where it came through a program that put its own address into From."""
    told = (
        _address_in(top, name)[1] for name in ("x-original-from", "x-original-sender", "reply-to")
    )
    return next((address for address in told if address and address != sender), "")


def _address_in(top: Part, field: str) -> tuple[str, str]:
    """Return name and address in the one field of a name that holds one address, else nothing."""
    values = [value for name, value in top.fields if name == field]
    if len(values) != 1 or len(values[0]) > FIELD_LIMIT:
        return "", ""
    # Encoded words are decoded after parsing: a comma within one separates nothing.
    name, address = name_and_address(tidy(decode(values[0])[0]))
    shown = header_text(name.encode("utf-8", "replace")).strip("'\" ")
    return ("" if normal(shown) == address else shown[:NAME_LIMIT]), address


def _message_id(top: Part) -> str:
    value = top.header("message-id", 2_000)
    found = _ids(value) or (_ids(f"<{value}>") if BARE_ID.fullmatch(value) else [])
    return found[0] if found else ""


def _references(top: Part) -> list[str]:
    """Return the Message-IDs of what is answered, the nearest first."""
    answered = _ids(top.header("in-reply-to", 8_000))
    thread = _ids(top.header("references"))[::-1]
    unique = list(dict.fromkeys([*answered[:5], *thread]))
    unique = [item for item in unique if item != _message_id(top)]
    if len(unique) > REFERENCES_LIMIT:
        unique = [*unique[: REFERENCES_LIMIT - 1], unique[-1]]
    return unique


def _ids(value: str) -> list[str]:
    found = re.findall(r"<[^<>]{1,600}>", value)
    ids = ["".join(item.split()) for item in found]
    return [item for item in ids if 2 < len(item) <= MESSAGE_ID_LIMIT]


def _recipients(top: Part) -> tuple[int, frozenset[str]]:
    """Return how many addresses To and Cc hold, counted by their @ signs, and which they are."""
    lines = b",".join(value for name, value in top.fields if name in ("to", "cc"))
    plain = re.sub(rb'"[^"]*"', b"", lines)
    words = re.split(r"[\s<>,;:()]", plain.decode("utf-8", "replace"))
    return plain.count(b"@"), frozenset(word for word in words if "@" in word)


def _sent_at(top: Part) -> datetime | None:
    try:
        sent = parsedate_to_datetime(top.header("date", 200))
        sent = (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return sent if EARLIEST <= sent <= datetime.now(UTC) + timedelta(days=2) else None
