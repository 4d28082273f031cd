"""Duplicate suggestions while the title is typed."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from changes import finding
from changes.models import Change
from tests.people import Cast
from tests.stories import draft, submitted

SIMILAR = "/changes/similar/"


def offered(client: Client, title: str, cast: Cast, **more: Any) -> str:
    """What is offered for a title."""
    response = client.get(SIMILAR, {"title": title, "organisation": cast.harbour.pk, **more})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    "title",
    [
        "Let night staff book meeting rooms",
        "let night staff book rooms",
        "Book meeting rooms for night staff",
        "night staff",
        "MEETING ROMS",
        "Please let the night staff book meeting rooms at Harbour",
    ],
)
def test_a_similar_title_is_offered(client: Client, cast: Cast, title: str) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    page = offered(client, title, cast)

    assert f'href="{change.get_absolute_url()}" target="_blank"' in page
    assert "Submitted" in page


@pytest.mark.parametrize(
    "title", ["", "Let", "meeting", "Replace the lift in ward 7", "%%%%%%", "a\tb c d e"]
)
def test_another_title_is_not(client: Client, cast: Cast, title: str) -> None:
    submitted(cast)
    client.force_login(cast.support)

    assert offered(client, title, cast).strip() == ""


def test_the_closest_comes_first_and_five_are_enough(client: Client, cast: Cast) -> None:
    for number in range(7):
        submitted(cast, title=f"Let night staff book meeting rooms in house {number}")
    best = submitted(cast, title="Let day staff book meeting rooms")
    client.force_login(cast.support)

    titles = [
        change.title
        for change in finding.similar_to(
            cast.support, "Let day staff book meeting rooms", cast.harbour.pk
        )
    ]

    assert len(titles) == finding.LOOKALIKES
    assert titles[0] == best.title


def test_only_what_one_sees_of_that_customer(client: Client, cast: Cast) -> None:
    foreign = submitted(cast, organisation=cast.meridian, requester=cast.stranger_customer)
    hidden = draft(cast)
    title = "Let night staff book meeting rooms"

    client.force_login(cast.success)
    assert offered(client, title, cast).strip() == ""
    client.force_login(cast.requester)
    assert offered(client, title, cast, organisation=cast.meridian.pk).strip() == ""
    client.force_login(cast.support)
    page = offered(client, title, cast)
    assert hidden.reference in page
    assert foreign.reference not in page
    assert offered(client, title, cast, draft=hidden.reference).strip() == ""


@pytest.mark.parametrize("organisation", ["", "abc", "999999999999999999999", "-1"])
def test_without_a_customer_nothing_is_offered(
    client: Client, cast: Cast, organisation: str
) -> None:
    submitted(cast)
    client.force_login(cast.support)

    page = offered(client, "Let night staff book meeting rooms", cast, organisation=organisation)

    assert page.strip() == ""


def test_the_index_on_titles_answers(cast: Cast) -> None:
    """With a few thousand rows the planner takes the trigram index rather than read them all."""
    base = submitted(cast)
    Change.objects.bulk_create(
        Change(
            title=f"Replace door reader {number} on floor {number % 7}",
            organisation=cast.harbour,
            requester=cast.requester,
            raised_by=cast.support,
            state="submitted",
        )
        for number in range(4000)
    )
    with CaptureQueriesContext(connection) as asked:
        found = finding.similar_to(cast.developer, "Let night staff book", cast.harbour.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('changes_change_title_trgm')")
        cursor.execute("ANALYZE changes_change")
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert found == [base]
    assert "Bitmap Index Scan on changes_change_title_trgm" in plan


def test_looking_needs_a_person_and_changes_nothing(client: Client, cast: Cast) -> None:
    assert client.get(SIMILAR, {"title": "x"}).status_code == 302
    client.force_login(cast.support)
    assert client.post(SIMILAR).status_code == 405
    assert not Change.objects.exists()


def test_a_form_asks_as_it_comes_only_where_it_has_a_title(client: Client, cast: Cast) -> None:
    client.force_login(cast.support)
    begun = draft(cast, title="Night staff").get_absolute_url()
    for address, asks in (("/changes/new/", False), (f"{begun}edit/", True)):
        page = client.get(address).content.decode()
        place = page.split('id="similar"')[1].split(">")[0]
        assert "delay:400ms" in place, address
        assert (", load" in place) is asks, address
