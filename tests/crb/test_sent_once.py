"""Whatever form makes something: sent twice at the same moment it makes one. Costs 2 s."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes.models import Attachment, Change, Comment, ContactAttempt
from crb import lifecycle
from crb.models import Action, Addendum, Meeting
from tests import stories
from tests.concurrently import at_once, signed_in
from tests.crb.conftest import Table
from tests.mailing import mail_to

Sent = tuple[User | None, str, dict[str, Any], Any]


def a_comment(table: Table) -> Sent:
    page = f"{stories.in_review(table.cast).get_absolute_url()}comment/"
    return table.cast.support, page, {"body": "Said once.", "audience": "public"}, Comment


def a_file(table: Table) -> Sent:
    page = f"{Change.objects.get().get_absolute_url()}attach/"
    return table.cast.support, page, {"files": None}, Attachment


def words_by_a_link(table: Table) -> Sent:
    page = "/r/" + mail_to(table.cast.requester.email).message.partition("/r/")[2].split("/")[0]
    return None, f"{page}/", {"act": "write", "body": "Said by mail."}, Comment


def an_attempt(table: Table) -> Sent:
    change = stories.in_confirmation(table.cast)
    data = {"means": "telephone", "reached": "no", "note": "Away.", "seen": change.version}
    page = reverse("changes:record_contact", args=[change.pk])
    return table.cast.success, page, data, ContactAttempt


def an_action(table: Table) -> Sent:
    item = table.running_item()
    day = timezone.localdate() + timedelta(days=9)
    data = {"text": "Ask.", "owner": table.cast.developer.pk, "due_on": day.isoformat()}
    return table.chair, f"/board/meetings/{item.meeting_id}/actions/", data, Action


def an_addendum(table: Table) -> Sent:
    meeting = Action.objects.latest("pk").meeting
    lifecycle.close_meeting(meeting, actor=table.chair)
    meeting = Meeting.objects.get(pk=meeting.pk)
    lifecycle.publish_minutes(meeting, actor=table.chair)
    page = f"{meeting.get_absolute_url()}minutes/addendum/"
    return table.chair, page, {"text": "Once."}, Addendum


FORMS = (a_comment, a_file, words_by_a_link, an_attempt, an_action, an_addendum)
"""In this order: those that follow go on with the change, and with the meeting, of the first."""


def send(client: Client, page: str, data: dict[str, Any], token: str) -> Any:
    data = {**data, "csrfmiddlewaretoken": token}
    if "files" in data:
        data["files"] = SimpleUploadedFile("plan.txt", data["files"] or b"The plan")
    return client.post(page, data, headers={"Referer": f"http://testserver{page}"})


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_once_it_makes_one(table: Table) -> None:
    """Both come to where it stands, not to the form nor to where one signs in; one is told."""
    for form in FORMS:
        who, page, data, made = form(table)
        browsers = [signed_in(who) if who else Client() for _time in range(2)]
        before = made.objects.count()
        press = [partial(send, one, page, data, "this page") for one in browsers]
        answers = at_once(*press)
        assert [answer.status_code for answer in answers] == [302] * 2, form
        assert made.objects.count() == before + 1, form
        assert len({answer["Location"].split("#")[0] for answer in answers}) == 1, form
        told = [str(one) for answer in answers for one in get_messages(answer.wsgi_request)]
        assert sum("was sent before" in one for one in told) == 1, form
        assert send(browsers[0], page, data, "the page drawn anew").status_code == 302
        assert made.objects.count() == before + 2, "who says it again means it"


@pytest.mark.django_db
def test_what_was_refused_was_not_taken(client: Client, table: Table) -> None:
    """The same page, with what was wrong put right, or as it was once it is allowed."""
    change = stories.in_review(table.cast)
    client.force_login(table.cast.support)
    page = f"{change.get_absolute_url()}comment/"
    for _time in range(2):
        answer = send(client, page, {"body": "", "audience": "public"}, "this page")
        assert answer.status_code == 400
    data = {"body": "Now.", "audience": "public"}
    answers = [send(client, page, data, "this page").status_code for _time in range(2)]
    assert answers == [302, 302]
    assert Comment.objects.get().body == "Now."
    client.force_login(table.cast.success)
    assert send(client, page, data, "this page").status_code == 302
    assert Comment.objects.count() == 2, "somebody else says it for themselves"


@pytest.mark.django_db
def test_what_only_looks_the_same_is_taken(client: Client, table: Table) -> None:
    """A file of the same name and size with other content, from a page that was gone back to."""
    change = stories.in_review(table.cast)
    client.force_login(table.cast.support)
    for content in (b"Open at 8", b"Open at 9"):
        send(client, f"{change.get_absolute_url()}attach/", {"files": content}, "one page")
    kept = [one.file.open().read() for one in Attachment.objects.order_by("pk")]
    assert kept == [b"Open at 8", b"Open at 9"]


@pytest.mark.django_db
def test_the_way_to_the_question_is_gone_twice(client: Client, table: Table) -> None:
    """It makes nothing that stands twice: whoever goes back may press the same again."""
    stories.in_confirmation(table.cast)
    page = "/r/" + mail_to(table.cast.requester.email).message.partition("/r/")[2].split("/")[0]
    for _time in range(2):
        sent = send(client, f"{page}/", {"act": "confirm"}, "one page")
        assert sent["Location"].startswith("/confirm/")
