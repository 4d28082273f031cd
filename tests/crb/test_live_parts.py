"""What streams send is what each person's own page shows, however many share a drawing."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.middleware import zone_of
from accounts.models import User
from accounts.roles import Role
from changes import lifecycle as change_lifecycle
from crb import lifecycle, queries
from crb.live.parts import AROUND, BESIDE, Picture, Viewer
from crb.live.present import stage
from crb.live.rooms import Snapshot, read
from crb.models import AgendaItem, Board, Meeting
from tests.crb.conftest import Table
from tests.crb.test_consent import agreed
from tests.people import person

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r'(csrfmiddlewaretoken" value=")\w+')


def plain(html: str) -> str:
    """Leave out what differs between two drawings of the same."""
    squeezed = re.sub(r"\s+", " ", TOKEN.sub(r"\1", html))
    return squeezed.replace("> <", "><").strip()


def reading(item: AgendaItem) -> Snapshot:
    return read(queries.meetings().get(pk=item.meeting_id))


def everybody(table: Table) -> list[User]:
    cast = table.cast
    others = [cast.support, cast.success, cast.developer, cast.auditor, cast.administrator]
    people = [*table.members, *others]
    people[2].time_zone = "Asia/Tokyo"
    people[2].save()
    return [User.objects.get(pk=user.pk) for user in people]


def busy_meeting(table: Table) -> list[AgendaItem]:
    """One item decided, one half voted on with a recusal and a stale vote, one untouched."""
    decided, half, untouched = [table.running_item(f"Change {number}") for number in range(3)]
    table.vote(half, "accepted", "rejected")
    change_lifecycle.edit(half.change, actor=table.cast.support, description="Only on weekdays.")
    table.vote(half, "", "", "information_required", "abstain", "recuse", "accepted")
    lifecycle.cast_vote(half, actor=table.chair, choice="accepted", reason="Long overdue.")
    table.decide(decided, "rejected", reason="No.", category="not_strategic")
    AgendaItem.objects.filter(pk=half.pk).update(notes="Ask the porters.", time_box=10)
    for user, mark in ((table.members[1], "left"), (table.deputy, "excused")):
        lifecycle.mark_attendance(half.meeting, actor=table.chair, user=user, mark=mark)
    lifecycle.mark_attendance(half.meeting, actor=table.chair, guest="Gail Guest", mark="late")
    lifecycle.go_to_item(half.meeting, actor=table.chair, item=half)
    return [decided, half, untouched]


def test_each_part_is_what_the_page_shows(client: Client, table: Table) -> None:
    items = busy_meeting(table)
    for item in items:
        snapshot = reading(item)  # one for all, as in a web process
        for user in everybody(table):
            client.force_login(user)
            page = plain(
                client.get(f"/board/meetings/{item.meeting_id}/?item={item.pk}").content.decode()
            )
            picture = Picture(Viewer(user, zone_of(user), ""), snapshot, item.pk)
            for name in (*AROUND, *BESIDE):
                html = picture.html(name)
                assert plain(html) in page, (user, item, name)
                assert bool(html) == (f'id="{name}"' in page), (user, item, name)
            assert plain(picture.article()) in page, (user, item)


def test_beside_the_consent_items_each_part_is_what_the_page_shows(
    client: Client, table: Table
) -> None:
    item = agreed(table, "Agreed")
    table.running_item("To discuss")
    snapshot = reading(item)
    for user in everybody(table):
        client.force_login(user)
        page = client.get(f"/board/meetings/{item.meeting_id}/?show=consent").content.decode()
        viewer = Viewer(user, zone_of(user), "")
        Picture(viewer, snapshot, None).html("agenda-list")  # somebody else looks at an item
        picture = Picture(viewer, snapshot, None, batch=True)
        assert picture.keys.keys() == set(AROUND)
        for name in AROUND:
            assert plain(picture.html(name)) in plain(page), (user, name)


def test_drawings_are_shared_and_cost_no_queries_of_their_own(
    table: Table, django_assert_max_num_queries: Any
) -> None:
    _decided, item, _untouched = busy_meeting(table)
    snapshot = reading(item)
    viewers = [Viewer(user, timezone.get_current_timezone(), "x") for user in everybody(table)]
    for viewer in viewers:
        viewer.user.roles  # noqa: B018
    with django_assert_max_num_queries(8):
        for viewer in viewers:
            picture = Picture(viewer, snapshot, item.pk)
            for name in picture.keys:
                picture.html(name)
    drawn = len(snapshot.made)
    assert drawn < len(viewers) * (len(AROUND) + len(BESIDE))
    colleague = person("Sue Support", Role.SUPPORT)
    picture = Picture(Viewer(colleague, timezone.get_current_timezone(), "y"), snapshot, item.pk)
    shown = [picture.html(name) for name in picture.keys]
    assert any(shown) and len(snapshot.made) == drawn, "who sees the same gets the same drawing"


# The screen of the room


def shown(item: AgendaItem, user: User) -> dict[str, Any]:
    return stage(read(Meeting.objects.get(pk=item.meeting_id)), user)


def test_the_screen_tells_nobody_present_how_others_voted_before_they_have(table: Table) -> None:
    item = table.running_item()
    lifecycle.join_meeting(item.meeting, actor=table.members[6])
    table.vote(item, *["accepted"] * 4)
    assert shown(item, table.chair)["sides"] == []
    table.vote(item, *[""] * 6, "rejected")
    assert [side.votes for side in shown(item, table.chair)["sides"]] == [4, 0, 0, 1]


def test_where_votes_are_open_the_screen_shows_them(table: Table) -> None:
    item = table.running_item()
    Board.objects.update(hides_votes=False)
    assert shown(item, table.chair)["sides"] == []
    table.vote(item, "", "accepted")
    assert [side.votes for side in shown(item, table.chair)["sides"]] == [1, 0, 0, 0]


def test_the_screen_names_nobody_who_voted(client: Client, table: Table) -> None:
    item = table.running_item("Rooms at night")
    client.force_login(table.chair)
    address = f"/board/meetings/{item.meeting_id}/present/"
    assert "(0 of 7)" in client.get(address).content.decode()
    lifecycle.cast_vote(item, actor=table.members[2], choice="accepted", reason="Long overdue.")
    table.decide(item, "accepted")
    page = client.get(address).content.decode()
    assert "Accepted" in page
    for user in table.members[1:]:
        assert str(user) not in page
    assert "Long overdue." not in page
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    assert "The meeting is closed." in client.get(address).content.decode()
