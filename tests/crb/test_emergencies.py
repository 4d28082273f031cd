"""An emergency goes ahead on the word of who leads the board, where its settings let it.

Costs 2 s.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes import lifecycle as change_lifecycle
from changes import permissions as change_permissions
from changes.models import Change
from changes.states import State
from crb import lifecycle, promised
from crb.models import AgendaItem, Board
from crb.states import ItemState
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.crb.matrix import answers_to

pytestmark = pytest.mark.django_db

WHY = "Nobody can sign in."


def an_emergency(table: Table) -> AgendaItem:
    """On the agenda of a meeting to come, of a board whose chair may let it go ahead."""
    item = table.item()
    table.board.emergencies = "review"
    table.board.save()
    actor = table.cast.success
    change_lifecycle.declare_emergency(item.change, actor=actor, reason=WHY)
    return AgendaItem.objects.get(pk=item.pk)


def test_only_who_leads_the_board_lets_it_go_ahead(table: Table) -> None:
    item = an_emergency(table)

    def step(one: AgendaItem, _meeting: Any, who: Any) -> object:
        return lifecycle.go_ahead(one.change, actor=who, reason=WHY)

    assert list(answers_to(step, table, item).values()) == "+ + - - - - - - - - -".split()


def test_it_leaves_the_agenda_accepted_and_the_board_answers_for_it(
    table: Table, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    item = an_emergency(table)
    client.force_login(table.chair)
    address = reverse("crb:go_ahead", args=[item.change_id])
    assert address in client.get(reverse("crb:board")).content.decode()
    assert client.get(address).status_code == 200
    stale = {"reason": WHY, "seen": item.change.version - 1}
    assert client.post(address, {**stale, "reason": ""}).status_code == 400
    late = client.post(address, stale)
    assert late.status_code == 409 and WHY in late.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        told = {"reason": WHY, "seen": item.change.version}
        assert client.post(address, told).status_code == 302
    change = Change.objects.get(pk=item.change_id)
    assert (change.state, change.promise) == (State.REQUIREMENTS, "three_releases")
    assert AgendaItem.objects.get(pk=item.pk).state != ItemState.OPEN
    assert promised.board_of(change) == table.board
    assert client.post(address, told).status_code == 409
    assert not change_permissions.can_withdraw_emergency(table.chair, change)


def test_a_ballot_at_once_is_filled_in(table: Table, client: Client) -> None:
    item = an_emergency(table)
    Board.objects.update(emergencies="ballot")
    client.force_login(table.chair)
    address = f"{reverse('crb:open_ballot', args=[table.board.pk])}?change={item.change_id}"
    assert address in client.get(reverse("crb:board")).content.decode()
    form = client.get(address).context["form"]
    assert form["changes"].value() == [item.change_id]
    assert form.fields["deadline"].initial < timezone.now() + timedelta(hours=6)


def test_a_board_that_votes_first_or_a_running_meeting_is_not_passed(table: Table) -> None:
    item = an_emergency(table)
    change, chair = item.change, table.chair
    with pytest.raises(StepIncomplete):
        lifecycle.go_ahead(change, actor=chair, reason=" ")
    with pytest.raises(ChangeStale):
        lifecycle.go_ahead(change, actor=chair, reason=WHY, seen=0)
    table.board.emergencies = "ballot"
    table.board.save()
    with pytest.raises(StepIllegal, match="open a ballot"):
        lifecycle.go_ahead(change, actor=chair, reason=WHY)
    with pytest.raises(StepForbidden):
        lifecycle.go_ahead(change, actor=table.cast.success, reason=WHY)
    table.board.emergencies = "review"
    table.board.save()
    lifecycle.start_meeting(item.meeting, actor=chair)
    with pytest.raises(StepIllegal, match="voting on it"):
        lifecycle.go_ahead(change, actor=chair, reason=WHY)
