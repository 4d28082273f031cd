"""Reading holds whatever arrives: huge, nested, damaged, hostile.

Nothing here measures time. What would take time out of proportion would not end at all.
"""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expansive_cm.mailreader.incoming import Incoming, Kind, Note
from expansive_cm.mailreader.parts import PARTS_LIMIT
from expansive_cm.mailreader.reading import REFERENCES_LIMIT, TEXT_LIMIT, read

CORPUS = [
    path.read_bytes() for path in sorted((Path(__file__).parents[1] / "mail_corpus").glob("*.eml"))
]
MEGABYTE = 2**20
HEAD = (
    b"From: Ann <ann@studio.example>\nTo: support@expansive.example\nSubject: Big\n"
    b"Date: Tue, 4 Mar 2025 09:12:44 +0100\nMessage-ID: <big@studio.example>\n"
)
ANSWER = b"In-Reply-To: <x@y>\n"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ud800-\udfff\ue000-\uf8ff\u202a-\u202e]")


def plain(body: bytes, head: bytes = b"") -> bytes:
    return HEAD + head + b"Content-Type: text/plain; charset=utf-8\n\n" + body


def html(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html; charset=utf-8\n\n" + body


def mixed(*parts: bytes) -> bytes:
    body = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + body + b"--b--\n"


def read_soundly(raw: bytes) -> Incoming:
    """Read, and check all that holds for every message."""
    mail = read(raw, our_domain="mail.expansive.example")
    assert (mail.bounce is not None) == (mail.kind == Kind.BOUNCE)
    assert (mail.why == "") == (mail.kind == Kind.ORDINARY)
    if mail.bounce:
        assert mail.bounce.failures
        assert all(len(failure.address) <= 254 for failure in mail.bounce.failures)
        assert all(len(failure.detail) <= 500 for failure in mail.bounce.failures)
    texts = [mail.text, mail.quoted, mail.signature]
    assert all(len(text) <= TEXT_LIMIT for text in texts)
    lines = [mail.subject, mail.sender, mail.sender_name, mail.message_id, mail.why]
    lines += [*mail.references, *(attachment.name for attachment in mail.attachments)]
    assert not any("\n" in line or len(line) > 500 for line in lines)
    assert not any(CONTROLS.search(text) for text in texts + lines)
    assert len(mail.sender) <= 320
    assert len(mail.sender_name) <= 200
    assert len(mail.references) <= REFERENCES_LIMIT
    assert len(set(mail.references)) == len(mail.references)
    assert mail.sent_at is None or mail.sent_at.tzinfo
    assert len(set(mail.notes)) == len(mail.notes)
    names = [attachment.name.lower() for attachment in mail.attachments]
    assert len(set(names)) == len(names) <= PARTS_LIMIT
    assert all(name and len(name) <= 130 and "/" not in name for name in names)
    assert all(len(attachment.content_type) <= 100 for attachment in mail.attachments)
    return mail


# --- Whatever the bytes are -------------------------------------------------------------------


@settings(max_examples=300)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_read(raw: bytes) -> None:
    read_soundly(raw)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message of the corpus, cut, doubled, overwritten and mixed with another."""
    raw = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 400)))
        other = draw(st.sampled_from(CORPUS))
        place = draw(st.integers(0, len(other)))
        new = draw(
            st.one_of(
                st.just(b""),
                st.just(raw[start:end] * 2),
                st.just(other[place : place + 400]),
                st.binary(max_size=20),
            )
        )
        raw = raw[:start] + new + raw[end:]
    return raw


@settings(max_examples=400)
@given(damaged())
def test_damaged_messages_are_read(raw: bytes) -> None:
    read_soundly(raw)


PIECES = st.sampled_from(
    [
        *(
            b"\n",
            b"\r\n",
            b"\n\n",
            b" ",
            b"--",
            b"--b\n",
            b"--b--\n",
            b"> ",
            b"-- \n",
            b"x",
            b"\xff",
        ),
        *(b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: text/html\n"),
        *(b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n"),
        *(b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",),
        *(b"Content-Type: message/delivery-status\n", b"Action: failed\n", b"Return-Path: <>\n"),
        *(b"Subject: =?utf-8?b?w7w=?=\n", b"From: a@b.c\n", b"Content-Disposition: attachment\n"),
        *(b"<blockquote type=cite>", b"</blockquote>", b"<p>", b"<table><tr><td>", b"&#xe000;"),
        *(b"<a href='http://x.y'>", b"<img src=cid:a>", b"Content-ID: <a>\n", b"&#0;&#xd800;"),
        *(b"On 3 Mar 2025 at 10:00, a <b@c.d> wrote:\n", b"From: a@b.c\nSent: 1:00\nTo: x\n"),
        *(b"filename*0*=utf-8''a; filename=\"", b"<div id=divRplyFwdMsg>", b"=?x?q?"),
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=40).map(b"".join))
def test_what_looks_like_a_message_is_read(raw: bytes) -> None:
    read_soundly(raw)


def test_every_message_of_the_corpus_is_sound() -> None:
    for raw in CORPUS:
        read_soundly(raw)


# --- Huge -------------------------------------------------------------------------------------


def test_a_mail_of_25_megabytes_is_read_whole() -> None:
    content = bytes(range(256)) * 4 * 18 * 1024
    file = b"Content-Type: application/zip; name=plans.zip\nContent-Transfer-Encoding: base64\n\n"
    raw = mixed(b"\nThe plans.", file + base64.encodebytes(content))
    assert len(raw) > 24 * MEGABYTE
    mail = read_soundly(raw)
    assert (mail.text, mail.notes) == ("The plans.", [])
    assert [(each.name, each.content == content) for each in mail.attachments] == [
        ("plans.zip", True)
    ]


def test_thousands_of_recipients_are_counted() -> None:
    many = b",\n ".join(b'"Doe, J@ne %d" <p%d@studio.example>' % (n, n) for n in range(5_000))
    mail = read_soundly(b"Cc: " + many + b"\n" + plain(b"Hello all"))
    assert mail.recipients == 5_001
    assert mail.notes == [Note.MANY_RECIPIENTS]
    assert mail.text == "Hello all"


def test_a_long_text_is_cut() -> None:
    mail = read_soundly(plain(b"words and words\n" * 2**21))
    assert len(mail.text) == TEXT_LIMIT
    assert mail.notes == [Note.TEXT_CUT]


def test_what_follows_a_header_that_is_too_long_is_read() -> None:
    mail = read_soundly(HEAD + b"X-Long: " + b"x" * 3 * MEGABYTE + b"\n\nHello")
    assert (mail.sender, mail.text) == ("ann@studio.example", "Hello")
    assert mail.notes == [Note.HEADER_CUT]


def test_parts_beyond_the_limit_are_left_out() -> None:
    mail = read_soundly(mixed(*[b"Content-Type: application/pdf; name=a.pdf\n\nx"] * 5_000))
    assert len(mail.attachments) == PARTS_LIMIT
    assert mail.attachments[1].name == "a (2).pdf"
    assert Note.TOO_MANY_PARTS in mail.notes


@pytest.mark.parametrize("levels", [20, 2_000, 100_000])
def test_parts_within_parts_end_somewhere(levels: int) -> None:
    inside = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels)
    )
    assert Note.TOO_MANY_PARTS in read_soundly(HEAD + inside + b"\nx").notes


def test_a_picture_within_the_html_is_a_file() -> None:
    """Some programs paste megabytes into the HTML; the words after them still count."""
    picture = bytes(range(256)) * 8 * 1024
    source = b"data:image/png;base64," + base64.b64encode(picture)
    mail = read_soundly(html(b"<p>See:</p><img src='" + source + b"'><p>It is red.</p>"))
    assert mail.text == "See:\n\n[file.png]\n\nIt is red."
    assert [(each.name, each.content == picture, each.inline) for each in mail.attachments] == [
        ("file.png", True, True)
    ]


def test_many_references_keep_the_nearest_and_the_root() -> None:
    ids = [b"<%d@x>" % number for number in range(3_000)]
    mail = read_soundly(b"References: " + b" ".join(ids) + b"\n" + ANSWER + plain(b"x"))
    assert mail.references[:3] == ["<x@y>", "<2999@x>", "<2998@x>"]
    assert mail.references[-1] == "<0@x>"


HOSTILE = {
    "boundaries in a line": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b" * 4 * MEGABYTE,
    "boundaries that are none": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--bx\n" * 200_000,
    "header lines": b"X: a\n" * MEGABYTE + b"\nx",
    "parentheses": b"From: " + b"(" * MEGABYTE + b"\n\nx",
    "angle brackets": b"From: " + b"<" * 900_000 + b"\nReferences: " + b"<" * 100_000 + b"\n\nx",
    "parameters": b"Content-Type: a/b" + b"; a=b" * 100_000 + b"\n\nx",
    "parameters in sections": b"Content-Type: a/b"
    + b"".join(b"; name*%d*=a" % number for number in range(20_000))
    + b"\n\nx",
    "encoded words": b"Subject: " + b"=?utf-8?B?w7w=?= " * 50_000 + b"\n\nx",
    "quotes": plain(b"> a\nb\n" * 50_000, ANSWER),
    "who wrote": plain(
        b"".join(b"On %d " % each + b"a b " * 89 + b"1:11 @:\n" for each in range(1_000)), ANSWER
    ),
    "who wrote, again": plain(b"On 3 Mar 2025, x wrote:\n" * 40_000, ANSWER),
    "mail headers": plain(b"From: x@y\n\n" * 90_000, ANSWER),
    "signatures": plain(b"-- \n" * 100_000),
    "lines": plain(b"_____________________\n" * 45_000 + b"From: x"),
    "flowing": HEAD + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 100_000,
    "bounce": b"Return-Path: <>\nSubject: Undelivered\n\n" + b"a@" * MEGABYTE,
    "bounce, empty lines": b"Return-Path: <>\nSubject: Undelivered\n\n" + b"\n" * MEGABYTE,
    "report": HEAD
    + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    + b"--b\nContent-Type: message/delivery-status\n\n"
    + b"nonsense\n" * 10**6,
    "punycode": HEAD + b"Content-Type: text/plain; charset=punycode\n\na-" + b"z" * MEGABYTE,
    "tables in tables": html((b"<table><tr><td>" * 80 + b"x" + b"</table>" * 80) * 100),
    "wide and long table": html(b"<table><tr><td>" + b"x" * 9**5 + b"<tr><td>a<td>b" * 8_000),
    "deep": html(b"<div>" * 90_000 + b"x"),
    "bold and bolder": html(b"<b id=1><i id=2>" * 110 + b"<p>x" * 30_000),
    "lists in lists": html(b"<ul>" * 80 + b"<li>x" * 10_000),
    "quotes in quotes": html(b"<blockquote>" * 200 + b"<p>x" * 20_000),
    "hidden": html(b"<div style='font-size:0'>" * 200 + b"<i>x</i>" * 20_000),
    "padding": html(b"<div style='padding-left:99999em'>" * 100 + b"<p>x" * 1_000),
    "a large number": html(b"<ol><li value=" + b"9" * 5_000 + b">x"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_end(name: str) -> None:
    read_soundly(HOSTILE[name])


# --- Small rules ------------------------------------------------------------------------------


def test_too_deep_html_is_still_text() -> None:
    mail = read_soundly(html(b"<div>" * 5_000 + b"Hello <b>you</b>" + b"</div>" * 5_000))
    assert mail.text.split() == ["Hello", "you"]


def test_no_mark_can_be_smuggled_in() -> None:
    """The characters that mark quotes inside are nothing that a sender can write."""
    mail = read_soundly(html("<p>a\ue003b &#xe003; &#58884; c</p><p>d</p>".encode()))
    assert "".join(mail.text.split()) == "abcd"
    assert mail.quoted == ""


def test_our_domain_is_asked_for() -> None:
    raw = b"Message-ID: <1@here.example>\nAuto-Submitted: auto-generated\n" + plain(b"x")
    assert read(raw.replace(b"Message-ID: <big@studio.example>\n", b"")).kind == Kind.AUTOMATIC
    assert read(raw, our_domain="here.example").kind == Kind.OWN


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (b"<a href='https://a.example/'>https://a.example</a>", "https://a.example/"),
        (b"<a href='https://a.example/x'>here</a>", "[here](https://a.example/x)"),
        (b"<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example"),
        (b"<a href='javascript:alert(1)'>here</a>", "here"),
        (b"<a href='data:text/html,x'>here</a>", "here"),
        (b"<a href='//a.example'>here</a>", "here"),
        (b"<a href='https://a.example/(x)'>here</a>", "[here](https://a.example/%28x%29)"),
        (b"<a href='https://a.example'><img src='https://a.example/p.png'></a>", ""),
    ],
)
def test_links_of_html(link: bytes, text: str) -> None:
    assert read(html(link)).text == text


@pytest.mark.parametrize(
    "hidden",
    [
        b"<div style='display: none'>no</div>",
        b"<div style='font-size:1px;line-height:1px'>no</div>",
        b"<div style='max-height:0;overflow:hidden'>no</div>",
        b"<span style='mso-hide:all'>no</span>",
        b"<p hidden>no</p>",
        b"<img src='https://x.example/t.gif' width=1 height=1 alt='no'>",
        b"<style>p { color: red }</style>",
        b"<script>no()</script>",
        b"<title>no</title>",
        b"<!-- no -->",
    ],
)
def test_what_no_reader_sees_is_left_out(hidden: bytes) -> None:
    assert read(html(b"<p>a</p>" + hidden + b"<p>b</p>")).text == "a\n\nb"
