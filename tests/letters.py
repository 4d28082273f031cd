"""Raw messages as mail programs write them, and taking them in."""

import itertools
from email.message import EmailMessage
from typing import Any

from changes.mail_in.taking import Origin, take
from changes.models import IncomingMail

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
NUMBERS = itertools.count(1)


def letter(
    text: str = "Please let night staff book rooms.",
    *,
    sender: str = "Grace Requester <grace.requester@harbour.example>",
    subject: str = "Booking rooms at night",
    files: tuple[tuple[str, str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """Return a message. Headers are named as in Python: ``in_reply_to``."""
    message = EmailMessage()
    values = {
        "From": sender,
        "To": "changes@example.org",
        "Subject": subject,
        "Date": "Tue, 24 Nov 2026 10:00:00 +0000",
        "Message-ID": f"<letter-{next(NUMBERS)}@harbour.example>",
    }
    values |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    values["Message-ID"] = values.pop("Message-Id", values["Message-ID"])
    for name, value in values.items():
        if value:
            message[name] = value
    message.set_content(text)
    for name, kind, content in files:
        maintype, subtype = kind.split("/")
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def taken(raw: bytes, **origin: Any) -> IncomingMail:
    """Take a message in."""
    return take(raw, Origin(origin.pop("mailbox", "changes@example.org"), **origin))


def write(*arguments: Any, **options: Any) -> IncomingMail:
    """Write a message and take it in."""
    return taken(letter(*arguments, **options))


def answer(
    sender: str,
    partstat: str,
    words: str = "I am in hospital that week.",
    uid: str = "board-meeting-29@expansive.example",
) -> IncomingMail:
    """Answer an invitation as Outlook does."""
    raw = f"""\
From: {sender}
To: changes@expansive.example
Subject: Declined: Change Request Board
Date: Sat, 28 Nov 2026 17:00:00 +0000
Message-ID: <answer-{partstat}@expansive.example.invalid>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="k1"

--k1
Content-Type: text/plain; charset="utf-8"

{words}

--k1
Content-Type: text/calendar; charset="utf-8"; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
VERSION:2.0
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20261128T170000Z
ATTENDEE;PARTSTAT={partstat};CN=Max:mailto:max.member@expansive.example
END:VEVENT
END:VCALENDAR
--k1--
"""
    return taken(raw.replace("\n", "\r\n").encode())


def bounce_of(message_id: str, address: str, *, action: str = "failed") -> bytes:
    """Return what a mail server sends back (RFC 3464)."""
    status = "5.1.1" if action == "failed" else "4.4.1"
    lines = f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.harbour.example>
To: changes@expansive.example
Subject: Undelivered Mail Returned to Sender
Date: Tue, 24 Nov 2026 10:05:00 +0000
Message-ID: <dsn-{next(NUMBERS)}@mx.harbour.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.harbour.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <{address}>: Recipient address rejected: User unknown

--b
Content-Type: text/rfc822-headers

From: Change Management <changes@expansive.example>
To: {address}
Subject: [CR-000001] We have the request
Message-ID: {message_id}

--b--
"""
    return lines.replace("\n", "\r\n").encode()
