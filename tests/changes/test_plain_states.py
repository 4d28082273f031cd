"""Where a change is: customers read plain words, colleagues the states of the process."""

import pytest
from django.test import Client

from tests import stories
from tests.people import Cast

pytestmark = pytest.mark.django_db


def timeline_of(page: str) -> str:
    return page.partition('id="timeline"')[2].partition("</section>")[0]


def test_a_customer_reads_no_names_of_inner_states(client: Client, cast: Cast) -> None:
    change = stories.in_requirements(cast)

    def page_of(user: object) -> str:
        client.force_login(user)
        content = client.get(change.get_absolute_url()).content.decode()
        return " ".join(content.partition("<main")[2].replace("&nbsp;", " ").split())

    theirs, ours = page_of(cast.requester), page_of(cast.success)
    assert "Being worked on" in theirs
    assert "Waiting for a decision → Being worked on" in theirs
    assert "Requirement definition" not in timeline_of(theirs)
    assert "Being worked on" not in ours
    assert "Change Request Board → Requirement definition" in timeline_of(ours)


def test_a_step_within_one_of_the_customers_words_moves_nothing_for_them(
    client: Client, cast: Cast
) -> None:
    change = stories.in_testing(cast)
    client.force_login(cast.requester)
    page = client.get(change.get_absolute_url()).content.decode()
    assert "Being worked on →" not in page
    assert "→ Being worked on" in page
