"""Takes mail in: each message is stored in the transaction that acts on it, once.

Where it lay on the IMAP server (mailbox, UIDVALIDITY, UID) names a message, and so does its
Message-ID; whichever comes again finds the row of the first time.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from expansive_cm.mailreader.addresses import name_and_address
from expansive_cm.mailreader.incoming import Incoming
from expansive_cm.mailreader.reading import read
from expansive_cm.workflow.steps import attribute

from .. import attachments, lifecycle
from ..models import Attachment, Change, IncomingMail, MailEvent, ProposedAnswer, RawMail
from ..models.choices import Channel
from . import declines, files, phrasing, shown_links
from .own_lines import with_own_lines
from .sorting import Verdict, mail_of_ours, sort, was_sent_to, words_of

Outcome = IncomingMail.Outcome
HEADER_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Origin:
    """Where a message lay. One that no server keeps has a mailbox and nothing else."""

    mailbox: str
    uid_validity: int | None = None
    uid: int | None = None

    def row(self) -> IncomingMail | None:
        """Return what was made of the message before, if anything."""
        if self.uid is None:
            return None
        wanted = {"mailbox": self.mailbox, "uid_validity": self.uid_validity, "uid": self.uid}
        return IncomingMail.objects.filter(**wanted).first()


def take(raw: bytes, origin: Origin) -> IncomingMail:
    """Store a message and do what it asks for, or neither; return its row.

    One that was taken before is not taken again: the same place on the server returns the row
    of then, a Message-ID that is known makes a row which says that it is a duplicate. Effects
    otherwise: see ``ACTS``.
    """
    incoming = read_whole(raw)
    mail = _row(raw, incoming, origin)
    kept: list[Attachment] = []
    try:
        with transaction.atomic():
            _one_at_a_time(mail.message_id or mail.sha256)
            earlier = origin.row()
            if earlier:
                return earlier
            first = _same(mail)
            verdict = _again(mail, first) if first else sort(incoming)
            _store(mail, raw, incoming, verdict, kept)
    except BaseException:
        attachments.discard(kept)
        raise
    return mail


def read_whole(raw: bytes) -> Incoming:
    """Read a message; lines that look quoted and are in no mail of ours stay with its words."""
    incoming = read(raw, our_domain=settings.POST_OFFICE["MESSAGE_ID_FQDN"])
    return with_own_lines(incoming, mail_of_ours(incoming.references))


def _row(raw: bytes, incoming: Incoming, origin: Origin) -> IncomingMail:
    repeated = "\n\n".join(part for part in (incoming.signature, incoming.quoted) if part)
    return IncomingMail(
        mailbox=origin.mailbox,
        uid_validity=origin.uid_validity,
        uid=origin.uid,
        message_id=incoming.message_id,
        sender=incoming.sender,
        sender_name=incoming.sender_name,
        subject=phrasing.without_secrets(incoming.subject),
        body=phrasing.without_secrets(incoming.text),
        quoted=phrasing.without_secrets(repeated),
        sent_at=incoming.sent_at,
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _one_at_a_time(identity: str) -> None:
    """Wait for whoever takes the same message from another mailbox; ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('mail in'), hashtext(%s))", [identity]
        )


def _same(mail: IncomingMail) -> IncomingMail | None:
    rows = IncomingMail.objects.exclude(outcome=Outcome.DUPLICATE)
    if mail.message_id:
        return rows.filter(message_id=mail.message_id).first()
    return rows.filter(message_id="", sha256=mail.sha256).first()


def _again(mail: IncomingMail, first: IncomingMail) -> Verdict:
    """Tell a copy from another mail to which a scanner or a script gave an old Message-ID.

    The latter has no Message-ID here: there it names the first one.
    """
    if mail.body == first.body or mail.sent_at == first.sent_at:
        return Verdict(Outcome.DUPLICATE, _("It came before (number %d).") % first.pk)
    mail.message_id = ""
    why = _("It has the Message-ID of another mail (number %d), but other words and another date.")
    return Verdict(Outcome.TRIAGE, why % first.pk, person=first.person)


