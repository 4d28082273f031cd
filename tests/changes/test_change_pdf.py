"""A change as a file: all that its page unfolds, and nothing that its reader may not read."""

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from changes import lifecycle, story
from changes.models import Change, Comment
from changes.views import as_file
from expansive_cm.ui import typesetting
from tests import standards
from tests.changes.test_story import configuration_with_everything
from tests.people import Cast
from tests.stories import developed, in_development, submitted

pytestmark = pytest.mark.django_db

HOSTILE = '#import "@preview/x:1.0.0": * #panic("no") $x^2$ <b>bold</b> 漢字\n'


def read(answer: Any) -> str:
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Cache-Control"] == "private, no-store"
    pages = PdfReader(BytesIO(answer.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_each_reads_in_the_file_what_their_page_unfolds(client: Client, cast: Cast) -> None:
    change = configuration_with_everything(cast)
    lifecycle.comment(change, actor=cast.success, body="Only we know.", internal=True)
    lifecycle.comment(change, actor=cast.requester, body="Everybody knows.")
    address = reverse("changes:change_pdf", args=[change.pk])
    told = {}
    for who in ("success", "auditor", "requester"):
        client.force_login(getattr(cast, who))
        assert address in client.get(change.get_absolute_url()).content.decode()
        told[who] = read(client.get(address))
        for words in (
            change.reference,
            "extend the booking hours",
            "Night staff cannot book rooms.",
            "Harmless.",
            "rolled back",
            "Not on Sundays.",
            "Everybody knows.",
            f"For {getattr(cast, who)}, ",
        ):
            assert words.lower() in told[who].lower(), (who, words)
    inside = ("Only we know.", "With internal notes.", change.executions.first().rollback_plan)
    for words in inside:
        words = " ".join(words.split())
        assert words in told["success"] and words in told["auditor"], words
        assert words not in told["requester"], words
    for person, status in ((cast.stranger_customer, 404), (cast.nobody, 404)):
        client.force_login(person)
        assert client.get(address).status_code == status, person
    client.logout()
    assert client.get(address)["Location"].startswith(reverse("account_login"))


def test_of_a_change_without_end_the_file_has_the_beginning(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_file, "ROOM", 12_000)
    change = configuration_with_everything(cast)
    Change.objects.filter(pk=change.pk).update(description=HOSTILE + "Beds " * 1500)
    Comment.objects.bulk_create(
        Comment(change=change, author=cast.success, body=HOSTILE * 30) for _each in range(9)
    )
    client.force_login(cast.success)
    told = read(client.get(reverse("changes:change_pdf", args=[change.pk])))
    assert "This change is too long for a file" in told
    assert "#panic" in told
    assert len(told) < 20_000


def test_signs_on_which_typst_breaks_are_told_by_their_numbers(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetting, "_lacking", set())
    change = submitted(cast)
    signs = "".join(map(chr, range(0x3E9, 0x5DD)))
    Change.objects.filter(pk=change.pk).update(description=f"Before {signs} after")
    client.force_login(cast.success)
    told = read(client.get(reverse("changes:change_pdf", args=[change.pk])))
    assert "[U+05D0]" in "".join(told.split()) and "after" in told
    assert "are given by name or number" in told


def test_an_address_stands_there_in_full_and_once(cast: Cast) -> None:
    standard, code = standards.used(cast), developed(in_development(cast), cast)
    for change, label, start in (
        (standard, "Standard change", "Open it http"),
        (code, "Pull request or branch", "http"),
    ):
        whole = story.load(cast.success, change.pk, with_talk=True)
        told = as_file.in_words(whole, cast.success, timezone.now())
        records = [one for stage in told["stages"] for one in stage["records"]]
        [text] = [text for one in records for name, text in one["details"] if name == label]
        assert text.startswith(start) and text.count("http") == 1, text
