"""What a release brings, in customer words: who reads what, and nothing that is internal."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from accounts.models import User
from changes import lifecycle
from changes.models import Change, Release
from changes.release_notes import as_markdown, escaped, notes_of
from tests import stories
from tests.people import Cast


def at(release: Release, name: str = "release_notes") -> str:
    return reverse(f"changes:{name}", args=[release.pk])


def read(client: Client, person: User, address: str, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


@pytest.fixture
def change(cast: Cast) -> Change:
    """Deployed, and out; another one waits in the same release, with a note and a reason."""
    change = stories.deployed(cast)
    release = stories.release()
    Release.objects.update(notes="canary of the release")
    lifecycle.comment(change, actor=cast.support, body="canary of support", internal=True)
    waiting = stories.in_testing(cast)
    manager = cast.release_manager
    lifecycle.assign_release(waiting, actor=manager, release=release, reason="canary of a reason")
    lifecycle.finish_release(release, actor=manager, reason="canary of the end")
    return change


def test_who_reads_the_notes_and_nothing_internal(
    client: Client, cast: Cast, change: Change
) -> None:
    release = stories.release()
    strangers = {"stranger_customer", "stranger_approver", "nobody"}
    for name, somebody in cast.people.items():
        for address in (at(release), at(release, "release_notes_file")):
            text = read(client, somebody, address, status=404 if name in strangers else 200)
            assert ("Deployed with 4.12." in text) == (name not in strangers), name
            assert "canary" not in text
            for internal in ("Redeploy 4.11.", "Clean.", "git.expansive.example", "All green."):
                assert internal not in text
    file = client.get(at(release, "release_notes_file"))
    client.force_login(cast.requester)
    file = client.get(at(release, "release_notes_file"))
    assert file["Content-Type"] == "text/markdown; charset=utf-8"
    assert file["Content-Disposition"] == 'attachment; filename="release-4-12.md"'
    assert file.content.decode().count(change.reference) == 1
    assert at(release) in read(client, cast.requester, change.get_absolute_url())
    home = read(client, cast.requester, reverse("changes:home"))
    assert reverse("changes:releases") not in home


def test_a_customer_reads_of_what_is_out_and_theirs(
    client: Client, cast: Cast, change: Change
) -> None:
    release = stories.release()
    Release.objects.update(released_at=None)
    other = stories.deployed(cast)
    Change.objects.filter(pk=other.pk).update(
        organisation=cast.meridian, requester=cast.stranger_customer, title="Of Meridian"
    )
    read(client, cast.requester, at(release), 404)
    assert "so far" in read(client, cast.tester, at(release))
    whole = read(client, cast.tester, at(release, "release_notes_file"))
    assert "## Harbour Hospitals" in whole
    assert "Of Meridian" in whole
    chosen = f"?customer={cast.harbour.pk}"
    for name in ("release_notes", "release_notes_file"):
        one = read(client, cast.tester, at(release, name) + chosen)
        assert "Of Meridian" not in one
    read(client, cast.tester, f"{at(release)}?customer=9{'9' * 5000}", 404)
    Release.objects.update(released_at=change.created_at)
    mine = read(client, cast.requester, at(release))
    assert "Of Meridian" not in mine
    assert "Meridian" not in mine
    read(client, cast.requester, f"{at(release)}?customer={cast.meridian.pk}", 404)


def test_what_was_undone_is_not_told(cast: Cast) -> None:
    stories.deployed(cast, "rolled_back")
    notes = notes_of(stories.release(), cast.auditor)
    assert notes is not None
    assert notes.parts == []
    assert "Nothing was put in place" in as_markdown(notes)


def test_many_changes_cost_no_more_queries(
    client: Client, cast: Cast, change: Change, django_assert_num_queries: Any
) -> None:
    client.force_login(cast.auditor)
    Release.objects.update(released_at=None)
    for _again in range(2):
        with django_assert_num_queries(6):
            client.get(at(stories.release()))
        for _one in range(2):
            stories.deployed(cast)


SIGNS = st.text("ab 1.)#+=-*_`[]<>~|&\\!({}", min_size=1, max_size=20).map(str.strip)


@given(SIGNS.filter(bool))
def test_no_sign_of_a_text_marks_anything_up(text: str) -> None:
    html = MarkdownIt().enable(["table", "strikethrough"]).render(escaped(text))
    assert html.startswith("<p>")
    assert "<" not in html.removeprefix("<p>").removesuffix("</p>\n")
    assert unescape(strip_tags(html)).strip() == text
