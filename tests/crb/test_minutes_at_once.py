"""Minutes and actions when several act in the same second, and the mail as it arrives."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest
import time_machine
from post_office.models import Email
from pypdf import PdfReader

from changes import dispatch
from crb import lifecycle, tasks
from crb.models import Action, AgendaItem, Meeting, Minutes
from expansive_cm.workflow.errors import StepError
from tests import concurrently
from tests.crb.conftest import Table
from tests.mailing import last_row
from tests.smtp import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Run all acts at the same moment; return "done" or the refusal of each, sorted."""
    answers = concurrently.at_once(*acts)
    return sorted(
        f"{one.status} {one}" if isinstance(one, StepError) else "done" for one in answers
    )


def closed(table: Table) -> AgendaItem:
    item = table.running_item("Rooms at night")
    table.vote(item, "accepted", "accepted", "accepted", "recuse")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    lifecycle.record_action(
        item.meeting,
        actor=table.chair,
        text="Ask the vendor",
        owner=table.cast.developer,
        due_on=item.meeting.date,
    )
    lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    return AgendaItem.objects.get(pk=item.pk)


def meeting_of(item: AgendaItem) -> Meeting:
    return Meeting.objects.get(pk=item.meeting_id)


def test_two_who_publish_at_once_publish_once(table: Table) -> None:
    item, since = closed(table), last_row()
    answers = at_once(
        lambda: lifecycle.publish_minutes(meeting_of(item), actor=table.chair),
        lambda: lifecycle.publish_minutes(meeting_of(item), actor=table.deputy),
    )
    assert answers[0].startswith("409 The minutes are published") and answers[1] == "done"
    assert Minutes.objects.count() == 1
    assert Email.objects.filter(pk__gt=since).count() == 7


def test_writing_and_publishing_at_once_agree(table: Table) -> None:
    for number in range(3):
        item = closed(table)
        answers = at_once(
            lambda i=item: lifecycle.publish_minutes(meeting_of(i), actor=table.chair, seen=0),
            lambda i=item: lifecycle.write_minutes(meeting_of(i), actor=table.deputy, text="Hm."),
        )
        assert answers[0].startswith("409 ") and answers[1] == "done"
        minutes = Minutes.objects.get(meeting=item.meeting_id)
        assert minutes.is_published == (minutes.remarks == "")
        table.meeting(days=20 + number)


def test_two_chairs_in_two_sections_both_write(table: Table) -> None:
    item = closed(table)
    answers = at_once(
        lambda: lifecycle.write_minutes(meeting_of(item), actor=table.chair, text="Welcome."),
        lambda: lifecycle.write_minutes(
            meeting_of(item), actor=table.deputy, text="It is cheap.", item=item
        ),
    )
    assert answers == ["done", "done"]
    assert Minutes.objects.get().version == 2


def test_an_action_is_done_once(table: Table) -> None:
    closed(table)
    answers = at_once(
        lambda: lifecycle.complete_action(Action.objects.get(), actor=table.cast.developer),
        lambda: lifecycle.complete_action(Action.objects.get(), actor=table.chair),
    )
    assert answers[0].startswith("409 This action is already done") and answers[1] == "done"


def test_two_beats_remind_once(table: Table) -> None:
    closed(table)
    day, since = Action.objects.get().due_on, last_row()
    with time_machine.travel(datetime(day.year, day.month, day.day, 9, tzinfo=UTC), tick=False):
        at_once(tasks.remind_of_actions, tasks.remind_of_actions)
    assert Email.objects.filter(pk__gt=since).count() == 1


def test_minutes_arrive_with_a_file_that_opens(table: Table, smtp_server: Mailbox) -> None:
    item = closed(table)
    Email.objects.all().delete()
    lifecycle.publish_minutes(meeting_of(item), actor=table.chair)
    dispatch.deliver_due()
    arrived = {one["To"]: one for one in smtp_server.wait_for(7)}
    texts = {}
    for part in (table.cast.crb_member, table.cast.developer):
        files = [one for one in arrived[part.email].walk() if one.get_filename()]
        assert [one.get_content_type() for one in files] == ["application/pdf"]
        assert files[0].get_filename().startswith("minutes-change-request-board-")
        reader = PdfReader(BytesIO(files[0].get_payload(decode=True)))
        texts[part] = " ".join(page.extract_text() for page in reader.pages)
        assert "Rooms at night" in texts[part] and "Published on" in texts[part]
    assert "My own project." in texts[table.cast.crb_member]
    assert "My own project." not in texts[table.cast.developer]
