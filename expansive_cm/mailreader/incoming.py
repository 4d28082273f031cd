"""What one received message says, as far as a machine can tell."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    """Who or what wrote a message, and so what may be made of it at all.

    Only ``ORDINARY`` is from a person to us. ``LIST`` is from a person, but through a mailing
    list; ``CALENDAR`` is an invitation or the answer to one. ``AUTOMATIC`` may be a person's mail
    that a rule of their mailbox passed on. Everything else no person wrote for us to read.
    """

    ORDINARY = "ordinary", _("Mail from a person")
    LIST = "list", _("Mail through a mailing list")
    CALENDAR = "calendar", _("Invitation or answer to an invitation")
    AUTO_REPLY = "auto_reply", _("Automatic reply")
    OUT_OF_OFFICE = "out_of_office", _("Out-of-office reply")
    RECEIPT = "receipt", _("Receipt: read or delivered")
    BOUNCE = "bounce", _("Mail that came back")
    AUTOMATIC = "automatic", _("Sent by a machine")
    BULK = "bulk", _("Bulk mail")
    OWN = "own", _("Our own mail")


class Note(TextChoices):
    """Something odd about a message that whoever reads it should know; each is a sentence."""

    BROKEN = "broken", _("The message was damaged; what could be read of it is here.")
    HEADER_CUT = "header_cut", _("The message's header was too long and was cut.")
    CHARSET = "charset", _("Some characters could not be read and were replaced or guessed.")
    TEXT_CUT = "text_cut", _("The text was too long and was cut.")
    TOO_MANY_PARTS = (
        "too_many_parts",
        _("The message had too many parts, or parts within parts; some were left out."),
    )
    WINMAIL = (
        "winmail",
        _("The sender's Outlook packed the files into winmail.dat, which only Outlook opens."),
    )
    SIGNED = "signed", _("The message was signed; the signature was not checked.")
    ENCRYPTED = "encrypted", _("The message is encrypted and could not be read.")
    EMPTY = "empty", _("The message had no text.")
    NOTHING_NEW = "nothing_new", _("The message repeats earlier mail and adds nothing.")
    FORWARDED = "forwarded", _("The message forwards earlier mail and adds nothing.")
    BETWEEN = "between", _("The sender wrote between the quoted lines; these were kept.")
    SENDER = "sender", _("The sender's address is missing or not valid, or not the only one.")
    DATE = "date", _("The message had no usable date.")
    MANY_RECIPIENTS = "many_recipients", _("The message went to very many recipients.")
    SPAM = "spam", _("A mail server marked the message as spam.")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a message.

    ``name`` is decoded and safe to store: no path, no control characters, never empty, at most
    120 characters, unique within the message; it has the extension of its type if it had none.
    ``content_type`` is what the sender says, in lower case ("image/png"); ``content`` is decoded.
    A message within the message is a file ``<subject>.eml`` of type ``message/rfc822``.
    """

    name: str
    content_type: str
    content: bytes
    inline: bool = False
    """The HTML shows it in its place: a pasted picture, or the logo of a signature."""
    quoted: bool = False
    """Inline, and shown nowhere but in the quoted part: it is somebody else's, sent before."""
    decoration: bool = False
    """Inline and too small to tell anything (a logo, an icon, a line): not worth keeping."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient that a bounce tells of."""

    address: str
    """In lower case; "" if the bounce does not say whom it means."""
    permanent: bool
    """Whether this mail will never arrive, for whatever reason (a full mailbox, no such user, no
    answer for days; ``status`` tells). False: it is late, and the server is still trying."""
    status: str = ""
    """The enhanced status code ("5.1.1") if there is one."""
    detail: str = ""
    """What the other server said, at most 500 characters."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a mail server says about a mail of ours that did not arrive."""

    failures: tuple[Failure, ...]
    """Never empty, permanent ones first."""
    message_id: str = ""
    """The Message-ID of the mail that came back, with angle brackets; "" if it is not told."""

    @property
    def permanent(self) -> bool:
        """Whether some recipient will never get the mail."""
        return any(failure.permanent for failure in self.failures)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A received message, read. Every text is free of NUL and control characters."""

    kind: Kind = Kind.ORDINARY
    why: str = ""
    """What the kind was told by, for the log ("Auto-Submitted: auto-replied"); "" if ordinary."""
    message_id: str = ""
    """With angle brackets, at most 500 characters; "" if there is none that can be used."""
    references: list[str] = field(default_factory=list)
    """Message-IDs of what it answers, with angle brackets, the nearest first: In-Reply-To, then
    References from last to first. No repetitions; at most 100 (the root is always kept)."""
    sender: str = ""
    """The one address in From (not Reply-To), in lower case; "" if it is missing or not valid, or
    if there is more than one, in a field or in two."""
    sender_name: str = ""
    """The name beside it, at most 200 characters; "" if there is none."""
    subject: str = ""
    """Decoded, on one line, at most 500 characters, with its "Re:" and our "[CR-12]"."""
    original: str = ""
    """Who wrote it where a group or a form put its own address into From: the address in
    X-Original-From, X-Original-Sender or Reply-To; "" if there is none, or it is the sender's."""
    recipients: int = 0
    """How many addresses To and Cc hold."""
    addressed: frozenset[str] = frozenset()
    """These addresses, as they are written there, without names."""
    sent_at: datetime | None = None
    """When the sender says it was sent, aware, in UTC; None if that is missing or absurd."""
    text: str = ""
    """The new words: without quoted text and signature. Links, lists and quotes of HTML are
    written as Markdown does. At most ``TEXT_LIMIT`` characters."""
    quoted: str = ""
    """Earlier mail that the sender's program repeated below (or above) the new words."""
    signature: str = ""
    """What stood below a line "-- "."""
    attachments: list[Attachment] = field(default_factory=list)
    """In the order of the message; at most ``PARTS_LIMIT``."""
    bounce: Bounce | None = None
    """Set if, and only if, ``kind`` is ``BOUNCE``."""
    declined: str = ""
    """The UID of the meeting to which a calendar program declines an invitation, at most 200
    characters; "?" if it is not named, "" if nothing is declined."""
    notes: list[Note] = field(default_factory=list)
    """What was odd; each at most once, in the order of ``Note``."""
