"""The card of who is at a meeting: marks pressed, refused, and sent by no form at all.

Costs 5 s.
"""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crb import lifecycle
from crb.models import Meeting
from crb.models.attendance import AttendanceMark as Row
from expansive_cm.workflow.errors import StepIncomplete
from tests.crb.conftest import Table
from tests.crb.test_attendance import mark

pytestmark = pytest.mark.django_db


def post(client: Client, meeting: Meeting, htmx: bool = False, **data: Any) -> Any:
    headers = {"HX-Request": "true", "Meeting-Live": "1"} if htmx else {}
    return client.post(f"/board/meetings/{meeting.pk}/mark/", data, headers=headers)


def test_only_the_chair_has_the_buttons(client: Client, table: Table) -> None:
    meeting = table.running_item().meeting
    for user in (table.chair, table.deputy, table.members[2], table.cast.administrator):
        client.force_login(user)
        page = client.get(meeting.get_absolute_url()).content.decode()
        assert ("Add a guest or presenter" in page) == (user in (table.chair, table.deputy))


def test_without_scripts_a_press_marks_and_leads_back(client: Client, table: Table) -> None:
    meeting, member = table.running_item().meeting, table.members[2]
    client.force_login(table.chair)
    answer = post(client, meeting, person=member.pk, seen=0, mark="left", at="")
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"{meeting.get_absolute_url()}#attendance",
    )
    seen = meeting.attendance_marks.get().pk
    post(client, meeting, person=member.pk, seen=seen, mark="take_back")
    assert not meeting.attendance_marks.filter(withdrawn_at=None).exists()
    refused = post(client, meeting, guest="x" * 81, mark="present")
    assert refused.status_code == 400
    assert "x" * 81 in refused.content.decode(), "what was typed is not lost"


def test_a_page_that_follows_is_answered_with_the_card(client: Client, table: Table) -> None:
    meeting, member = table.running_item().meeting, table.members[2]
    client.force_login(table.chair)
    answer = post(client, meeting, htmx=True, person=member.pk, seen=0, mark="telephone")
    page = answer.content.decode()
    assert (answer.status_code, answer["HX-Retarget"]) == (200, "#attendance")
    assert f'id="roll-{member.pk}" autofocus' in page
    whole = client.post(
        f"/board/meetings/{meeting.pk}/mark/",
        {"person": member.pk, "mark": "late"},
        headers={"HX-Request": "true"},
    )
    assert (
        "HX-Retarget" not in whole and f'id="roll-{member.pk}" autofocus' in whole.content.decode()
    )
    stale = post(client, meeting, htmx=True, person=member.pk, seen=0, mark="left", at="14:00")
    assert stale.status_code == 422
    assert "In the meantime" in stale.content.decode() and 'value="14:00"' in stale.content.decode()


def test_a_refusal_is_read_also_where_no_form_is_left(client: Client, table: Table) -> None:
    """Who presented does so no more; or the other one has closed the meeting."""
    item, outsider = table.running_item(), table.cast.developer
    client.force_login(table.chair)

    def sent(**data: Any) -> str:
        answer = post(client, item.meeting, htmx=True, seen=0, mark="present", **data)
        assert answer.status_code == 422
        return str(answer.content.decode())

    assert sent(person=outsider.pk).count("Add them as a guest") == 1
    assert sent(guest="x" * 81).count("attendance-error") == 1, "beside the form, and there only"
    lifecycle.close_meeting(item.meeting, actor=table.deputy)
    assert "The meeting is closed" in sent(person=table.members[2].pk)
    assert "The meeting is closed" in sent(guest="Gail Guest")


def test_what_no_form_sends_is_refused_and_of_its_page_a_browser_says_anything(
    client: Client, table: Table
) -> None:
    meeting = table.running_item().meeting
    client.force_login(table.chair)
    late = {"mark": "late"}
    for data in ({}, {"mark": "asleep"}, {**late, "person": "x"}, {**late, "seen": "-1"}):
        assert post(client, meeting, **data).status_code == 400, data
    for number, said in enumerate(("http://[", "?item=" + "9" * 5000, "?item=x&item", "%")):
        answer = client.post(
            f"/board/meetings/{meeting.pk}/mark/",
            {"person": table.members[number + 1].pk, "mark": "late"},
            headers={"HX-Request": "true", "HX-Current-URL": said},
        )
        assert answer.status_code == 200, said


def test_what_was_sent_does_not_fill_the_log(client: Client, table: Table, caplog: Any) -> None:
    meeting = table.running_item().meeting
    client.force_login(table.cast.support)
    for name in ("mark", "person", "seen"):
        answer = post(client, meeting, **{"mark": "left", name: "x" * 10**6})
        assert answer.status_code == 400 and len(answer.content) < 100_000
    assert caplog.records and all(len(one.getMessage()) < 200 for one in caplog.records)


def test_marks_cost_no_queries_of_their_own(client: Client, table: Table) -> None:
    meeting = table.running_item().meeting
    client.force_login(table.chair)

    def asked() -> int:
        with CaptureQueriesContext(connection) as context:
            client.get(meeting.get_absolute_url())
        return len(context)

    asked()
    before = asked()
    for member in table.members[1:]:
        mark(table, meeting, member, "late")
    for name in ("Gail", "Gus"):
        lifecycle.mark_attendance(meeting, actor=table.chair, guest=name, mark="present")
    assert asked() == before


def test_a_guest_is_not_excused(client: Client, table: Table) -> None:
    """No button offers it; minutes had no words for it and could not be read ever after."""
    meeting = table.running_item().meeting
    client.force_login(table.chair)
    answer = post(client, meeting, htmx=True, guest="Gail Guest", seen=0, mark="excused")
    assert "not expected" in answer.content.decode()
    Row.objects.create(meeting=meeting, guest="G", mark="excused", set_by=table.chair)
    assert client.get(f"/board/meetings/{meeting.pk}/minutes/").status_code == 200
    with pytest.raises(StepIncomplete):
        lifecycle.mark_attendance(meeting, actor=table.chair, guest="Gail", mark="excused")
