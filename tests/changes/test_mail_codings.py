"""Content-Transfer-Encoding is often wrong: the words are read all the same."""

import base64
import quopri

import pytest

from expansive_cm.mailreader.reading import read

HEAD = b"From: a@b.example\r\nSubject: s\r\n"
WORDS = "The café on the ground floor needs its own calendar."
INNER = f"--sap\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}\r\n--sap--\r\n".encode()


def plain(encoding: str, body: bytes) -> bytes:
    """Return a text that names a transfer encoding."""
    kind = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    return HEAD + kind + encoding.encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "encoding",
    [
        "quoted-printable;",
        "Quoted-Printable ; x=y",
        '"quoted-printable"',
        "quoted-printable (what else)",
        "quoted-printable, 8bit",
    ],
)
def test_what_stands_behind_the_encoding_is_passed_over(encoding: str) -> None:
    assert read(plain(encoding, quopri.encodestring(WORDS.encode()))).text == WORDS
    coded = base64.encodebytes(WORDS.encode())
    assert read(plain(encoding.lower().replace("quoted-printable", "base64"), coded)).text == WORDS


@pytest.mark.parametrize("words", [WORDS, "Please change the hours of the north gate to 06:00."])
def test_words_that_are_said_to_be_base64_are_words(words: str) -> None:
    assert read(plain("base64", words.encode())).text == words


@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        ("base64", base64.encodebytes),
        ("BASE64;", base64.encodebytes),
        ("quoted-printable", lambda body: quopri.encodestring(body, quotetabs=True)),
        ("base64", lambda body: body),
        ("quoted-printable", lambda body: body),
    ],
)
def test_parts_that_are_coded_as_one_are_read(encoding, code) -> None:
    kind = b'Content-Type: multipart/mixed; boundary="sap"\r\nContent-Transfer-Encoding: '
    mail = read(HEAD + kind + encoding.encode() + b"\r\n\r\n" + code(INNER))
    assert mail.text == WORDS
    assert mail.notes == read(HEAD + kind + b"8bit\r\n\r\n" + INNER).notes
