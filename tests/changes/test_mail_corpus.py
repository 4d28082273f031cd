"""Every message of the corpus is read as the table beside it says."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from expansive_cm.mailreader.reading import Attachment, Incoming, read

CORPUS = Path(__file__).parent.parent / "mail_corpus"
EXPECTED = yaml.safe_load((CORPUS / "expected.yaml").read_text())
OUR_DOMAIN = "mail.expansive.example"
UNLESS_GIVEN = {
    "kind": "ordinary",
    "why": "",
    "references": [],
    "quoted": "",
    "signature": "",
    "attachments": [],
    "bounce": None,
    "notes": [],
}


def told(mail: Incoming) -> dict:
    """Return what was read in the table's form."""
    said = {name: getattr(mail, name) for name in Incoming.__slots__}
    return said | {
        "kind": mail.kind.value,
        "quoted": mail.quoted.split("\n")[0],
        "sent_at": mail.sent_at and mail.sent_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "bounce": mail.bounce
        and asdict(mail.bounce)
        | {"failures": [asdict(failure) for failure in mail.bounce.failures]},
        "notes": [note.value for note in mail.notes],
    }


def file_as_told(attachment: Attachment, expected: dict) -> dict:
    """Return an attachment in the table's form, as far as the table goes."""
    said = {"name": attachment.name, "type": attachment.content_type}
    if "size" in expected:
        said["size"] = len(attachment.content)
    if "starts" in expected:
        said["starts"] = attachment.content.decode("latin-1")[: len(expected["starts"])]
    flags = ("inline", "quoted", "decoration")
    return said | {flag: True for flag in flags if getattr(attachment, flag)}


def test_every_file_is_in_the_table() -> None:
    assert sorted(path.stem for path in CORPUS.glob("*.eml")) == sorted(EXPECTED)
    assert len(EXPECTED) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_message_is_read_as_expected(name: str) -> None:
    mail = read((CORPUS / f"{name}.eml").read_bytes(), our_domain=OUR_DOMAIN)
    expected = UNLESS_GIVEN | EXPECTED[name]
    if expected["text"] is None:  # Rubbish: whatever is read of it will do.
        del expected["text"]
    found = told(mail)
    for attachment, given in zip(mail.attachments, expected["attachments"], strict=False):
        assert file_as_told(attachment, given) == given
    assert len(mail.attachments) == len(expected.pop("attachments"))
    assert {key: found[key] for key in expected} == expected