def _store(
    mail: IncomingMail, raw: bytes, incoming: Incoming, verdict: Verdict, kept: list[Attachment]
) -> None:
    shown = []
    if "…" in f"{mail.subject}{mail.body}{mail.quoted}" or incoming.attachments:
        shown = shown_links.shown_by(incoming, verdict.person)
        changes, readers = [change for change, _reader in shown], [one for _change, one in shown]
        lifecycle.hold([*changes, verdict.change] if verdict.change else changes, readers)
    act = ACTS.get(verdict.outcome)
    taken = Taken(mail, incoming, verdict, kept)
    if act:
        act(taken)
    notes = [str(note.label) for note in incoming.notes]
    mail.outcome = verdict.outcome
    mail.why = " ".join([verdict.why, *notes])[:500]
    mail.person, mail.change, mail.in_answer_to = verdict.person, verdict.change, verdict.answers
    save(mail, None, verdict.why)
    RawMail.objects.create(mail=mail, content=raw)
    if taken.proposes:
        _propose(taken)
    if verdict.declines and verdict.person:
        declines.note(verdict.person, incoming.declined)
    for change, reader in shown:
        lifecycle.replace_links(change, reader)


def save(mail: IncomingMail, actor: Any, reason: str) -> None:
    """Save a row with its history attributed and explained."""
    attribute(mail, actor=actor, reason=reason)
    mail.save()


# What is made of a mail ----------------------------------------------------------------------


@dataclass
class Taken:
    """A mail that is being taken: what it says, what was decided, and the files kept so far."""

    mail: IncomingMail
    incoming: Incoming
    verdict: Verdict
    kept: list[Attachment]
    proposes: bool = False

    @property
    def via(self) -> str:
        """What the story of the change says about how this came."""
        return _("By mail from %s") % self.mail.sender

    def keep(self, change: Change, found: list[UploadedFile], **options: Any) -> None:
        """Attach files, remembering them in case the transaction comes to nothing."""
        self.kept += attachments.keep(change, found, **options)


def _request(taken: Taken) -> None:
    """A new request, submitted in the name of its sender, who is added when new."""
    verdict, mail = taken.verdict, taken.mail
    organisation = verdict.organisation
    assert organisation is not None
    if verdict.person is None:
        verdict.person = lifecycle.add_requester(
            mail.sender,
            mail.sender_name or mail.sender,
            organisation,
            actor=None,
            why=_("added as a requester: %s") % verdict.why,
        )
    verdict.change = raise_request(taken, verdict.person, verdict.person, taken.via)


def raise_request(taken: Taken, actor: Any, requester: Any, via: str) -> Change:
    """Write the request, attach its files and submit it."""
    found, refused = files.checked(taken.incoming.attachments)
    text = phrasing.description_of(taken.incoming, refused)
    draft = lifecycle.save_draft(
        None,
        actor=actor,
        title=phrasing.title_of(taken.mail.subject, text),
        description=text,
        organisation=requester.organisation,
        requester=requester,
        channel=Channel.EMAIL,
    )
    taken.keep(draft, found, actor=actor)
    return lifecycle.submit(draft, actor=actor, via=via)


def _comment(taken: Taken) -> None:
    """A comment in the name of its sender: public, but for what colleagues write to each other."""
    verdict = taken.verdict
    assert verdict.change is not None
    add_comment(taken, verdict.change, verdict.person, taken.via, internal=verdict.internal)
    _note_answered(verdict)


def add_comment(
    taken: Taken, change: Change, actor: Any, via: str, *, lead: str = "", internal: bool = False
) -> None:
    """Add what the mail says to a change, and its files; ``lead`` goes before the words."""
    found, refused = files.checked(taken.incoming.attachments, change, actor)
    body = phrasing.comment_of(taken.incoming, refused)
    if body or lead:
        body = "\n\n".join(part for part in (lead, body) if part)
        taken.mail.comment = lifecycle.comment(
            change, actor=actor, body=body, internal=internal, via=via
        )
    taken.keep(change, found, actor=actor, internal=internal)


