"""Meetings are found in the palette by those for whom the board exists. Costs 1 s."""

from django.test import Client

from accounts.models import User
from tests.crb.conftest import Table


def found(client: Client, person: User, text: str) -> list[str]:
    client.force_login(person)
    answer = client.get("/changes/palette/", {"q": text}, headers={"HX-Request": "true"})
    kinds = {str(one.name): one.leads for one in answer.context["kinds"]}
    return [str(lead.text) for lead in kinds.get("Meetings", [])]


def test_meetings_are_found_by_board_and_day(client: Client, table: Table) -> None:
    meeting = table.meeting(days=7)
    words = f"{table.board.name.split()[0]} {meeting.date.year}"
    for person in (table.chair, table.cast.support, table.cast.auditor):
        assert found(client, person, words) == [str(meeting)]
        assert found(client, person, f"{words} nowhere") == []
    for person in (table.cast.requester, table.cast.approver, table.cast.nobody):
        assert found(client, person, words) == []
