"""What a customer asked and nobody answered when a change ends.

Costs about 4 s: each way of ending once, and the pages without a browser.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes import lifecycle, story
from changes.asked import asks, notices
from changes.models import Change
from changes.states import FINAL, State
from changes.views.as_file import in_words
from expansive_cm.workflow.errors import StepIncomplete
from tests import stories
from tests.people import Cast
from tests.situations import escalated

QUESTION = "Will the tablets show it as well?"
Make = Callable[[Cast], Change]


def ask(change: Change, cast: Cast, words: str = QUESTION) -> Change:
    """Let the requester ask something, after our last word."""
    lifecycle.comment(change, actor=cast.requester, body=words)
    return Change.objects.get(pk=change.pk)


BY_OURS: dict[str, tuple[State, Make, Callable[..., Change]]] = {
    "refused at review": (
        State.REFUSED,
        stories.in_review,
        lambda change, cast, **more: lifecycle.review(
            change, actor=cast.success, outcome="refused", findings="No.", **more
        ),
    ),
    "rolled back": (
        State.CLOSED,
        stories.rolled_back,
        lambda change, cast, **more: lifecycle.close_rolled_back(
            change, actor=cast.success, reason="No.", **more
        ),
    ),
    "silent": (
        State.CLOSED,
        escalated,
        lambda change, cast, **more: lifecycle.close_unanswered(
            change, actor=cast.success, reason="No answer.", **more
        ),
    ),
    "withdrawn for them": (
        State.WITHDRAWN,
        stories.submitted,
        lambda change, cast, **more: lifecycle.withdraw(
            change, actor=cast.support, reason="Phoned.", **more
        ),
    ),
}
BY_OTHERS: dict[str, tuple[State, Make, Callable[[Change, Cast], Change]]] = {
    "refused by the approver": (
        State.REFUSED,
        stories.in_authorisation,
        lambda change, cast: lifecycle.authorise(
            change, actor=cast.approver, outcome="refused", reason="No."
        ),
    ),
    "rejected": (
        State.REJECTED,
        stories.on_board,
        lambda change, cast: stories.decided(
            change, cast, "rejected", category="not_strategic", reason="No."
        ),
    ),
    "confirmed": (
        State.CLOSED,
        stories.in_confirmation,
        lambda change, cast: lifecycle.answer_confirmation(
            change, actor=cast.requester, confirmed=True
        ),
    ),
    "withdrawn by themselves": (
        State.WITHDRAWN,
        stories.submitted,
        lambda change, cast: lifecycle.withdraw(change, actor=cast.requester, reason="No need."),
    ),
}


def close_with_successor(change: Change, cast: Cast, **more: str) -> Change:
    return lifecycle.close_with_successor(
        change, actor=cast.success, reason="Beyond.", title="Tablets", description="Too.", **more
    )


@pytest.mark.parametrize("ending", BY_OURS)
def test_ours_answer_before_they_end_a_change(cast: Cast, ending: str) -> None:
    state, make, end = BY_OURS[ending]
    change = ask(make(cast), cast)
    with pytest.raises(StepIncomplete) as refused:
        end(change, cast, answer=" ")
    assert refused.value.missing == ["answer"]
    assert Change.objects.get(pk=change.pk).state == change.state
    ended = end(change, cast, answer="Yes, from Monday on.")
    assert ended.state == state and not ended.left_unanswered
    assert ended.comments.last().body == "Yes, from Monday on."
    assert [one.verb for one in ended.events.order_by("-pk")[:2]][1] == "comment"


@pytest.mark.parametrize("ending", BY_OTHERS)
def test_what_others_end_is_answered_afterwards(cast: Cast, client: Client, ending: str) -> None:
    state, make, end = BY_OTHERS[ending]
    end(ask(make(cast), cast), cast)
    ended = Change.objects.latest("pk")
    assert ended.state == state and ended.left_unanswered
    client.force_login(cast.success)
    address = ended.get_absolute_url()
    assert f'href="{address}#comments-section"' in client.get("/").content.decode()
    assert [one.url for one in notices(cast.support)] == [f"{address}#comments-section"]
    assert not notices(cast.stranger_success)
    lifecycle.comment(ended, actor=cast.support, body="Ask Sales.", internal=True)
    assert notices(cast.success)
    send = reverse("changes:comment", args=[ended.pk])
    assert client.post(send, {"body": "Yes.", "audience": "public"}).status_code == 302
    assert not notices(cast.success)
    assert client.post(send, {"body": "Yes!", "audience": "public"}).status_code == 409
    assert ended.comments.last().body == "Yes."


def test_all_ways_of_ending_are_tried() -> None:
    assert {state for state, _make, _end in [*BY_OURS.values(), *BY_OTHERS.values()]} == FINAL


def test_who_asked_reads_that_it_is_open_and_may_go_on_in_a_follow_up(
    cast: Cast, client: Client
) -> None:
    _state, make, end = BY_OTHERS["confirmed"]
    ended = end(ask(make(cast), cast), cast)
    client.force_login(cast.requester)
    page = client.get(ended.get_absolute_url()).content.decode()
    assert "Your question is still open." in page
    send = reverse("changes:comment", args=[ended.pk])
    assert client.post(send, {"body": "And?"}).status_code == 409
    assert f"\n> {QUESTION}\n" in lifecycle.follow_up(ended, actor=cast.requester).description


def test_a_mistaken_rejection_leaves_no_question(cast: Cast, settings: Any) -> None:
    settings.OUTCOME_UNDO_SECONDS = 300
    _state, make, end = BY_OTHERS["rejected"]
    ended = end(ask(make(cast), cast), cast)
    lifecycle.take_back_board_outcome(ended, actor=cast.chair, reason="A slip.")
    back = Change.objects.get(pk=ended.pk)
    assert back.state == State.BOARD and not back.left_unanswered


def test_a_successor_asks_it_in_the_same_name(cast: Cast, client: Client) -> None:
    old = ask(stories.not_confirmed(cast), cast)
    lifecycle.comment(old, actor=cast.success, body="Zxqj?", internal=True)
    new = close_with_successor(old, cast)
    [asked] = new.comments.all()
    assert (asked.body, asked.author, asked.is_internal) == (QUESTION, cast.requester, False)
    assert not Change.objects.get(pk=old.pk).left_unanswered
    for who in (cast.success, cast.requester):
        client.force_login(who)
        page = client.get(old.get_absolute_url()).content.decode()
        assert f'It is asked in <a href="{new.get_absolute_url()}">' in page
        page = client.get(new.get_absolute_url()).content.decode()
        assert f'Asked in <a href="{old.get_absolute_url()}#comments-section">' in page
        for one, words in ((old, new.reference), (new, old.reference)):
            told = in_words(story.load(who, one.pk, with_talk=True), who, timezone.now())
            [mark] = [mark for mark in told["comments"][0]["marks"] if "asked in" in mark]
            assert words in mark


def test_the_requesters_own_successor_asks_it_too(cast: Cast) -> None:
    old = ask(stories.further_wished(cast), cast)
    new = lifecycle.request_successor(
        old, actor=cast.requester, title="Tablets", description="On tablets too."
    )
    assert [one.body for one in new.comments.all()] == [QUESTION]
    assert not Change.objects.get(pk=old.pk).left_unanswered


def test_the_page_shows_it_and_takes_the_answer(cast: Cast, client: Client) -> None:
    change = ask(stories.in_review(cast), cast)
    client.force_login(cast.success)
    address = reverse("changes:review", args=[change.pk])
    page = client.get(address).content.decode()
    assert QUESTION in page and 'name="answer"' in page
    sent = {"seen": change.version, "outcome": "refused", "findings": "No."}
    again = client.post(address, sent)
    assert again.status_code == 400
    assert again.context["form"].errors["answer"]
    assert client.post(address, sent | {"answer": "Yes."}).status_code == 302
    assert [one.body for one in change.comments.all()] == [QUESTION, "Yes."]


@pytest.mark.parametrize(
    ("words", "asking"),
    [
        ("When?", True),
        ("Works (or does it?)", True),
        ("这样可以吗？谢谢", True),
        ("**Really?**", True),
        ("Thanks!", False),
        ("See https://example.org/find?page=2", False),
        ("> When?\nOn Monday, thanks.", False),
    ],
)
def test_what_asks(words: str, asking: bool) -> None:
    assert asks(words) == asking