def _note_answered(verdict: Verdict) -> None:
    email, person = verdict.answers, verdict.person
    if person and verdict.change and was_sent_to(email, person.email):
        MailEvent.objects.create(
            email=email,
            change=verdict.change,
            kind=MailEvent.Kind.ANSWERED,
            address=person.email,
        )


def _answer(taken: Taken) -> None:
    """A comment as well, whose words are proposed as the answer to what the board asked."""
    _comment(taken)
    taken.proposes = True


def _propose(taken: Taken) -> None:
    limit = ProposedAnswer._meta.get_field("text").max_length or 10000
    text = phrasing.without_secrets(words_of(taken.incoming))[:limit]
    for question in taken.verdict.questions:
        proposal = ProposedAnswer(question=question, mail=taken.mail, text=text)
        attribute(proposal, actor=taken.verdict.person, reason=taken.via)
        proposal.save()


def _bounced(taken: Taken) -> None:
    """A mail of ours will not arrive: note it for each recipient whom that mail went to."""
    email, bounce = taken.verdict.answers, taken.incoming.bounce
    if email is None or bounce is None:
        return
    for failure in bounce.failures:
        address = failure.address
        if not address and len(email.to) == 1:
            address = email.to[0]
        # Whoever forges a bounce can say only what they know already: whom that mail went to.
        if failure.permanent and was_sent_to(email, address):
            detail = f"{failure.status} {failure.detail}".strip()
            lifecycle.note_failure(email, address, MailEvent.Kind.BOUNCED, detail)


ACTS: dict[Outcome, Callable[[Taken], None]] = {
    Outcome.CHANGE: _request,
    Outcome.COMMENT: _comment,
    Outcome.ANSWER: _answer,
    Outcome.BOUNCE: _bounced,
}
"""What is done besides storing; mail with another outcome is stored and nothing else."""


# What is kept without being taken ------------------------------------------------------------


def keep_too_large(header: bytes, size: int, origin: Origin) -> IncomingMail:
    """Note that a message was left on the server because of its size; support decides."""
    words_ = {"size": filesizeformat(size), "limit": filesizeformat(settings.MAIL_LARGEST)}
    why = _(
        "It was not taken: it has %(size)s, the limit is %(limit)s. It lies in the folder Triage "
        "of the mailbox; here is its header."
    )
    return _keep(header, size, origin, why % words_)


def keep_failed(raw: bytes, origin: Origin, error: str) -> IncomingMail:
    """Keep a message that could not be taken, unread, for a person to look at."""
    why = _(
        "It could not be taken, %(times)d times: %(error)s. It lies in the folder Failed of the "
        "mailbox; moved back to where mail arrives, it is tried again."
    )
    return _keep(raw, len(raw), origin, why % {"times": MOST_TRIES, "error": error[:200]})


MOST_TRIES = 3
"""After so many attempts that came to nothing a message is set aside."""


def _keep(raw: bytes, size: int, origin: Origin, why: str) -> IncomingMail:
    """Store a message with nothing but what its header says, in the most careful way.

    It has no Message-ID here: it was not taken, and when it comes again it is no duplicate.
    """
    header = BytesHeaderParser(policy=compat32).parsebytes(raw[:HEADER_LIMIT])
    senders = header.get_all("From", [])
    # Encoded words are decoded after parsing: a comma within one separates nothing.
    name, address = name_and_address(str(senders[0])) if len(senders) == 1 else ("", "")
    mail = IncomingMail(
        mailbox=origin.mailbox,
        uid_validity=origin.uid_validity,
        uid=origin.uid,
        sender=address,
        sender_name=_plain(name)[:200],
        subject=_plain(header.get("Subject"))[:500],
        size=size,
        outcome=Outcome.TRIAGE,
        why=why[:500],
    )
    with transaction.atomic():
        earlier = origin.row()
        if earlier:
            return earlier
        save(mail, None, why)
        RawMail.objects.create(mail=mail, content=raw)
    return mail


def _plain(value: Any) -> str:
    """Return a header's text on one line, its encoded words decoded as far as possible."""
    text = str(value or "")
    with suppress(LookupError, ValueError):
        text = str(make_header(decode_header(text)))
    return " ".join("".join(one for one in text if one.isprintable() or one.isspace()).split())
