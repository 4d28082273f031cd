"""No customer is without a board unseen: not by two acts at once, and not by being new."""

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organisation
from crb import queries, without_board
from crb.models import Board
from tests import stories
from tests.concurrently import at_once, signed_in
from tests.crb.conftest import Table
from tests.crb.test_admin import settings_of

pytestmark = pytest.mark.django_db


def second(table: Table) -> Board:
    other = Board.objects.get(pk=table.board.pk)
    other.pk, other.name = None, "Second board"
    other._state.adding = True
    other.save()
    return other


@pytest.mark.django_db(transaction=True)
def test_two_who_each_give_up_one_of_the_last_boards(table: Table, monkeypatch: Any) -> None:
    """Both have asked before either saves, if the one does not wait for the other."""
    boards, asked = (table.board, second(table)), threading.Barrier(2)
    ask = queries.stranded_by

    def asking(*args: Any, **kwargs: Any) -> Any:
        answer = ask(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            asked.wait(timeout=0.5)
        return answer

    monkeypatch.setattr(queries, "stranded_by", asking)

    def give_up(board: Board) -> int:
        client = signed_in(table.cast.administrator)
        given = settings_of(board, is_active=None)
        return client.post(f"/admin/crb/board/{board.pk}/change/", given).status_code

    answers = at_once(*(lambda board=board: give_up(board) for board in boards))
    assert sorted(answers) == [200, 302]
    assert Board.objects.filter(is_active=True).count() == 1


def test_a_new_customer_for_whom_no_board_decides_is_named_on_home(
    client: Client, table: Table
) -> None:
    cast = table.cast
    table.board.organisations.add(cast.harbour, cast.meridian)
    assert not without_board.without_board().exists()
    Organisation.objects.create(name="Quayside Ferries", success_team=cast.care_team)
    Organisation.objects.create(name="Gone", success_team=cast.care_team, is_active=False)
    client.force_login(cast.administrator)
    home = client.get("/").content.decode()
    assert "No board decides for: Quayside Ferries." in home and "/admin/crb/board/" in home
    client.force_login(cast.support)
    assert "No board decides for" not in client.get("/").content.decode()
    table.board.organisations.clear()
    assert not without_board.without_board().exists()


def test_where_there_never_was_a_board_setting_up_says_it(cast: Any) -> None:
    assert not Board.objects.exists()
    assert not without_board.without_board().exists()


def test_where_there_never_was_a_board_but_a_change_waits_for_one(cast: Any) -> None:
    """The list for new installations has gone with the first change."""
    stories.on_board(cast)
    assert [*without_board.without_board()] == [cast.harbour]
    assert without_board.notices(cast.administrator)
