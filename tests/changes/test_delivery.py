"""Mail that never arrives: flagged, told, settled; and silence does not count meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from changes import gates, lifecycle, reminders, tasks
from changes.models import Change, DeliveryProblem, MailEvent
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.mailing import deliver, deliver_questions, last_row, mail_to, told, worded
from tests.people import Cast
from tests.remembered import remembered
from tests.smtp import Mailbox

pytestmark = pytest.mark.django_db
LOG_QUERIES, LIST_QUERIES = 7, 4
WHY = "550 5.1.1 No such user here"


@pytest.fixture
def asked(cast: Cast) -> Change:
    """A change whose requester was asked; support owns it."""
    return owned_by_support(cast)


@remembered
def owned_by_support(cast: Cast) -> Change:
    change = stories.in_confirmation(cast)
    return lifecycle.assign(change, actor=cast.success, owner=cast.support)


def bounce(change: Change, person: User, detail: str = WHY) -> None:
    """Let the newest mail to a person come back."""
    lifecycle.note_failure(mail_to(person.email), person.email, MailEvent.Kind.BOUNCED, detail)


# --- Flagging -----------------------------------------------------------------------------------


def test_a_mail_server_that_says_very_much_is_cut_short(cast: Cast, asked: Change) -> None:
    mail, kind = mail_to(cast.requester.email), MailEvent.Kind.BOUNCED
    lifecycle.note_failure(mail, cast.requester.email, kind, "No. " * 250_000)
    kept = DeliveryProblem.objects.get().reason, MailEvent.objects.get(email=mail).detail
    assert {len(text) for text in kept} == {1000}


def test_what_the_mail_server_refuses_is_flagged_to_the_owner(
    cast: Cast, asked: Change, smtp_server: Mailbox
) -> None:
    async def handle_RCPT(
        server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address == cast.requester.email:
            return WHY
        envelope.rcpt_tos.append(address)
        return "250 OK"

    smtp_server.handle_RCPT = handle_RCPT  # type: ignore[attr-defined]
    question = mail_to(cast.requester.email)
    before = last_row()
    tasks.send_queued_mail()
    problem = DeliveryProblem.objects.get()
    assert (problem.change, problem.person) == (asked, cast.requester)
    assert "No such user here" in problem.reason
    once = [("sam", "Mail to Grace Requester does not arrive")]
    assert told(before) == once, "however many mails were refused"
    cast.requester.refresh_from_db()
    assert cast.requester.mail_failed_at is not None
    assert "No such user here" in cast.requester.mail_failure
    event = MailEvent.objects.get(email=question)
    assert (event.kind, event.address) == ("refused", cast.requester.email)
    refused = Email.objects.filter(status=STATUS.failed).count()
    assert MailEvent.objects.count() == refused > 1, "one for each mail"
    tasks.send_queued_mail()
    assert MailEvent.objects.count() == refused
    told_mail = mail_to(cast.support.email)
    for body in (told_mail.message, told_mail.html_message):
        assert "No such user here" in body
        assert f"/changes/{asked.reference}/mail/" in body


def test_a_bounce_is_flagged_once_and_hidden_from_customers(
    client: Client, cast: Cast, asked: Change
) -> None:
    deliver_questions()
    bounce(asked, cast.requester)
    bounce(asked, cast.requester)
    assert MailEvent.objects.filter(kind="bounced").count() == 1
    event = asked.events.get(verb="undelivered")
    assert event.is_internal and event.actor is None
    client.force_login(cast.support)
    address = reverse("changes:detail", args=[asked.pk])
    assert "Mail did not arrive" in client.get(address).content.decode()
    client.force_login(cast.requester)
    page = client.get(address).content.decode()
    assert "did not arrive" not in page
    assert reverse("changes:mail_log", args=[asked.pk]) not in page


def test_the_person_who_cannot_be_reached_is_not_told_of_it(cast: Cast, asked: Change) -> None:
    deliver_questions()
    before = last_row()
    bounce(asked, cast.support)
    assert told(before) == [("cleo", "Mail to Sam Support does not arrive")]
    before = last_row()
    bounce(asked, cast.success)
    assert told(before) == [("sam", "Mail to Cleo Success does not arrive")]
    bounce(asked, cast.support)
    bounce(asked, cast.success)
    assert DeliveryProblem.objects.count() == 2, "and it ends there"


def test_a_bounce_that_names_no_mail_is_noted_on_the_change_it_is_about(
    cast: Cast, asked: Change
) -> None:
    lifecycle.note_failure(None, cast.requester.email, MailEvent.Kind.BOUNCED, WHY, change=asked)
    assert DeliveryProblem.objects.get().email is None
    lifecycle.note_failure(None, "nobody@nowhere.example", MailEvent.Kind.BOUNCED, WHY)
    assert MailEvent.objects.count() == 1


def test_an_address_that_was_changed_since_is_not_marked(cast: Cast, asked: Change) -> None:
    deliver_questions()
    email = mail_to(cast.requester.email)
    old, cast.requester.email = cast.requester.email, "grace.new@harbour.example"
    cast.requester.save()
    lifecycle.note_failure(email, old, MailEvent.Kind.BOUNCED, WHY)
    cast.requester.refresh_from_db()
    assert cast.requester.mail_failed_at is None
    assert DeliveryProblem.objects.get().person == cast.requester, "the mail was for her"


# --- Settling -----------------------------------------------------------------------------------


def test_settling_says_what_was_done_and_who_did_it(
    client: Client, cast: Cast, asked: Change
) -> None:
    deliver_questions()
    bounce(asked, cast.requester)
    problem = DeliveryProblem.objects.get()
    client.force_login(cast.success)
    listed = client.get(reverse("changes:mail_problems")).content.decode()
    assert asked.reference in listed and WHY in listed
    address = reverse("changes:settle_delivery", args=[asked.pk, problem.pk])
    field = f"problem-{problem.pk}-resolution"
    empty = client.post(address, {field: " "})
    assert empty.status_code == 400
    assert "This field is required." in empty.content.decode()
    assert client.post(address, {field: "Rang her."}).status_code == 302
    problem.refresh_from_db()
    assert (problem.resolved_by, problem.resolution) == (cast.success, "Rang her.")
    cast.requester.refresh_from_db()
    assert cast.requester.mail_failed_at is None
    event = asked.events.latest("pk")
    assert (event.verb, event.reason, event.is_internal) == ("settle_delivery", "Rang her.", True)
    again = client.post(address, {field: "Wrote a letter."})
    assert again.status_code == 409
    assert "Cleo Success has settled this already: Rang her." in again.content.decode()
    assert "Wrote a letter." in again.content.decode(), "what was typed is not lost"
    assert asked.reference not in client.get(reverse("changes:mail_problems")).content.decode()
    story = client.get(reverse("changes:detail", args=[asked.pk])).content.decode()
    assert "Mail did not arrive" not in story


def test_a_dead_address_marks_the_person_until_the_last_change_is_settled(cast: Cast) -> None:
    for _time in range(2):
        stories.in_review(cast)
    deliver()
    for email in worded(to=cast.requester.email):
        lifecycle.note_failure(email, cast.requester.email, MailEvent.Kind.BOUNCED, WHY)
    for left, problem in ((1, 0), (0, 1)):
        one = DeliveryProblem.objects.order_by("pk")[problem]
        lifecycle.settle_delivery(
            one.change, actor=cast.success, problem=one, resolution="New address."
        )
        cast.requester.refresh_from_db()
        assert (cast.requester.mail_failed_at is not None) == bool(left)


def test_others_cannot_settle(client: Client, cast: Cast, asked: Change) -> None:
    deliver_questions()
    bounce(asked, cast.requester)
    problem = DeliveryProblem.objects.get()
    address = reverse("changes:settle_delivery", args=[asked.pk, problem.pk])
    pages = (reverse("changes:mail_log", args=[asked.pk]), reverse("changes:mail_problems"))
    for name in ("requester", "colleague", "approver", "developer", "auditor", "stranger_success"):
        person = cast.people[name]
        with pytest.raises(StepForbidden):
            lifecycle.settle_delivery(asked, actor=person, problem=problem, resolution="x")
        client.force_login(person)
        answer = client.post(address, {f"problem-{problem.pk}-resolution": "x"})
        assert answer.status_code == (403 if person.is_internal else 404), name
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == (200 if person.is_internal else 404), (name, page)


def test_nothing_is_settled_without_words_or_twice(cast: Cast, asked: Change) -> None:
    deliver_questions()
    bounce(asked, cast.requester)
    problem = DeliveryProblem.objects.get()
    settle = {"actor": cast.support, "problem": problem}
    with pytest.raises(StepIncomplete):
        lifecycle.settle_delivery(asked, resolution="  ", **settle)
    lifecycle.settle_delivery(asked, resolution="Done.", **settle)
    with pytest.raises(StepIllegal):
        lifecycle.settle_delivery(asked, resolution="Done.", **settle)


# --- Silence ------------------------------------------------------------------------------------


def beat(days: float) -> list[tuple[str, str]]:
    before = last_row()
    with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
        tasks.send_reminders()
    return told(before)


def test_while_the_question_waits_to_be_sent_nobody_is_silent(cast: Cast, asked: Change) -> None:
    assert reminders.heard_at(asked.confirmations.get()) is None
    assert beat(4) == []
    with time_machine.travel(timezone.now() + timedelta(days=4), tick=False):
        deliver()
    assert beat(6.9) == []
    assert beat(7.1) == [("grace", "Reminder, please confirm")]


def test_a_question_that_did_not_arrive_is_no_silence(cast: Cast, asked: Change) -> None:
    deliver_questions()
    bounce(asked, cast.requester)
    assert beat(4) == beat(15) == beat(30) == []
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=False):
        change = Change.objects.get(pk=asked.pk)
        assert "has not reached the requester" in gates.requester_still_has_time(change)
        problem = DeliveryProblem.objects.get()
        lifecycle.settle_delivery(
            asked, actor=cast.support, problem=problem, resolution="New address."
        )
        assert "14 days to answer" in gates.requester_still_has_time(change)
    assert beat(32.9) == []
    assert beat(33.1) == [("grace", "Reminder, please confirm")], "it begins anew"


def test_a_reminder_that_came_back_stops_the_ladder(cast: Cast, asked: Change) -> None:
    deliver_questions()
    assert beat(3.1) == [("grace", "Reminder, please confirm")]
    bounce(asked, cast.requester)
    assert beat(7.1) == beat(14.1) == beat(20) == []


def test_a_link_sent_again_to_a_new_address_counts(cast: Cast, asked: Change) -> None:
    deliver_questions()
    bounce(asked, cast.requester)
    problem = DeliveryProblem.objects.get()
    with time_machine.travel(timezone.now() + timedelta(days=5), tick=False):
        cast.requester.email = "grace.new@harbour.example"
        cast.requester.save()
        lifecycle.resend_confirmation(asked, actor=cast.support)
        deliver()
        lifecycle.settle_delivery(asked, actor=cast.support, problem=problem, resolution="New.")
    assert beat(7) == []
    assert [subject for _name, subject in beat(8.1)] == ["Reminder, please confirm"]


# --- The log ------------------------------------------------------------------------------------


def test_the_log_tells_the_fate_of_each_mail(client: Client, cast: Cast, asked: Change) -> None:
    client.force_login(cast.auditor)
    address = reverse("changes:mail_log", args=[asked.pk])
    mails = list(worded().filter(notices__change=asked))
    page = client.get(address).content.decode()
    for mail in mails:
        assert mail.subject.replace("&", "&amp;") in page
        assert mail.to[0] in page
    assert "Queued" in page and ">Sent" not in page
    deliver()
    question = mail_to(cast.requester.email)
    for kind in (MailEvent.Kind.OPENED, MailEvent.Kind.ANSWERED):
        MailEvent.objects.create(
            email=question, change=asked, kind=kind, address=cast.requester.email
        )
    bounce(asked, cast.requester)
    page = client.get(address).content.decode()
    for words in ("Sent", "Link opened", "Answered", "Came back", WHY):
        assert words in page
    told = "Told: “you asked for this change”</div>"
    before = " ".join(page.split()).count(told)
    assert before
    again = question.notices.first()
    again.pk = None
    again.save()
    page = " ".join(client.get(address).content.decode().split())
    assert page.count(told) == before, "a reason that is told twice stands there once"


def test_what_waits_for_a_summary_is_in_the_log(client: Client, cast: Cast) -> None:
    cast.success.mail_pace = "daily"
    cast.success.save()
    change = stories.submitted(cast)
    client.force_login(cast.support)
    page = client.get(reverse("changes:mail_log", args=[change.pk])).content.decode()
    assert "Waits for the daily summary" in page


def test_a_list_that_does_not_hold_all_says_so(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changes.views.mail_log.MOST", 1)
    client.force_login(cast.auditor)
    for more in (False, True):
        change = stories.submitted(cast)
        bounce(change, cast.requester)
        page = client.get(reverse("changes:mail_problems")).content.decode()
        assert change.reference in page
        assert ("Only the newest are shown (1)" in page) == more


def test_log_and_list_cost_the_same_for_one_row_and_for_three(
    client: Client, cast: Cast, django_assert_num_queries: Any
) -> None:
    client.force_login(cast.auditor)
    for number in (1, 3):
        change = stories.in_review(cast)
        for _time in range(number):
            lifecycle.comment(change, actor=cast.success, body="Hello.")
        for person in (cast.requester, cast.support)[:number]:
            bounce(change, person)
        with django_assert_num_queries(LOG_QUERIES):
            client.get(reverse("changes:mail_log", args=[change.pk]))
        with django_assert_num_queries(LIST_QUERIES):
            client.get(reverse("changes:mail_problems"))
