"""Meetings are found in the palette by those for whom the board exists, and what stands on one.

Costs 2 s.
"""

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


def test_the_list_shows_what_stands_on_a_meeting_for_all_acts(client: Client, table: Table) -> None:
    """Its page leads there; a meeting that is none, or none for the reader, is no filter."""
    item, aside = table.item("On the agenda"), table.change("Elsewhere")
    address = f"/changes/?meeting={item.meeting_id}"
    for person in (table.chair, table.cast.support, table.cast.auditor):
        client.force_login(person)
        page = client.get(f"/board/meetings/{item.meeting_id}/").content.decode()
        assert f'href="{address}"' in page
        answer = client.get(f"{address}&sort=-owner")
        assert [one.pk for one in answer.context["page"]] == [item.change_id]
        [chip] = answer.context["form"].chips
        assert (str(chip.value), chip.without) == (str(item.meeting), "?sort=-owner")
        body = answer.content.decode()
        assert f'name="meeting" value="{item.meeting_id}"' in body
        assert (f"name=change value={item.change_id}>" in body) == bool(answer.context["acts"])
    for wrong in ("0", "x", "9" * 19, "-1", f"{item.meeting_id}x"):
        assert client.get(f"/changes/?meeting={wrong}").status_code == 400, wrong
    client.force_login(table.cast.requester)
    found = {one.pk for one in client.get(address).context["page"]}
    assert found == {one.pk for one in client.get("/changes/").context["page"]}
    assert aside.pk in found
