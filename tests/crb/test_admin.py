"""Administrators look after boards and members; what the workflow owns they only read."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from crb import lifecycle
from crb.models import (
    Absence,
    Action,
    Addendum,
    AgendaVersion,
    Board,
    CalendarFeed,
    Invitation,
    Meeting,
    Membership,
    Minutes,
)
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db

BOARD = {
    "name": "Second board",
    "is_active": "on",
    "zone": "Europe/London",
    "weekday": "1",
    "start": "14:00",
    "length_minutes": "90",
    "interval_days": "14",
    "first_date": "2026-01-06",
    "holiday_region": "GB-ENG",
    "holiday_policy": "next_working_day",
    "cutoff_days": "2",
    "consent_count": "3",
    "hides_votes": "on",
    "emergencies": "ballot",
    "quorum_count": "3",
    "quorum_share": "50",
}


@pytest.fixture
def admin(client: Client, table: Table) -> Client:
    client.force_login(table.cast.administrator)
    return client


def errors(answer: Any) -> dict[str, list[str]]:
    return answer.context["adminform"].form.errors


def settings_of(board: Board, **changes: Any) -> dict[str, Any]:
    """What the board's form holds; a value of None takes the field out."""
    own = {"name": board.name, "organisations": [one.pk for one in board.organisations.all()]}
    given = {**BOARD, **own, "reason": "We begin anew.", **changes}
    return {name: value for name, value in given.items() if value is not None}


def test_no_customer_is_left_without_a_board(admin: Client, table: Table) -> None:
    harbour, meridian = table.cast.harbour, table.cast.meridian
    page = f"/admin/crb/board/{table.board.pk}/change/"
    answer = admin.post(page, settings_of(table.board, is_active=None))
    [sentence] = errors(answer)["is_active"]
    assert "Harbour Hospitals" in sentence
    assert "Meridian Retail" in sentence

    answer = admin.post(page, settings_of(table.board, organisations=[harbour.pk]))
    [sentence] = errors(answer)["organisations"]
    assert "Harbour" not in sentence
    assert "Meridian Retail" in sentence

    own = Board.objects.create(**{**vars_of(table.board), "name": "Meridian's own"})
    own.organisations.add(meridian)
    data = settings_of(table.board, organisations=[harbour.pk])
    assert admin.post(page, data).status_code == 302
    other = f"/admin/crb/board/{own.pk}/change/"
    assert "is_active" in errors(admin.post(other, settings_of(own, is_active=None)))
    Board.objects.create(**{**vars_of(table.board), "name": "Of everybody"})
    assert admin.post(other, settings_of(own, is_active=None)).status_code == 302


def vars_of(board: Board) -> dict[str, Any]:
    names = ("weekday", "start", "first_date", "quorum_count", "quorum_share")
    return {name: getattr(board, name) for name in names}


def test_a_board_is_added(admin: Client) -> None:
    assert admin.post("/admin/crb/board/add/", BOARD).status_code == 302
    assert Board.objects.get(name="Second board").interval_days == 14


WRONG = {
    "holiday_region": "GB-XXX",
    "holiday_policy": "stay_at_home",
    "cutoff_days": "31",
    "zone": "Europe/Atlantis",
    "interval_days": "0",
    "quorum_count": "0",
    "quorum_share": "101",
    "weekday": "7",
    "start": "25:00",
}


def test_a_board_that_cannot_be_is_refused(admin: Client) -> None:
    for field, value in WRONG.items():
        answer = admin.post("/admin/crb/board/add/", {**BOARD, field: value})
        assert field in errors(answer)
        assert not Board.objects.filter(name="Second board").exists(), field


def test_a_new_rhythm_needs_a_reason_that_stays(admin: Client, table: Table) -> None:
    address = f"/admin/crb/board/{table.board.pk}/change/"
    changed = {**BOARD, "weekday": "2"}
    assert "reason" in errors(admin.post(address, changed))
    assert admin.post(address, {**changed, "reason": "Wednesdays suit all."}).status_code == 302
    entry = table.board.history.first()
    assert (entry.weekday, entry.history_change_reason) == (2, "Wednesdays suit all.")
    assert entry.history_user == table.cast.administrator


def member(table: Table, **fields: str) -> dict[str, str]:
    values = {
        "board": str(table.board.pk),
        "user": str(table.cast.crb_member.pk),
        "starts_on": "2019-01-01",
        "ends_on": "2019-12-31",
        "reason": "Elected.",
    }
    return {**values, **fields}


def test_a_term_is_added_with_its_reason(admin: Client, table: Table) -> None:
    assert admin.post("/admin/crb/membership/add/", member(table)).status_code == 302
    entry = Membership.history.first()
    assert (entry.history_change_reason, entry.starts_on) == ("Elected.", date(2019, 1, 1))


