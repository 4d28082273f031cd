"""The requester's mail, shown before it is sent, and what never is in it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from post_office.models import Email

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle
from crb.lifecycle.preview import without_token
from crb.models import AgendaItem, BoardOutcome
from tests.crb.conftest import Table
from tests.mailing import last_row, mail_to, worded

pytestmark = pytest.mark.django_db
LIVE = {"hx-request": "true", "hx-target": "outcome-preview"}


def form(table: Table, item: AgendaItem, outcome: str, **fields: Any) -> dict[str, Any]:
    version = Change.objects.get(pk=item.change_id).version
    data = {"seen": version, "outcome": outcome, **fields}
    if outcome == "information_required":
        data |= {"question_1": "How many rooms?", "answerer_1": table.cast.requester.pk}
    if outcome == "rejected":
        data |= {"category": "not_strategic"}
    return data


def post(client: Client, table: Table, item: AgendaItem, data: Any, live: bool = False) -> Any:
    client.force_login(table.chair)
    headers = LIVE if live else {}
    return client.post(f"/board/items/{item.pk}/outcome/preview/", data, headers=headers)


def shown(answer: Any) -> Email:
    return answer.context["mail"]


OUTCOMES = ("accepted", "accepted_as_priority", "information_required", "rejected")


def each_outcome(table: Table) -> Iterator[tuple[AgendaItem, str]]:
    """The same running item for each outcome; what was done with it is taken back."""
    item = table.running_item()
    for outcome in OUTCOMES:
        with transaction.atomic():
            yield AgendaItem.objects.get(pk=item.pk), outcome
            transaction.set_rollback(True)


def test_the_preview_is_the_mail_that_is_sent(client: Client, table: Table) -> None:
    for item, outcome in each_outcome(table):
        is_sent_as_previewed(client, table, item, outcome)


def is_sent_as_previewed(client: Client, table: Table, item: AgendaItem, outcome: str) -> None:
    table.vote(item, *[outcome] * 4)
    data = form(table, item, outcome, reason="We <looked> into it & decided.")
    before = last_row()
    answer = post(client, table, item, data, live=True)
    preview = shown(answer)
    assert answer.status_code == 200
    assert (last_row(), BoardOutcome.objects.count()) == (before, 0)
    client.post(f"/board/items/{item.pk}/outcome/", data)
    sent = mail_to(table.cast.requester.email)
    assert sent.pk > before
    assert preview.subject == sent.subject
    assert preview.message == without_token(sent.message)
    assert preview.html_message == without_token(sent.html_message)
    assert "We <looked> into it & decided." in preview.message
    page = answer.content.decode()
    assert "We &lt;looked&gt; into it &amp; decided." in page
    assert not re.search(r"/r/[\w-]{20,}", page), "no secret link on the chair's screen"


def test_the_preview_says_what_is_missing(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["rejected"] * 4)
    data = form(table, item, "rejected", reason="")
    answer = post(client, table, item, data, live=True)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Explain why the change does not meet the strategic goals." in page
    assert shown(answer) is None


def test_without_scripts_the_preview_stands_above_the_button(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    data = form(table, item, "accepted", reason="It pays for itself.")
    answer = post(client, table, item, data)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "What the requester will read" in page
    assert "It pays for itself.</textarea>" in page
    assert page.index("The board accepted the request") < page.index("Record the outcome</button>")
    assert post(client, table, item, {**data, "outcome": ""}).status_code == 400


def test_the_preview_is_for_whoever_records(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    data = form(table, item, "accepted")
    address = f"/board/items/{item.pk}/outcome/preview/"
    for user, status in ((table.cast.crb_member, 403), (table.cast.requester, 404)):
        client.force_login(user)
        assert client.post(address, data).status_code == status
    client.force_login(table.chair)
    assert client.get(address).status_code == 405


def test_an_inactive_requester_gets_no_mail_and_the_chair_reads_so(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    table.cast.requester.is_active = False
    table.cast.requester.save()
    answer = post(client, table, item, form(table, item, "accepted"), live=True)
    assert "The requester gets no mail" in answer.content.decode()


def test_questions_can_be_added_up_to_ten_and_nothing_typed_is_lost(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    table.vote(item, *["information_required"] * 4)
    data = form(table, item, "information_required", reason="Kept.", add_question="1")
    data |= {"question_2": "Kept too?", "question_3": ""}
    answer = post(client, table, item, data)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="question_4"' in page and 'name="question_5"' not in page
    assert "Kept.</textarea>" in page and "Kept too?</textarea>" in page
    assert "There is a problem" not in page
    data["question_10"] = ""
    page = post(client, table, item, data).content.decode()
    assert 'name="question_10"' in page and 'name="question_11"' not in page
    assert "One more question" not in page
    data |= {"question_11": "One too many?"}
    client.force_login(table.chair)
    answer = client.post(f"/board/items/{item.pk}/outcome/", data)
    assert answer.status_code == 400
    assert "Ask at most 10 questions at once." in answer.content.decode()
    assert not BoardOutcome.objects.exists()


# The board's internal reasoning stays inside


def test_what_members_wrote_never_reaches_the_requester(client: Client, table: Table) -> None:
    for item, outcome in each_outcome(table):
        keeps_what_members_wrote(client, table, item, outcome)


def keeps_what_members_wrote(client: Client, table: Table, item: AgendaItem, outcome: str) -> None:
    for member in table.members[:5]:
        lifecycle.cast_vote(
            item,
            actor=member,
            choice=outcome,
            reason="SECRET: this customer never pays.",
            question="SECRET: can they afford it?",
            category="not_strategic",
            elsewhere="SECRET: project Falcon",
        )
    lifecycle.recuse(item, actor=table.members[5], reason="SECRET: I hold their shares.")
    fields: dict[str, Any] = {"reason": "In words for the customer."}
    if outcome == "information_required":
        fields["questions"] = [("How many rooms?", table.cast.requester)]
    if outcome == "rejected":
        fields["category"] = "not_strategic"
    before = last_row()
    lifecycle.record_outcome(item, actor=table.chair, outcome=outcome, **fields)
    mails = worded(pk__gt=before, to=table.cast.requester.email)
    assert mails.count() == 1
    for mail in mails:
        assert "SECRET" not in mail.subject + mail.message + mail.html_message
        assert "In words for the customer." in mail.message
        link = re.search(r"/r/[\w-]+/", mail.message)
        if link:
            assert "SECRET" not in client.get(link.group()).content.decode()
    for reader in (table.cast.requester, table.cast.colleague, table.cast.approver):
        client.force_login(reader)
        page = client.get(item.change.get_absolute_url())
        assert page.status_code == 200
        assert "SECRET" not in page.content.decode()
        assert "5 of 6" not in page.content.decode(), "nor how many voted for what"


def test_why_there_is_no_mail_is_said(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    for fields, words in (
        ({"mail_pace": "daily"}, "they read it in their daily summary"),
        ({"mail_pace": "needed"}, "they chose to be mailed only what needs them"),
        ({"news": "outcome:app"}, "they chose to read of outcomes in the app alone"),
        ({"news": "outcome:none"}, "they chose to be told of no outcomes"),
        ({"is_active": False}, "they no longer have access"),
    ):
        User.objects.filter(pk=table.cast.requester.pk).update(**fields)
        answer = post(client, table, item, form(table, item, "accepted"), live=True)
        assert shown(answer) is None, words
        page = answer.content.decode()
        assert words in page
        assert page.count("The requester gets no mail") == 1, words


def test_a_mail_that_the_news_joins_is_shown_whole(
    client: Client, table: Table, settings: Any
) -> None:
    settings.MAIL_BURST_SECONDS = 3600
    item = table.running_item()
    change = Change.objects.get(pk=item.change_id)
    change_lifecycle.comment(change, actor=table.cast.success, body="The board meets now.")
    table.vote(item, *["accepted"] * 4)
    data = form(table, item, "accepted", reason="Long overdue.")
    before = last_row()
    preview = shown(post(client, table, item, data, live=True))
    assert "Long overdue." in preview.message
    client.post(f"/board/items/{item.pk}/outcome/", data)
    sent = mail_to(table.cast.requester.email)
    assert sent.pk <= before, "it joined a mail that waits"
    assert preview.message == without_token(sent.message)
