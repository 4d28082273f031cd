"""The page on which a requester who leaves is replaced, and all of their requests at once."""

from email.utils import parseaddr
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import EmailDomain, User
from changes import lifecycle
from changes.models import AccessLink, Change, ConfirmationLink, Event
from changes.states import State
from expansive_cm.workflow.errors import StepError, StepForbidden, StepIncomplete
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import last_row, link_in, mail_to, told, worded
from tests.people import Cast

OURS = f"nell@{parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition('@')[2]}"
WHY = "She's leaving on Friday."


def replace(change: Change, cast: Cast, **other: Any) -> Change:
    values = {"actor": cast.success, "successor": cast.colleague, "reason": WHY, **other}
    return lifecycle.replace_requester(change, **values)


class TestReplaceRequester(StepPageTests):
    verb = "replace_requester"
    make = stories.in_review
    who = "success"
    refused = ("tester", "This is for the requester, the customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.REVIEW

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"successor": cast.colleague.pk, "reason": WHY}

    def test_offers_people_of_the_customer_alone(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        html = page.get(self.address(change)).content.decode()
        assert f'value="{cast.colleague.pk}"' in html
        for outsider in (cast.requester, cast.stranger_customer, cast.support):
            assert f'<option value="{outsider.pk}"' not in html
            assert self.send(page, cast, change, successor=outsider.pk).status_code == 400
        assert self.is_untouched(change)

    def test_somebody_new_can_be_named(self, page: Client, cast: Cast, change: Change) -> None:
        new = {"successor": "", "new_name": "Nell New", "new_email": "Nell.New@harbour.example"}
        for missing in ("new_name", "new_email"):
            answer = self.send(page, cast, change, **{**new, missing: ""})
            assert answer.status_code == 400
        taken = {**new, "new_email": cast.stranger_customer.email}
        assert self.send(page, cast, change, **taken).status_code == 403
        assert self.is_untouched(change)
        EmailDomain.objects.create(organisation=cast.meridian, domain="meridian.example")
        for elsewhere in ("nell@meridian.example", "nell@post.meridian.example", OURS):
            answer = self.send(page, cast, change, **{**new, "new_email": elsewhere})
            assert answer.status_code == 400
            assert "This address cannot be used for" in answer.content.decode()
            with pytest.raises(StepForbidden, match="This address cannot be used for"):
                lifecycle.find_or_create_requester(
                    elsewhere, "Nell", cast.harbour, actor=cast.support
                )
        assert self.is_untouched(change)
        assert self.send(page, cast, change, **new).status_code == 302
        person = User.objects.get(email="nell.new@harbour.example")
        assert Change.objects.get(pk=change.pk).requester == person
        assert not person.has_usable_password()

    def test_the_other_open_requests_go_along_if_wished(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        assert 'name="everywhere"' not in page.get(self.address(change)).content.decode()
        others = [stories.submitted(cast), stories.on_board(cast)]
        ended = stories.withdrawn(cast)
        html = page.get(self.address(change)).content.decode()
        assert "Hand over the 2 other open requests of Grace Requester too" in html
        assert self.send(page, cast, change, everywhere="on").status_code == 302
        for one in (change, *others):
            assert Change.objects.get(pk=one.pk).requester == cast.colleague
            event = one.events.get(verb="replace_requester")
            assert (event.actor, event.reason) == (cast.success, WHY)
        assert Change.objects.get(pk=ended.pk).requester == cast.requester


OUTSIDE = ("nell@gmail.example", "nell@harbour.example.net", "nell@meridian.example", OURS)


@pytest.mark.parametrize("address", ["changes:replace_requester", "changes:hand_over"])
def test_a_requester_lets_in_nobody_from_outside(client: Client, cast: Cast, address: str) -> None:
    """Whoever is added sees the customer's changes: a requester cannot vouch for any address."""
    EmailDomain.objects.create(organisation=cast.meridian, domain="meridian.example")
    change = stories.in_review(cast)
    about = {"changes:replace_requester": change, "changes:hand_over": cast.requester}[address]
    page = reverse(address, args=[about.pk])
    new = {"successor": "", "new_name": "Nell", "reason": WHY, "seen": change.version}
    client.force_login(cast.requester)
    for outside in (*OUTSIDE, cast.stranger_success.email):
        answer = client.post(page, {**new, "new_email": outside})
        assert answer.status_code == 400
        assert "please ask your customer success team" in " ".join(answer.content.decode().split())
        with pytest.raises(StepForbidden, match="please ask your"):
            lifecycle.find_or_create_requester(outside, "N", cast.harbour, actor=cast.requester)
    assert not User.objects.filter(display_name="Nell").exists()
    inside = {**new, "new_email": "nell@post.harbour.example"}
    assert client.post(page, inside).status_code == 302
    assert Change.objects.get(pk=change.pk).requester.email == "nell@post.harbour.example"


def test_the_success_team_vouches_for_an_address_outside(cast: Cast) -> None:
    outside = lifecycle.find_or_create_requester(
        "nell@gmail.example", "Nell", cast.harbour, actor=cast.success
    )
    assert replace(stories.in_review(cast), cast, successor=outside).requester == outside
    by_requester = lifecycle.find_or_create_requester(
        "nell@gmail.example", "Nell", cast.harbour, actor=cast.requester
    )
    assert by_requester == outside


def test_the_record_names_both_and_history_says_why(cast: Cast) -> None:
    change = replace(stories.in_review(cast), cast)
    event = change.events.get(verb="replace_requester")
    assert (event.data["from_name"], event.data["to_name"]) == (
        "Grace Requester",
        "Colin Colleague",
    )
    newest = change.history.first()
    assert newest.requester == cast.colleague
    assert newest.history_user == cast.success
    assert WHY in newest.history_change_reason


def test_the_requester_may_do_it_and_is_told_nothing_of_the_own_act(cast: Cast) -> None:
    change = stories.in_review(cast)
    before = last_row()
    replace(change, cast, actor=cast.requester)
    assert told(before) == [
        ("cleo", "Grace Requester named another requester"),
        ("colin", "You are now the requester"),
        ("sam", "Grace Requester named another requester"),
    ]


def test_the_former_requester_is_told_by_whom_it_was_not(cast: Cast) -> None:
    change = stories.in_review(cast)
    before = last_row()
    replace(change, cast, actor=cast.administrator)
    assert ("grace", "Colin Colleague is now the requester") in told(before)
    assert WHY in mail_to(cast.requester.email).message


@pytest.mark.parametrize("who", ["stranger_customer", "support", "requester"])
def test_only_another_person_of_the_same_customer_takes_over(cast: Cast, who: str) -> None:
    change = stories.in_review(cast)
    with pytest.raises(StepIncomplete):
        replace(change, cast, successor=getattr(cast, who))
    cast.colleague.is_active = False
    cast.colleague.save()
    with pytest.raises(StepIncomplete):
        replace(change, cast)
    assert not change.events.filter(verb="replace_requester").exists()


def test_whoever_approved_a_change_does_not_become_its_requester(cast: Cast) -> None:
    change = stories.in_execution(cast)
    with pytest.raises(StepIncomplete, match="Separation of duties"):
        replace(change, cast, successor=cast.approver)


def test_questions_of_the_board_go_along_and_old_links_stop(cast: Cast, client: Client) -> None:
    change = stories.information_required(cast)
    worded(to=cast.requester.email)
    link = AccessLink.objects.filter(change=change, person=cast.requester).order_by("-pk")[0]
    replace(change, cast)
    question = change.questions.get()
    assert question.answerer == cast.colleague
    assert question.history.first().history_user == cast.success
    link.refresh_from_db()
    assert link.revoked_at is not None
    lifecycle.answer_question(change, actor=cast.colleague, question=question, answer="Forty.")
    assert Change.objects.get(pk=change.pk).state == State.BOARD


def test_the_question_whether_it_meets_the_need_is_put_to_the_successor(
    cast: Cast, client: Client
) -> None:
    change = stories.in_confirmation(cast)
    old = link_in(mail_to(cast.requester.email))
    assert client.get(old).status_code == 200
    before = last_row()
    replace(change, cast)
    assert client.get(old).status_code == 404
    assert [subject for name, subject in told(before) if name == "colin"] == ["Please confirm"]
    asked = worded(to=cast.colleague.email).get(message__contains="/confirm/")
    for body in (asked.message, asked.html_message):
        assert "You are now the requester of this change, instead of Grace Requester." in body
        assert "that you asked for" not in body
    assert ("grace", "Colin Colleague is now the requester") in told(before)
    assert client.get(link_in(asked)).status_code == 200
    assert ConfirmationLink.objects.filter(superseded_at=None).count() == 1
    with pytest.raises(StepError):
        lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    lifecycle.answer_confirmation(change, actor=cast.colleague, confirmed=True)


# --- All open requests of a person -------------------------------------------------------------


def hand_over_page(person: User) -> str:
    return f"/requesters/{person.pk}/successor/"


@pytest.mark.parametrize("who", ["requester", "success", "administrator"])
def test_a_person_hands_over_all_open_requests(cast: Cast, client: Client, who: str) -> None:
    changes = [stories.submitted(cast), stories.on_board(cast)]
    client.force_login(getattr(cast, who))
    page = client.get(hand_over_page(cast.requester)).content.decode()
    assert "2 open requests" in page
    data = {"successor": cast.colleague.pk, "reason": WHY}
    assert client.post(hand_over_page(cast.requester), data).status_code == 302
    assert {Change.objects.get(pk=one.pk).requester for one in changes} == {cast.colleague}
    assert Event.objects.filter(verb="replace_requester").count() == 2
    assert (
        "There is nothing to hand over"
        in client.get(hand_over_page(cast.requester)).content.decode()
    )
    assert client.post(hand_over_page(cast.requester), data).status_code == 409


def test_others_have_no_such_page(cast: Cast, client: Client) -> None:
    path = hand_over_page(cast.requester)
    assert client.get(path).status_code == 302
    for who in ("colleague", "approver", "support", "stranger_success", "tester", "auditor"):
        client.force_login(getattr(cast, who))
        assert client.get(path).status_code == 404, who
        assert client.post(path, {"successor": cast.colleague.pk}).status_code == 404
    client.force_login(cast.administrator)
    assert client.get(hand_over_page(cast.support)).status_code == 404, "Expansive's own"


def test_a_mistake_keeps_what_was_typed(cast: Cast, client: Client) -> None:
    change = stories.submitted(cast)
    client.force_login(cast.requester)
    answer = client.post(hand_over_page(cast.requester), {"reason": "Leaving."})
    assert answer.status_code == 400
    assert "Leaving." in answer.content.decode()
    assert Change.objects.get(pk=change.pk).requester == cast.requester


def test_all_or_none_go_along(cast: Cast) -> None:
    stories.submitted(cast)
    approved = stories.in_execution(cast)
    refusal = f"Separation of duties: .* approved {approved.reference}, and cannot"
    with pytest.raises(StepIncomplete, match=refusal):
        lifecycle.hand_over(cast.requester, actor=cast.success, successor=cast.approver, reason=WHY)
    assert not Event.objects.filter(verb="replace_requester").exists()