def test_a_term_that_cannot_be_is_refused(admin: Client, table: Table) -> None:
    before = Membership.objects.count()
    cases: list[tuple[dict[str, str], str]] = [
        ({"ends_on": ""}, "already has a term at that time"),
        ({"ends_on": "2018-01-01"}, "ends before it begins"),
        ({"is_chair": "on", "is_deputy": "on"}, "not their own deputy"),
        ({"reason": ""}, "Say why the board&#x27;s membership changes"),
    ]
    for fields, sentence in cases:
        answer = admin.post("/admin/crb/membership/add/", member(table, **fields))
        assert sentence in answer.content.decode()
        assert Membership.objects.count() == before, fields
    outsider = str(table.cast.developer.pk)
    answer = admin.post("/admin/crb/membership/add/", member(table, user=outsider))
    assert "user" in errors(answer), "only people with the role can join"


@pytest.mark.parametrize("field", ["starts_on", "ends_on"])
def test_a_term_goes_on_covering_the_meetings_that_were_held(
    admin: Client, table: Table, field: str
) -> None:
    """Whose attendance would the figures count otherwise?"""
    today = table.board.today
    meeting = table.meeting(days=0)
    lifecycle.start_meeting(meeting, actor=table.chair)
    lifecycle.close_meeting(Meeting.objects.get(pk=meeting.pk), actor=table.chair)
    term = Membership.objects.get(user=table.cast.crb_member)
    address = f"/admin/crb/membership/{term.pk}/change/"
    for days, status in ((1, 200), (0, 302)):
        day = today + timedelta(days=days if field == "starts_on" else -days)
        data = {"starts_on": term.starts_on.isoformat(), "reason": "Left.", field: day.isoformat()}
        answer = admin.post(address, data)
        assert answer.status_code == status
        if status == 200:
            assert "They sat at the meeting of" in errors(answer)[field][0]


def test_a_board_has_one_chair_at_a_time(admin: Client, table: Table) -> None:
    seat = Membership.objects.get(user=table.cast.crb_member)
    answer = admin.post(
        f"/admin/crb/membership/{seat.pk}/change/",
        {"starts_on": "2020-01-01", "is_chair": "on", "reason": "Elected chair."},
    )
    assert "already has a chair at that time" in answer.content.decode()


def test_what_the_workflow_owns_is_only_read(admin: Client, table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    rows: dict[str, Any] = {
        "meeting": item.meeting,
        "agendaitem": item,
        "vote": item.votes.first(),
        "attendance": item.meeting.attendances.first(),
        "boardoutcome": type(item).objects.get(pk=item.pk).outcome,
    }
    for name, row in rows.items():
        address = f"/admin/crb/{name}/{row.pk}/"
        answers = [
            admin.get(f"/admin/crb/{name}/"),
            admin.get(f"/admin/crb/{name}/add/"),
            admin.get(f"{address}change/"),
            admin.post(f"{address}change/", {"state": "closed"}),
            admin.post(f"{address}delete/"),
        ]
        assert [answer.status_code for answer in answers] == [200, 403, 200, 403, 403], name


def records(table: Table) -> list[Any]:
    """One row of everything else that the workflow owns."""
    meeting = lifecycle.start_meeting(table.meeting(), actor=table.chair)
    lifecycle.make_feed(actor=table.chair)
    day = table.board.today + timedelta(days=40)
    lifecycle.record_absence(
        table.board.memberships.get(user=table.chair), actor=table.chair, starts_on=day, ends_on=day
    )
    minutes = Minutes.objects.create(meeting=meeting)
    by = {"recorded_by": table.chair, "owner": table.chair}
    return [
        Absence.objects.get(),
        CalendarFeed.objects.get(),
        minutes,
        Invitation.objects.create(meeting=meeting, user=table.chair, sequence=0, sent_at=now()),
        AgendaVersion.objects.get(),
        Action.objects.create(meeting=meeting, text="Ask.", due_on=day, **by),
        Addendum.objects.create(minutes=minutes, text="And.", added_by=table.chair),
        lifecycle.mark_attendance(meeting, actor=table.chair, user=table.chair, mark="left"),
    ]


def test_what_else_the_workflow_owns_is_only_read(admin: Client, table: Table) -> None:
    for row in records(table):
        place = f"/admin/crb/{row._meta.model_name}/"
        assert admin.get(place).status_code == 200
        assert admin.get(f"{place}add/").status_code == 403
        assert admin.get(f"{place}{row.pk}/change/").status_code == 200
        assert admin.post(f"{place}{row.pk}/change/", {}).status_code == 403
        assert admin.post(f"{place}{row.pk}/delete/").status_code == 403


def test_the_hash_of_a_calendar_address_is_shown_to_nobody(admin: Client, table: Table) -> None:
    lifecycle.make_feed(actor=table.chair)
    row = CalendarFeed.objects.get()
    for address in ("", f"{row.pk}/change/"):
        page = admin.get(f"/admin/crb/calendarfeed/{address}").content.decode()
        assert row.token_hash not in page


def test_members_have_no_business_here(client: Client, table: Table) -> None:
    client.force_login(table.chair)
    assert client.get("/admin/crb/board/").status_code == 302
