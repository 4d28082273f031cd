"""Minutes as a PDF: read with another library, with all that people can type into them."""

import re
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from crb import lifecycle
from crb.minutes import compose, file_name, reading, typeset
from crb.models import AgendaItem, Meeting
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db

HOSTILE = (
    '#import "@preview/x:1.0.0": * #panic("no") $x^2$ *bold* _it_ `raw` <label> @ref \\ // {} []'
)


def written(table: Table, text: str, title: str = "Rooms at night") -> Meeting:
    """A closed meeting with this text wherever people write."""
    item = table.running_item(title)
    table.vote(item, "accepted", "accepted", "accepted", "rejected", "recuse")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted", reason=text)
    lifecycle.write_minutes(item.meeting, actor=table.chair, text=text)
    lifecycle.write_minutes(item.meeting, actor=table.chair, text=text, item=item)
    lifecycle.record_action(
        item.meeting,
        actor=table.chair,
        text=text[:500],
        owner=table.cast.developer,
        due_on=item.meeting.date,
        item=item,
    )
    lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    return Meeting.objects.get(pk=item.meeting_id)


def read(content: bytes) -> tuple[PdfReader, str]:
    reader = PdfReader(BytesIO(content))
    return reader, " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def file_of(meeting: Meeting, *, votes: bool = True) -> bytes:
    return typeset(reading(compose(meeting), votes=votes))


def test_title_language_tags_and_page_numbers(table: Table) -> None:
    meeting = written(table, "\n\n".join(["A long discussion about rooms. " * 12] * 14))
    reader, text = read(file_of(meeting))
    title = f"Minutes: Change Request Board, {meeting.date:%-d %B %Y}"
    assert reader.metadata is not None and reader.metadata.title == title
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    metadata = root["/Metadata"].get_data().decode()
    for claim in ("<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<"):
        assert claim in metadata
    assert len(reader.pages) >= 3
    for number, page in enumerate(reader.pages, 1):
        assert f"Page {number} of {len(reader.pages)}" in page.extract_text()
    fonts = {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert all(name.startswith(("LibertinusSerif", "DejaVuSansMono")) for name in fonts)


def test_the_file_says_what_the_page_says_and_single_votes_to_members_only(table: Table) -> None:
    meeting = written(table, "It is cheap.")
    _reader, inside = read(file_of(meeting, votes=True))
    _reader, outside = read(file_of(meeting, votes=False))
    for words in (
        "1. Rooms at night",
        "CR-",
        "Harbour Hospitals",
        "Accepted: 3, Rejected: 1",
        "Recused: Bob Board",
        "Reason, as told to the requester: It is cheap.",
        "Dan Developer",
        "Cora Chair",
        "Draft",
    ):
        assert words in inside
    assert "Bea Board Reject" in inside and "My own project." in inside
    assert "Bea Board Reject" not in outside and "My own project." not in outside
    assert "for the board, auditors and administrators only" in inside
    assert "Without the members' single votes." in outside


def test_what_people_type_is_never_markup(table: Table) -> None:
    meeting = written(table, HOSTILE, title='#include "/etc/passwd" $')
    _reader, text = read(file_of(meeting))
    assert text.count(HOSTILE) == 5
    assert '#include "/etc/passwd" $' in text


SET = ("Zażółć gęślą jaźń, Łódź", "Αθήνα Москва", "\u202eevil\u202c", "שלום לכולם", "Ж" * 200)
"""What the font has: letters of several scripts, a sign that turns text round, a long word."""


def test_every_sign_of_the_font_is_set_on_the_page(table: Table) -> None:
    reader, text = read(file_of(written(table, "\n\n".join(SET))))
    for words in ("Zażółć gęślą jaźń, Łódź", "Αθήνα Москва", "live"):
        assert words in text
    assert "שלום" in text or "םולש" in text
    assert is_archivable(reader) and "given by name or number" not in text
    pages = [page.extract_text() for page in reader.pages]
    runs = [len(run) for page in pages for run in re.findall("Ж+", page)]
    assert sum(runs) == 1000
    assert max(runs) < 60  # some fifty fill a line


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Great 😀!", "Great [grinning face]!"),
        ("東京 by train", "[U+6771][U+4EAC] by train"),
        ("bell \u0007 and private \ue000", "private [U+E000]"),
    ],
)
def test_every_other_sign_is_named(table: Table, typed: str, shown: str) -> None:
    reader, text = read(file_of(written(table, typed)))
    assert shown in text
    assert is_archivable(reader) and "given by name or number" in text


def is_archivable(reader: PdfReader) -> bool:
    return "<pdfaid:part>2<" in reader.trailer["/Root"]["/Metadata"].get_data().decode()


def test_forty_items_fit_into_one_file(table: Table) -> None:
    meeting = written(table, "It is cheap.")
    content = compose(meeting)
    first = content["items"][0]
    content["items"] = [{**first, "number": number} for number in range(1, 41)]
    reader, text = read(typeset(reading(content, votes=True)))
    assert "40. Rooms at night" in text
    assert len(reader.pages) > 10


def test_the_same_moment_gives_the_same_bytes(table: Table) -> None:
    meeting = written(table, "It is cheap.")
    lifecycle.publish_minutes(meeting, actor=table.chair)
    minutes = Meeting.objects.get(pk=meeting.pk).minutes
    view = reading(minutes.content, minutes, votes=True)
    files = [typeset(view, at=minutes.published_at) for _time in range(2)]
    assert files[0] == files[1]
    assert file_name(view) == f"minutes-change-request-board-{meeting.date:%-d-%B-%Y}.pdf".lower()
    assert AgendaItem.objects.count() == 1
