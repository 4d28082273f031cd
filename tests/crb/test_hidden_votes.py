"""Whether votes are hidden until one has voted oneself: a choice of the board."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from crb import lifecycle
from crb.models import AgendaItem, Board
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db
REASON, LEADS = "Long overdue.", "Leads: accepted, 1 of 1."


@pytest.fixture
def item(table: Table) -> AgendaItem:
    """An item on which one member has voted."""
    item = table.running_item()
    lifecycle.cast_vote(item, actor=table.members[3], choice="accepted", reason=REASON)
    return item


def page(client: Client, user: User, item: AgendaItem) -> str:
    client.force_login(user)
    answer: Any = client.get(f"/board/meetings/{item.meeting_id}/?item={item.pk}")
    return " ".join(answer.content.decode().split())


def person(table: Table, part: str) -> User:
    return table.chair if part == "chair" else getattr(table.cast, part)


SEES = {"crb_member": False, "chair": False, "auditor": True, "administrator": True}
"""Who sees votes and tally where they are hidden; where not, all of these do, and support never."""


def test_who_sees_votes_and_tally(client: Client, table: Table, item: AgendaItem) -> None:
    for hides in (False, True):
        Board.objects.update(hides_votes=hides)
        for part, sees in {**SEES, "support": False}.items():
            sees = sees if hides else part in SEES
            words = page(client, person(table, part), item)
            assert (REASON in words, LEADS in words) == (sees, sees), (part, hides)
    lifecycle.cast_vote(item, actor=table.cast.crb_member, choice="abstain")
    words = page(client, table.cast.crb_member, item)
    assert REASON in words and LEADS in words


def test_whoever_changes_a_vote_after_seeing_the_others_is_seen_to(
    client: Client, table: Table, item: AgendaItem
) -> None:
    """An abstention opens what was hidden, and may be changed: everybody who sees it reads so."""
    table.board.refresh_from_db()
    lifecycle.cast_vote(item, actor=table.cast.crb_member, choice="abstain")
    assert "Before:" not in page(client, table.members[3], item)
    lifecycle.cast_vote(item, actor=table.cast.crb_member, choice="accepted")
    lifecycle.cast_vote(item, actor=table.cast.crb_member, choice="accepted", reason="As said.")
    for reader in (table.members[3], table.cast.crb_member, table.cast.auditor):
        assert "Before: Abstain" in page(client, reader, item)
    for reader in (table.members[2], table.cast.support):
        assert "Before:" not in page(client, reader, item)
    assert item.votes.filter(member=table.cast.crb_member).count() == 3, "all of them are kept"


def test_the_texts_say_which_it_is(client: Client, table: Table, item: AgendaItem) -> None:
    words = page(client, table.cast.crb_member, item)
    assert "How others voted is shown once you have voted yourself." in words
    assert "Other members see it once they have voted." in words
    Board.objects.update(hides_votes=False)
    words = page(client, table.cast.crb_member, item)
    assert "How others voted is shown once" not in words
    assert "Other members see it at once." in words


def test_the_administration_shows_votes_of_settled_items_only(
    client: Client, table: Table, item: AgendaItem
) -> None:
    """Whoever is recused must not read there what the meeting's page keeps from them."""
    vote = item.votes.get()
    client.force_login(table.cast.administrator)
    one, all_of_them = f"/admin/crb/vote/{vote.pk}/change/", "/admin/crb/vote/"
    assert str(item.change) not in client.get(all_of_them).content.decode()
    assert client.get(one).status_code == 302
    lifecycle.defer_item(item, actor=table.chair, reason="No time left.")
    assert str(item.change) in client.get(all_of_them).content.decode()
    assert client.get(one).status_code == 200
