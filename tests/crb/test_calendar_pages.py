"""The calendar's pages: moving, calling, absences and the list, as people use them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from accounts.roles import Role
from crb import calendar_pages, lifecycle
from crb.models import Absence, AgendaItem, Board, Meeting
from crb.tasks import publish_agendas
from tests.crb.conftest import Table, new_board
from tests.crb.test_agenda import assessed_with
from tests.crb.test_pages import get, post, text
from tests.people import person

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 28, 10, tzinfo=UTC)
NEW_TIME = {"date": "2026-10-15", "start": "10:00", "length_minutes": "60"}


@pytest.fixture(autouse=True)
def a_monday_in_september() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def move(client: Client, user: User, meeting: Meeting, **fields: Any) -> Any:
    data = {"seen": meeting.version, "reason": "The room is taken.", **NEW_TIME, **fields}
    return post(client, user, f"/board/meetings/{meeting.pk}/move/", data)


# Moving


def test_the_chair_moves_a_meeting(client: Client, table: Table) -> None:
    meeting = table.meeting()
    page = text(get(client, table.chair, meeting.get_absolute_url()))
    assert f'href="/board/meetings/{meeting.pk}/move/"' in page
    form = text(get(client, table.chair, f"/board/meetings/{meeting.pk}/move/"))
    assert 'type="date" name="date" value="2026-10-05"' in form
    assert 'type="time" name="start" value="14:00"' in form
    assert move(client, table.chair, meeting).status_code == 302
    page = text(get(client, table.cast.support, meeting.get_absolute_url()))
    assert "Thursday 15 October 2026" in page
    assert "The room is taken." in page


def test_a_mistake_stands_beside_its_field_and_nothing_typed_is_lost(
    client: Client, table: Table
) -> None:
    meeting = table.meeting()
    answer = move(client, table.chair, meeting, date="2026-09-01")
    assert answer.status_code == 400
    assert answer.context["form"].errors == {"date": ["That time has passed."]}
    assert "The room is taken.</textarea>" in text(answer)
    for fields in ({"date": "30 February"}, {"start": "25:00"}, {"length_minutes": "2"}):
        assert list(move(client, table.chair, meeting, **fields).context["form"].errors) == list(
            fields
        )


def test_a_page_that_is_out_of_date_keeps_what_was_typed(client: Client, table: Table) -> None:
    meeting = table.meeting()
    lifecycle.move_meeting(
        meeting,
        actor=table.deputy,
        date=meeting.date,
        start=time(16),
        length_minutes=30,
        reason="Clash.",
    )
    answer = move(client, table.chair, meeting)
    assert answer.status_code == 409
    assert "The meeting has moved on since you opened this page." in text(answer)
    assert "The room is taken.</textarea>" in text(answer)
    assert 'name="seen" value="2"' in text(answer)


SATURDAY = {"date": "2026-10-17"}
CHRISTMAS = {"date": "2026-12-25"}


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (SATURDAY, "Saturday 17 October 2026 is at the weekend."),
        (CHRISTMAS, "Friday 25 December 2026 is a holiday: Christmas Day."),
    ],
)
def test_a_day_off_is_asked_about_once(
    client: Client, table: Table, day: dict[str, str], words: str
) -> None:
    meeting = table.meeting()
    tick = "Hold it on a non-working day anyhow"
    assert tick not in text(get(client, table.chair, f"/board/meetings/{meeting.pk}/move/"))
    answer = move(client, table.chair, meeting, **day)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["date"]
    assert words in text(answer) and tick in text(answer)
    assert "The room is taken.</textarea>" in text(answer)
    assert move(client, table.chair, meeting, on_day_off="on", **day).status_code == 302
    assert str(Meeting.objects.get().date) == day["date"]
    later = {**day, "start": "11:00", "seen": 2}
    assert move(client, table.chair, meeting, **later).status_code == 302, "the day is not new"


def test_the_tick_stays_while_something_else_is_wrong(client: Client, table: Table) -> None:
    answer = move(client, table.chair, table.meeting(), on_day_off="on", reason="", **SATURDAY)
    assert list(answer.context["form"].errors) == ["reason"]
    assert 'name="on_day_off"' in text(answer) and "checked" in text(answer)


def test_a_board_that_meets_on_saturdays_is_not_asked(client: Client, table: Table) -> None:
    Board.objects.update(weekday=5)
    assert move(client, table.chair, table.meeting(), **SATURDAY).status_code == 302


def test_who_may_not_move_is_told_why(client: Client, table: Table) -> None:
    meeting = table.meeting()
    answer = get(client, table.cast.crb_member, f"/board/meetings/{meeting.pk}/move/")
    assert answer.status_code == 403
    assert move(client, table.cast.crb_member, meeting).status_code == 403
    assert move(client, table.cast.requester, meeting).status_code == 404
    lifecycle.cancel_meeting(meeting, actor=table.chair, reason="Snow.")
    answer = move(client, table.chair, meeting)
    assert (answer.status_code, "The meeting was cancelled." in text(answer)) == (409, True)


def test_a_refused_reason_can_be_copied(client: Client, table: Table) -> None:
    meeting, address = table.meeting(), "/board/meetings/%d/%s/"
    lifecycle.start_meeting(meeting, actor=table.chair)
    for step in ("move", "cancel"):
        data = {**NEW_TIME, "seen": 1, "reason": "The room\nis <taken>."}
        answer = post(client, table.chair, address % (meeting.pk, step), data)
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "What you typed, to copy" in page and "The room\nis &lt;taken&gt;." in page
    opened = get(client, table.chair, address % (meeting.pk, "move"))
    assert (opened.status_code, "What you typed" in text(opened)) == (409, False)


def test_cancelling_what_was_moved_meanwhile_keeps_the_reason(client: Client, table: Table) -> None:
    meeting = table.meeting()
    assert move(client, table.deputy, meeting).status_code == 302
    address = f"/board/meetings/{meeting.pk}/cancel/"
    answer = post(client, table.chair, address, {"seen": 1, "reason": "Nobody is here."})
    assert answer.status_code == 409
    assert "The meeting has moved on since you opened this page." in text(answer)
    assert "Nobody is here.</textarea>" in text(answer)
    assert "Thursday 15 October 2026" in text(answer)
    again = post(client, table.chair, address, {"seen": 2, "reason": "Nobody is here."})
    assert again.status_code == 302


# Calling


def test_the_chair_calls_a_meeting_from_the_board(client: Client, table: Table) -> None:
    address = f"/board/{table.board.pk}/meetings/call/"
    assert f'href="{address}"' in text(get(client, table.chair, "/board/"))
    assert f'href="{address}"' not in text(get(client, table.cast.crb_member, "/board/"))
    assert "Europe/London" in text(get(client, table.chair, address))
    data = {**NEW_TIME, "purpose": "A fault at Harbour.", "without_items": "on"}
    answer = post(client, table.chair, address, data)
    called = Meeting.objects.get()
    assert answer["Location"] == called.get_absolute_url()
    board = text(get(client, table.cast.support, "/board/"))
    assert "Extraordinary" in board and "A fault at Harbour." in board
    again = post(client, table.chair, address, data)
    assert again.status_code == 400
    assert "The board already meets then" in text(again)
    assert "A fault at Harbour.</textarea>" in text(again)


def test_calling_on_a_day_off_is_asked_about(client: Client, table: Table) -> None:
    address = f"/board/{table.board.pk}/meetings/call/"
    data = {**NEW_TIME, **SATURDAY, "purpose": "A fault at Harbour.", "without_items": "on"}
    answer = post(client, table.chair, address, data)
    assert answer.status_code == 400
    assert "Saturday 17 October 2026 is at the weekend." in text(answer)
    assert "A fault at Harbour.</textarea>" in text(answer)
    assert post(client, table.chair, address, {**data, "on_day_off": "on"}).status_code == 302


SOON = {**NEW_TIME, "date": "2026-09-29", "purpose": "A fault at Harbour."}


def test_what_the_chair_ticks_moves_to_the_called_meeting_and_is_published(
    client: Client, table: Table
) -> None:
    regular = table.meeting(days=21)
    urgent, other = assessed_with(table, "Urgent", urgency=4), table.change("Can wait")
    lifecycle.fill_agenda(table.board)
    table.vote(regular.items.get(change=urgent), "accepted")
    path = f"/board/{table.board.pk}/meetings/call/"
    form = get(client, table.chair, path).context["form"]
    assert [str(box.data["value"]) for box in form["changes"] if box.data["selected"]] == [
        str(urgent.pk)
    ]
    page = text(client.post(path, {**SOON, "changes": [urgent.pk]}, follow=True))
    called = Meeting.objects.exclude(pk=regular.pk).get()
    assert "Its agenda is published and mailed, as its cut-off has passed." in page
    assert "Agenda, version 1" in page and "Published by itself" not in page
    assert [item.change for item in called.items.all()] == [urgent]
    assert [item.change for item in regular.items.all()] == [other]
    assert "1 of 7 voted" in page
    version = text(get(client, table.cast.support, f"{called.get_absolute_url()}agenda/1/"))
    assert "Published when the meeting was called" in version and "Urgent" in version
    mail = Email.objects.filter(to=table.deputy.email, subject__contains="Agenda of").get()
    assert "Urgent" in mail.message and "Can wait" not in mail.message
    publish_agendas()
    assert called.agenda_versions.count() == 1


def test_a_called_meeting_later_on_can_still_fill_itself(client: Client, table: Table) -> None:
    change = table.change("Chosen")
    path = f"/board/{table.board.pk}/meetings/call/"
    data = {**NEW_TIME, "purpose": "Much to do.", "changes": [change.pk]}
    page = text(post(client, table.chair, path, data, follow=True))
    assert "Published by itself" in page and "Chosen" in page
    table.change("Comes later")
    lifecycle.fill_agenda(table.board)
    titles = [item.change.title for item in Meeting.objects.get().items.order_by("position")]
    assert titles == ["Chosen", "Comes later"]


def test_a_meeting_without_items_is_asked_about(client: Client, table: Table) -> None:
    path = f"/board/{table.board.pk}/meetings/call/"
    change = table.change("Waits")
    assert "Call it without any item" not in text(get(client, table.chair, path))
    answer = post(client, table.chair, path, SOON)
    assert answer.status_code == 400 and not Meeting.objects.exists()
    assert list(answer.context["form"].errors) == ["changes"]
    assert "or tick below that it is called without any item" in text(answer)
    assert "Call it without any item" in text(answer)
    assert post(client, table.chair, path, {**SOON, "without_items": "on"}).status_code == 302
    assert not Meeting.objects.get().items.exists()
    lifecycle.fill_agenda(table.board)
    assert not change.agenda_items.exists()


def test_with_nothing_that_waits_a_meeting_is_asked_about_too(client: Client, table: Table) -> None:
    path = f"/board/{table.board.pk}/meetings/call/"
    assert "Nothing waits for the board at the moment." in text(get(client, table.chair, path))
    answer = post(client, table.chair, path, SOON)
    assert answer.status_code == 400
    assert "Nothing waits for the board. Tick below if that is meant." in text(answer)


def test_what_is_voted_on_elsewhere_cannot_be_ticked(client: Client, table: Table) -> None:
    item = table.running_item()
    path = f"/board/{table.board.pk}/meetings/call/"
    data = {**NEW_TIME, "purpose": "A fault.", "changes": [item.change_id]}
    answer = post(client, table.chair, path, data)
    assert answer.status_code == 400
    assert "is being voted on already" in text(answer)
    assert Meeting.objects.get() == item.meeting


def test_others_do_not_call(client: Client, table: Table) -> None:
    address = f"/board/{table.board.pk}/meetings/call/"
    assert get(client, table.cast.crb_member, address).status_code == 403
    assert get(client, table.cast.requester, address).status_code == 404
    assert get(client, table.chair, "/board/999/meetings/call/").status_code == 404


# Absences


@pytest.fixture
def alternate(db: None) -> User:
    return person("Alf Alternate", Role.CRB_MEMBER)


def absence(table: Table, user: User, alternate: User | None) -> dict[str, str]:
    return {
        "membership": str(table.board.memberships.get(user=user).pk),
        "starts_on": "2026-09-28",
        "ends_on": "2026-10-09",
        "alternate": str(alternate.pk) if alternate else "",
        "reason": "Holiday",
    }


def test_a_member_records_and_withdraws(client: Client, table: Table, alternate: User) -> None:
    member, address = table.cast.crb_member, f"/board/{table.board.pk}/absences/record/"
    assert f'href="{address}"' in text(get(client, member, "/board/"))
    form = text(get(client, member, address))
    assert "Alf Alternate</option>" in form
    assert "Cora Chair</option>" not in form, "members record for themselves only"
    assert post(client, member, address, absence(table, member, alternate)).status_code == 302
    board = text(get(client, table.cast.support, "/board/"))
    assert "for Max Member" in board
    assert "stands in until 9 Oct" in board
    row = Absence.objects.get()
    assert f"/board/absences/{row.pk}/withdraw/" not in board
    withdraw = f"/board/absences/{row.pk}/withdraw/"
    assert withdraw in text(get(client, member, "/board/"))
    assert get(client, member, withdraw).status_code == 405
    assert post(client, table.members[3], withdraw, {}).status_code == 403
    assert post(client, member, withdraw, {}).status_code == 302
    assert post(client, member, withdraw, {}).status_code == 409
    assert "stands in" not in text(get(client, member, "/board/"))


def test_the_chair_chooses_who_is_away(client: Client, table: Table) -> None:
    address = f"/board/{table.board.pk}/absences/record/"
    assert "Max Member</option>" in text(get(client, table.chair, address))
    data = absence(table, table.cast.crb_member, None)
    assert post(client, table.chair, address, data).status_code == 302
    assert "away until 9 Oct, nobody stands in" in text(get(client, table.chair, "/board/"))


def test_an_absence_that_cannot_be_is_said_beside_its_field(client: Client, table: Table) -> None:
    address = f"/board/{table.board.pk}/absences/record/"
    for field, value in {
        "ends_on": "2026-09-27",
        "starts_on": "2026-09-27",
        "alternate": "999",
        "membership": "999",
    }.items():
        data = {**absence(table, table.chair, None), field: value}
        answer = post(client, table.chair, address, data)
        assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
        assert 'value="Holiday"' in text(answer), field
    # Absences are the board's own business.
    assert "Record an absence" not in text(get(client, table.cast.support, "/board/"))
    assert get(client, table.cast.support, address).status_code == 403
    assert get(client, table.cast.requester, address).status_code == 404


# The list


def test_the_list_pages_through_all_meetings(
    client: Client, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_pages, "PAGE", 2)
    for days in (1, 8, 15, -3):
        table.meeting(days=days)
    address = f"/board/{table.board.pk}/meetings/"
    first = get(client, table.cast.support, address)
    rows = [one.date.day for one in first.context["page"]]
    second = client.get(f"{address}?page={first.context['page'].next}")
    assert (rows, [one.date.day for one in second.context["page"]]) == ([29, 6], [13])
    past = client.get(f"{address}?show=past")
    assert [one.date.day for one in past.context["page"]] == [25]
    assert client.get(f"{address}?page=bent").status_code == 400
    assert client.get(f"{address}?show=all").status_code == 404


def test_moved_meetings_say_so_in_the_list(client: Client, table: Table) -> None:
    meeting = table.meeting(nominal_on=datetime(2026, 10, 5).date())
    move(client, table.chair, meeting)
    page = text(client.get(f"/board/{table.board.pk}/meetings/"))
    assert "instead of 5 October: The room is taken." in " ".join(page.split())


def test_queries(client: Client, table: Table, django_assert_num_queries: Any) -> None:
    for number in range(3):
        table.meeting(days=7 + number)
        for path in (f"{table.board.pk}/meetings/", "calendar/"):
            client.force_login(table.chair)
            with django_assert_num_queries(5, info=f"{path}, {number}"):
                assert client.get(f"/board/{path}").status_code == 200


def test_queries_of_the_board_with_absences(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    for number, member in enumerate(table.members[2:5]):
        Absence.objects.create(
            membership=table.board.memberships.get(user=member),
            starts_on=table.board.today,
            ends_on=table.board.today + timedelta(days=3),
        )
        if number != 1:  # of one, then of three
            client.force_login(table.chair)
            with django_assert_num_queries(12, info=str(number)):
                assert client.get("/board/").status_code == 200


def test_with_several_boards_each_has_its_own_members(client: Client, table: Table) -> None:
    other: Board = new_board(name="A board of others")
    page = text(get(client, table.chair, f"/board/?board={other.pk}"))
    assert "The board has no members yet." in page
    assert "Record an absence" not in page


def test_each_agenda_names_only_what_has_left_it(table: Table) -> None:
    near, far = table.meeting(days=21), table.meeting(days=35)
    one, two = table.change("One"), table.change("Two")
    lifecycle.fill_agenda(table.board)
    AgendaItem.objects.filter(change=two).update(meeting=far)
    for meeting in (near, far):
        lifecycle.publish_agenda(meeting, actor=table.chair)
    lifecycle.call_meeting(
        table.board,
        actor=table.chair,
        date=table.board.today + timedelta(days=7),
        start=time(9),
        length_minutes=60,
        purpose="A fault.",
        on_day_off=True,
        changes=[one, two],
    )
    for meeting, left, stayed in ((near, one, two), (far, two, one)):
        reason = meeting.agenda_versions.latest("number").reason
        assert left.reference in reason
        assert stayed.reference not in reason


def test_todays_meeting_is_there_for_a_member_who_has_tomorrow_already(table: Table) -> None:
    today, yesterday = table.meeting(days=0), table.meeting(days=-1)
    with time_machine.travel(NOW.replace(hour=13)), timezone.override("Pacific/Auckland"):
        shown = calendar_pages.own_meetings(table.members[1])
    assert today in shown and yesterday not in shown
