"""How content requesters are: the trend, the list and the file."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from changes import lifecycle
from changes.export import BYTE_ORDER_MARK
from changes.models import Change, Confirmation
from changes.views import answers
from tests import stories
from tests.people import Cast

RATINGS = "/answers/ratings/"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today() -> Any:
    """A day on which the months are known."""
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def team(client: Client, cast: Cast) -> Client:
    """The browser of somebody of the care team."""
    client.force_login(cast.success)
    return client


def rated(cast: Cast, rating: int, at: datetime = NOW, comment: str = "") -> Change:
    """A closed change that its requester rated at some time."""
    change = stories.closed(cast)
    lifecycle.rate(change, actor=cast.requester, rating=rating, rating_comment=comment)
    Confirmation.objects.filter(change=change).update(rated_at=at)
    return change


def meridians(change: Change, cast: Cast) -> Change:
    """Give a change to the customer of the other team."""
    Change.objects.filter(pk=change.pk).update(organisation=cast.meridian)
    return change


def shown(client: Client, query: str = "") -> list[Change]:
    response = client.get(RATINGS + query)
    assert response.status_code == 200, response.content.decode()
    return [one.change for one in response.context["rows"]]


@pytest.mark.parametrize("rows", [1, 3])
def test_cost_does_not_grow_with_rows(
    cast: Cast, team: Client, rows: int, django_assert_num_queries: Any
) -> None:
    for number in range(rows):
        rated(cast, 5 - number)
    team.get(RATINGS)
    with django_assert_num_queries(8):
        assert len(shown(team)) == rows


def test_the_trend_is_by_month(cast: Cast, team: Client) -> None:
    for rating, month in ((5, 11), (2, 11), (4, 9)):
        rated(cast, rating, datetime(2026, month, 3, tzinfo=UTC))
    rated(cast, 1, datetime(2025, 11, 30, tzinfo=UTC))
    meridians(rated(cast, 1), cast)
    context = team.get(RATINGS).context
    average, number = context["series"]
    assert context["labels"][0] == "Dec 2025"
    assert context["labels"][-3:] == ["Sep 2026", "Oct 2026", "Nov 2026"]
    assert average.values[-3:] == [4.0, None, 3.5]
    assert number.values == [0] * 9 + [1, 0, 2]
    assert context["figures"]["number"] == 3
    assert [(stars, count) for stars, count, _url in context["stars"]] == [
        (5, 1),
        (4, 1),
        (3, 0),
        (2, 1),
        (1, 0),
    ]


def test_a_month_begins_in_the_readers_zone(cast: Cast, team: Client) -> None:
    rated(cast, 5, datetime(2026, 9, 30, 23, 30, tzinfo=UTC))
    cast.success.time_zone = "Europe/Rome"
    cast.success.save()
    assert team.get(RATINGS).context["series"][1].values[-2:] == [1, 0]


def test_the_list_is_filtered_and_the_newest_first(cast: Cast, team: Client) -> None:
    poor = rated(cast, 1, datetime(2026, 10, 1, tzinfo=UTC), "Took <b>ages</b>.")
    good = rated(cast, 5)
    old = rated(cast, 3, datetime(2024, 5, 1, tzinfo=UTC))
    other = meridians(rated(cast, 4, datetime(2026, 11, 1, tzinfo=UTC)), cast)
    assert shown(team) == [good, poor]
    assert shown(team, "?rating=1") == [poor]
    assert shown(team, "?months=36") == [good, poor, old]
    assert shown(team, "?months=3&team=all") == [good, other, poor]
    assert shown(team, f"?team={cast.retail_team.pk}") == [other]
    assert "Took &lt;b&gt;ages&lt;/b&gt;." in team.get(RATINGS).content.decode()
    for wrong in ("?rating=6", "?months=7", "?page=x", "?team=0"):
        assert team.get(RATINGS + wrong).status_code == 400


def test_pages_follow_one_another(
    cast: Cast, team: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE_SIZE", 2)
    changes = [rated(cast, 5, datetime(2026, 11, day, tzinfo=UTC)) for day in (1, 2, 3)]
    first = team.get(RATINGS)
    second = team.get(RATINGS + first.context["next_url"])
    seen = [one.change for page in (first, second) for one in page.context["rows"]]
    assert seen == changes[::-1]


def test_nothing_to_show(team: Client) -> None:
    assert "No ratings in the last twelve months" in team.get(RATINGS).content.decode()
    assert "Nothing fits these filters" in team.get(RATINGS + "?rating=1").content.decode()


def test_the_file_holds_what_the_page_asks_for(cast: Cast, team: Client) -> None:
    change = rated(cast, 2, comment="=1+1 is what it felt like")
    rated(cast, 5)
    response = team.get(RATINGS + "export/?rating=2")
    text = b"".join(response.streaming_content).decode().removeprefix(BYTE_ORDER_MARK)
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["Reference"] == change.reference
    assert row["Organisation"] == "Harbour Hospitals"
    assert row["Success team"] == "Care team"
    assert row["Requester"] == "Grace Requester"
    assert row["Rating"] == "2"
    assert (row["Meets the need"], row["As expected"]) == ("yes", "yes")
    assert row["Rated"].startswith("2026-11-20")
    assert row["Comment"] == "'=1+1 is what it felt like"


def test_the_export_of_changes_has_the_answers(cast: Cast, team: Client) -> None:
    rated(cast, 4, comment="Quick.")
    stories.further_wished(cast)
    stories.submitted(cast)
    text = b"".join(team.get("/changes/export/?sort=reference").streaming_content).decode()
    answered, further, new = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK)))
    names = ("Confirmation", "Meets the need", "As expected", "Wish", "Rating")
    assert [answered[name] for name in names] == ["Confirmed", "yes", "yes", "", "4"]
    assert answered["Comment on the rating"] == "Quick."
    wish = "I would like something further"
    assert [further[name] for name in names] == ["Not as expected", "yes", "no", wish, ""]
    assert [new[name] for name in names] == [""] * 5
    team.force_login(cast.requester)
    text = b"".join(team.get("/changes/export/").streaming_content).decode()
    assert "Quick." not in text
