"""Whatever form makes something: sent twice at the same moment it makes one. Costs 4 s."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes.models import Attachment, Comment, ContactAttempt
from crb import lifecycle
from crb.models import Action, Addendum, Meeting
from tests import stories
from tests.concurrently import at_once, signed_in
from tests.crb.conftest import Table
from tests.mailing import mail_to

Sent = tuple[User | None, str, dict[str, Any], Any, int]


def a_comment(table: Table) -> Sent:
    page = f"{stories.in_review(table.cast).get_absolute_url()}comment/"
    return table.cast.support, page, {"body": "Said once.", "audience": "public"}, Comment, 302


def a_file(table: Table) -> Sent:
    page = f"{stories.in_review(table.cast).get_absolute_url()}attach/"
    return table.cast.support, page, {"files": None}, Attachment, 302


def an_attempt(table: Table) -> Sent:
    change = stories.in_confirmation(table.cast)
    data = {"means": "telephone", "reached": "no", "note": "Away.", "seen": change.version}
    page = reverse("changes:record_contact", args=[change.pk])
    return table.cast.success, page, data, ContactAttempt, 302


def words_by_a_link(table: Table) -> Sent:
    stories.in_review(table.cast)
    page = "/r/" + mail_to(table.cast.requester.email).message.partition("/r/")[2].split("/")[0]
    return None, f"{page}/", {"act": "write", "body": "Said once."}, Comment, 302


def an_action(table: Table) -> Sent:
    item = table.running_item()
    day = timezone.localdate() + timedelta(days=9)
    data = {"text": "Ask.", "owner": table.cast.developer.pk, "due_on": day.isoformat()}
    return table.chair, f"/board/meetings/{item.meeting_id}/actions/", data, Action, 302


def an_addendum(table: Table) -> Sent:
    meeting = table.running_item().meeting
    lifecycle.close_meeting(meeting, actor=table.chair)
    meeting = Meeting.objects.get(pk=meeting.pk)
    lifecycle.publish_minutes(meeting, actor=table.chair)
    page = f"{meeting.get_absolute_url()}minutes/addendum/"
    return table.chair, page, {"text": "Once."}, Addendum, 302


FORMS = (a_comment, a_file, an_attempt, words_by_a_link, an_action, an_addendum)


def send(client: Client, page: str, data: dict[str, Any], token: str) -> int:
    data = {**data, "csrfmiddlewaretoken": token}
    if "files" in data:
        data["files"] = SimpleUploadedFile("plan.txt", b"The plan")
    return client.post(page, data).status_code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", FORMS)
def test_sent_twice_at_once_it_makes_one(table: Table, form: Callable[[Table], Sent]) -> None:
    who, page, data, made, status = form(table)
    browsers = [signed_in(who) if who else Client() for _time in range(2)]
    answers = at_once(*[lambda one=one: send(one, page, data, "this page") for one in browsers])
    assert answers == [status] * 2
    assert made.objects.count() == 1
    assert send(browsers[0], page, data, "the page drawn anew") == status
    assert made.objects.count() == 2, "who says it again means it"


@pytest.mark.django_db
def test_what_was_refused_was_not_taken(client: Client, table: Table) -> None:
    """The same page, with what was wrong put right, or as it was once it is allowed."""
    change = stories.in_review(table.cast)
    client.force_login(table.cast.support)
    page = f"{change.get_absolute_url()}comment/"
    for _time in range(2):
        assert send(client, page, {"body": "", "audience": "public"}, "this page") == 400
    data = {"body": "Now.", "audience": "public"}
    answers = [send(client, page, data, "this page") for _time in range(2)]
    assert answers == [302, 302]
    assert Comment.objects.get().body == "Now."
    client.force_login(table.cast.success)
    assert send(client, page, data, "this page") == 302
    assert Comment.objects.count() == 2, "somebody else says it for themselves"
