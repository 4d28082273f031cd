"""A text that is named like a file is still what somebody wrote, where nothing else is."""

import pytest

from expansive_cm.mailreader.reading import read

HEAD = b"From: a@b.example\r\nSubject: s\r\n"
WORDS = "Please hide the door codes."
INLINE = 'Content-Disposition: inline; filename="message.txt"'


def part(kind: str, text: str = WORDS, *fields: str) -> str:
    """Return a part with its header."""
    return "\r\n".join([f"Content-Type: {kind}", *fields, "", text, ""])


def mail(*parts: str, kind: str = "mixed") -> bytes:
    """Return a message of these parts, or of the one part alone."""
    if len(parts) == 1:
        return HEAD + parts[0].encode()
    body = "".join(f"--x\r\n{one}" for one in parts) + "--x--\r\n"
    return HEAD + f"Content-Type: multipart/{kind}; boundary=x\r\n\r\n{body}".encode()


PICTURE = part("image/png; name=a.png", "aaaa", "Content-Disposition: attachment")
HTML = f"<p>{WORDS}</p>"
BODIES = {
    "alone": mail(part("text/plain; name=body.txt")),
    "alone, HTML": mail(part("text/html; name=body.html", HTML)),
    "alone and inline": mail(part("text/plain", WORDS, INLINE)),
    "with a picture": mail(part("text/plain; name=message.txt", WORDS, INLINE), PICTURE),
    "below the picture": mail(PICTURE, part("text/plain; name=message.txt")),
    "below an empty one": mail(part("text/plain", " "), part("text/plain; name=message.txt")),
    "two versions": mail(
        part("text/plain; name=a.txt"), part("text/html; name=a.html", HTML), kind="alternative"
    ),
}


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES)
def test_a_named_text_is_the_text_where_there_is_no_other(raw: bytes) -> None:
    found = read(raw)
    assert found.text == WORDS
    assert [one.name for one in found.attachments] == ["a.png"] * raw.count(b"image/png")


FILES = {
    "beside words": mail(part("text/plain", "See below."), part("text/plain; name=log.txt")),
    "said to be a file": mail(
        part("text/plain; name=log.txt", WORDS, "Content-Disposition: attachment"), PICTURE
    ),
    "a table": mail(part("text/csv; name=log.csv"), PICTURE),
}


@pytest.mark.parametrize("raw", FILES.values(), ids=FILES)
def test_what_is_a_file_stays_one(raw: bytes) -> None:
    found = read(raw)
    assert WORDS not in found.text
    assert found.attachments[0].name.startswith("log.")


def test_a_second_named_text_is_a_file() -> None:
    found = read(mail(part("text/plain; name=a.txt"), part("text/plain; name=b.txt", "x")))
    assert (found.text, [one.name for one in found.attachments]) == (WORDS, ["b.txt"])
