"""The page on which somebody answers the board."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from changes import lifecycle, permissions, queries
from changes.models import Change
from changes.states import State
from changes.turns import next_step
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import last_row, worded
from tests.people import Cast
from tests.turns import deactivate, move


class TestAnswerQuestion(StepPageTests):
    verb = "answer_question"
    make = stories.information_required
    who = "requester"
    refused = ("developer", "those the board asked")
    required = ("question", "answer")
    texts = {"answer": 10001}
    after = State.BOARD

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        question = change.questions.first()
        return {"question": question.pk if question else 0, "answer": "Forty rooms."}

    def test_says_when_the_step_does_not_belong_here(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        ended = lifecycle.withdraw(change, actor=cast.requester, reason="Not needed.")
        answer = page.get(self.address(ended))
        assert answer.status_code == 409
        assert "does not belong here" in answer.content.decode()

    def test_the_last_answer_returns_the_change(
        self, client: Client, page: Client, cast: Cast
    ) -> None:
        questions = [("How many?", cast.requester), ("Since when?", cast.developer)]
        change = stories.decided(
            stories.on_board(cast), cast, "information_required", questions=questions
        )
        html = page.get(self.address(change)).content.decode()
        assert "How many? (to Grace Requester)" in html
        assert "Since when?" not in html
        second = change.questions.last()
        assert self.send(page, cast, change, question=second.pk).status_code == 400
        with pytest.raises(StepForbidden):
            lifecycle.answer_question(
                change, actor=cast.requester, question=second, answer="Always."
            )
        self.send(page, cast, change)
        now = Change.objects.get(pk=change.pk)
        assert now.state == State.INFORMATION_REQUIRED
        client.force_login(cast.developer)
        assert "Since when?" in client.get(self.address(change)).content.decode()
        assert self.send(client, cast, now, question=second.pk).status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.BOARD

    def test_whoever_comes_late_reads_what_happened_and_is_blamed_for_nothing(
        self, page: Client, cast: Cast
    ) -> None:
        questions = [("How many?", cast.requester), ("Since when?", cast.requester)]
        change = stories.decided(
            stories.on_board(cast), cast, "information_required", questions=questions
        )
        first = change.questions.get(text="How many?")
        lifecycle.answer_question(change, actor=cast.requester, question=first, answer="Forty.")
        late = self.send(page, cast, change, question=first.pk, answer="Forty-two.")
        html = late.content.decode()
        assert late.status_code == 409
        assert "Forty-two." in html
        assert "Since when?" in html
        assert "nothing was saved yet" not in html
        assert "Select a valid choice" not in html

    def test_a_question_of_another_change_is_none(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        other = stories.information_required(cast).questions.get()
        answer = self.send(page, cast, change, question=other.pk)
        assert answer.status_code == 400
        assert self.is_untouched(change)


def test_what_one_of_expansives_own_was_asked_they_answer_while_they_are_there(cast: Cast) -> None:
    questions = [("Since when?", cast.developer)]
    change = stories.decided(
        stories.on_board(cast), cast, "information_required", questions=questions
    )
    question = change.questions.get()
    for other in (cast.support, cast.success):
        assert not permissions.can_answer_question(other, change)
        with pytest.raises(StepForbidden):
            lifecycle.answer_question(change, actor=other, question=question, answer="Always.")
    assert permissions.can_answer_question(cast.developer, change)
    User.objects.filter(pk=cast.developer.pk).update(is_active=False)
    change = Change.objects.get(pk=change.pk)
    assert queries.waiting_on(cast.success).filter(pk=change.pk).exists()
    lifecycle.answer_question(change, actor=cast.success, question=question, answer="Always.")
    assert Change.objects.get(pk=change.pk).state == State.BOARD


@pytest.mark.parametrize("leaves", [deactivate, move])
def test_what_a_customer_was_asked_who_left_waits_for_the_team(
    cast: Cast, leaves: Callable[[User], None]
) -> None:
    change = stories.information_required(cast)
    assert not queries.waiting_on(cast.success).filter(pk=change.pk).exists()
    leaves(change.questions.get().answerer)
    change = Change.objects.get(pk=change.pk)
    assert queries.waiting_on(cast.success).filter(pk=change.pk).exists()


def test_questions_of_a_path_that_was_left_count_for_nothing(cast: Cast) -> None:
    change = stories.information_required(cast)
    old = change.questions.get()
    for _time in range(2):
        change = lifecycle.reclassify(
            change, actor=cast.success, reason="The other kind.", **stories.ASSESSMENT
        )
    before = last_row()
    questions = [("And the gym?", cast.colleague)]
    change = stories.decided(change, cast, "information_required", questions=questions)
    mails = worded(pk__gt=before).filter(message__contains="How many rooms are there?")
    assert not mails.exists()
    assert not queries.waiting_on(cast.requester).filter(pk=change.pk).exists()
    assert next_step(change).who.people == (cast.colleague,)
    with pytest.raises(StepForbidden):
        lifecycle.answer_question(change, actor=cast.requester, question=old, answer="Forty.")
    with pytest.raises(StepIllegal):
        lifecycle.answer_question(change, actor=cast.success, question=old, answer="Forty.")
    new = change.questions.exclude(pk=old.pk).get()
    lifecycle.answer_question(change, actor=cast.colleague, question=new, answer="Yes.")
    assert Change.objects.get(pk=change.pk).state == State.BOARD
