"""Who wrote a mail: in one way or not at all."""

import pytest

from changes.mail_in.taking import Origin, keep_too_large
from changes.models import IncomingMail
from expansive_cm.mailreader.reading import read
from tests import stories
from tests.letters import letter, taken
from tests.people import Cast

pytestmark = pytest.mark.django_db

Outcome = IncomingMail.Outcome
GRACE = "grace.requester@harbour.example"
MALLORY = "mallory@evil.example"

AMBIGUOUS = {
    "two in one field": f"From: Grace <{GRACE}>, Mallory <{MALLORY}>",
    "two without brackets": f"From: {GRACE}, {MALLORY}",
    "a group": f'From: Estates: "Requester, Grace" <{GRACE}>, {MALLORY};',
    "two fields": f"From: Grace <{GRACE}>\r\nFrom: Mallory <{MALLORY}>",
    "two fields, the known one last": f"From: Mallory <{MALLORY}>\r\nFrom: Grace <{GRACE}>",
    "two fields that agree": f"From: {GRACE}\r\nfrom : {GRACE}",
    "two in brackets": f"From: Grace <{GRACE}> <{MALLORY}>",
    "another one as the name": f"From: {MALLORY} <{GRACE}>",
    "a quoted quotation mark": f'From: "a\\" <{GRACE}>, \\"b" <{MALLORY}>',
    "a route": f"From: Grace <@evil.example:{GRACE}>",
    "one far to the right": f"From: Grace <{GRACE}>,{' ' * 3000}{MALLORY}",
    "a From that says nothing": f"From: Grace\r\nSender: Grace <{GRACE}>",
    "two Senders and no From": f"Sender: {GRACE}\r\nSender: {MALLORY}",
}
PLAIN = {
    "a name with a comma": f'From: "Requester, Grace" <{GRACE}>',
    "the address as its name": f"From: {GRACE} <{GRACE}>",
    "a quoted address as the name": f'From: "{MALLORY}" <{GRACE}>',
    "capitals": f"From: Grace <{GRACE.upper()}>",
    "a comment": f"From: {GRACE} (Grace, of {MALLORY})",
    "an encoded comma": f"From: =?utf-8?q?Requester=2C_Gr=C3=A1ce?= <{GRACE}>",
    "folded": f"From: Grace\r\n <{GRACE}>",
    "a Sender who sent it for her": f"From: {GRACE}\r\nSender: {MALLORY}",
    "no From at all": f"Sender: Grace <{GRACE}>",
}


def with_from(fields: str, subject: str = "Rooms") -> bytes:
    """Return a mail whose sender is told by these fields."""
    return letter(sender="", subject=subject).replace(b"To: ", fields.encode() + b"\r\nTo: ", 1)


@pytest.mark.parametrize("fields", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_can_be_read_in_two_ways_has_no_sender(cast: Cast, fields: str) -> None:
    change = stories.submitted(cast)
    mail = taken(with_from(fields, f"[{change.reference}] more"))
    assert (mail.sender, mail.person, mail.outcome) == ("", None, Outcome.TRIAGE)
    assert "not the only one" in mail.why
    assert not change.comments.exists()


@pytest.mark.parametrize("fields", PLAIN.values(), ids=PLAIN)
def test_what_can_be_read_in_one_way_has_its_sender(fields: str) -> None:
    assert read(with_from(fields)).sender == GRACE


def test_a_second_sender_beyond_what_is_read_of_a_header_counts(cast: Cast) -> None:
    many = "\r\n".join(f"X-Filler-{number}: x" for number in range(2_100))
    mail = taken(with_from(f"From: {GRACE}\r\n{many}\r\nFrom: {MALLORY}"))
    assert mail.outcome == Outcome.TRIAGE


NESTED = {"a deep comment": f"From: {GRACE} {'(' * 60_000}", "a deep one": f"From: {'(' * 1_900}"}


def test_what_is_kept_without_being_taken_names_a_sender_only_where_it_is_plain() -> None:
    """Or who sent it could not be told, and a mailbox would stop at what a stranger nests."""
    senders = {}
    for number, fields in enumerate([*(AMBIGUOUS | NESTED).values(), *PLAIN.values()]):
        if not fields.startswith("Sender: ") and "from :" not in fields:
            raw = with_from(fields)
            senders[fields] = keep_too_large(raw, len(raw), Origin("post", 1, number)).sender
    plain = {fields for fields in PLAIN.values() if fields in senders}
    assert senders == {fields: GRACE if fields in plain else "" for fields in senders}
