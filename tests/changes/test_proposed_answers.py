"""Answers to the board that came by mail: support or the success team accepts them."""

from typing import Any

import pytest
from django.test import Client

from changes import lifecycle, permissions
from changes.models import Change, ProposedAnswer
from changes.states import State
from changes.views import records
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests import stories
from tests.concurrently import at_once
from tests.letters import write
from tests.mailing import mail_to
from tests.people import Cast

pytestmark = pytest.mark.django_db

MAY = {"support", "success"}


@pytest.fixture
def proposal(cast: Cast) -> ProposedAnswer:
    """A question that Grace has answered by mail."""
    stories.information_required(cast)
    ours = mail_to(cast.requester.email)
    write("There are twelve.", in_reply_to=ours.message_id)
    return ProposedAnswer.objects.get()


def accept(proposal: ProposedAnswer, actor: Any) -> Change:
    """Take the proposal as the answer."""
    question = proposal.question
    return lifecycle.answer_question(
        question.change,
        actor=actor,
        question=question,
        answer=proposal.text,
        proposal=proposal,
    )


def test_support_accepts_it_and_the_change_returns_to_the_board(
    client: Client, cast: Cast, proposal: ProposedAnswer
) -> None:
    client.force_login(cast.support)
    change = proposal.question.change
    page = client.get(change.get_absolute_url()).content.decode()
    assert "There are twelve." in page
    assert "Accept as the answer" in page
    client.post(f"/changes/{change.reference}/answers/{proposal.pk}/accept/")
    change = Change.objects.get()
    question = change.questions.get()
    assert change.state == State.BOARD
    assert (question.answer, question.answered_by) == ("There are twelve.", cast.support)
    proposal.refresh_from_db()
    assert (proposal.accepted, proposal.decided_by) == (True, cast.support)
    (question,) = proposal.question.change.questions.select_related("answerer", "answered_by")
    record = records.question(question, full=True)
    assert record.person == question.answerer, "whose words they are"
    assert ("Passed on by", str(cast.support)) in [(one.label, one.text) for one in record.details]
    event = change.events.get(verb="answer_question")
    assert event.data["via"] == "mail"
    assert event.data["proposal"] == proposal.pk
    assert "Accept as the answer" not in client.get(change.get_absolute_url()).content.decode()


def test_what_is_no_answer_is_set_aside_and_stays_a_comment(
    client: Client, cast: Cast, proposal: ProposedAnswer
) -> None:
    client.force_login(cast.success)
    change = proposal.question.change
    client.post(f"/changes/{change.reference}/answers/{proposal.pk}/discard/")
    proposal.refresh_from_db()
    assert (proposal.accepted, proposal.decided_by) == (False, cast.success)
    assert proposal.question.is_open
    assert change.comments.get().body == "There are twelve."
    assert Change.objects.get().state == State.INFORMATION_REQUIRED
    assert change.events.get(verb="discard_answer").is_internal


@pytest.mark.parametrize("verb", ["accept_answer", "discard_answer"])
def test_who_may(client: Client, cast: Cast, proposal: ProposedAnswer, verb: str) -> None:
    change = proposal.question.change
    by_rule = {n for n, user in cast.people.items() if permissions.check(verb, user, change)}
    assert by_rule == MAY
    path = f"/changes/{change.reference}/answers/{proposal.pk}/{verb.partition('_')[0]}/"
    for name in set(cast.people) - MAY:
        client.force_login(cast.people[name])
        assert client.post(path).status_code in (403, 404), name
        assert "Accept as the answer" not in client.get(change.get_absolute_url()).content.decode()
    proposal.refresh_from_db()
    assert proposal.accepted is None


def test_the_one_who_was_asked_cannot_accept_in_their_own_name(
    cast: Cast, proposal: ProposedAnswer
) -> None:
    with pytest.raises(StepForbidden):
        accept(proposal, cast.requester)
    with pytest.raises(StepForbidden):
        lifecycle.discard_answer(proposal.question.change, actor=cast.requester, proposal=proposal)


def test_it_is_decided_once(cast: Cast, proposal: ProposedAnswer) -> None:
    change = proposal.question.change
    lifecycle.discard_answer(change, actor=cast.support, proposal=proposal)
    with pytest.raises(StepIllegal, match="decided on this answer already"):
        accept(proposal, cast.success)
    with pytest.raises(StepIllegal):
        lifecycle.discard_answer(change, actor=cast.support, proposal=proposal)


def test_after_another_answer_there_is_nothing_to_accept(
    client: Client, cast: Cast, proposal: ProposedAnswer
) -> None:
    question = proposal.question
    lifecycle.answer_question(
        question.change, actor=cast.requester, question=question, answer="Ten."
    )
    client.force_login(cast.support)
    path = f"/changes/{question.change.reference}/answers/{proposal.pk}/accept/"
    assert client.post(path).status_code == 409
    question.refresh_from_db()
    assert question.answer == "Ten."
    proposal.refresh_from_db()
    assert proposal.accepted is None


def test_a_proposal_of_another_change_is_not_there(
    client: Client, cast: Cast, proposal: ProposedAnswer
) -> None:
    other = stories.information_required(cast)
    client.force_login(cast.support)
    path = f"/changes/{other.reference}/answers/{proposal.pk}/accept/"
    assert client.post(path).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_wins(cast: Cast, proposal: ProposedAnswer) -> None:
    answers = at_once(
        lambda: accept(proposal, cast.support), lambda: accept(proposal, cast.success)
    )
    assert sum(isinstance(answer, Change) for answer in answers) == 1
    assert sum(isinstance(answer, StepIllegal) for answer in answers) == 1


def test_the_comment_shows_that_it_came_by_mail_and_folds_what_it_quotes(
    client: Client, cast: Cast
) -> None:
    change = stories.submitted(cast)
    ours = mail_to(cast.requester.email)
    write(
        "East wing only.\n\nOn 24 Nov 2026, at 10:00, Changes wrote:\n> We have it.\n",
        in_reply_to=ours.message_id,
    )
    client.force_login(cast.colleague)
    page = client.get(change.get_absolute_url()).content.decode()
    assert "By mail" in page
    assert "Quoted text and signature" in page
    assert "We have it." in page.partition("Quoted text and signature")[2]
