"""The page on which a request that was raised for the wrong customer or person is put right."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from post_office.models import STATUS, Email

from accounts.models import User
from changes import lifecycle
from changes.models import AccessLink, Change
from changes.states import State
from changes.turns.askers import former_requesters
from expansive_cm.workflow.errors import StepError, StepForbidden, StepIncomplete
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import deliver, last_row, mail_to, told, worded
from tests.people import Cast

WHY = "It was the other Grace on the telephone."


def correct(change: Change, cast: Cast, **other: Any) -> Change:
    values = {
        "actor": cast.support,
        "organisation": cast.meridian,
        "requester": cast.stranger_customer,
        "reason": WHY,
        **other,
    }
    return lifecycle.correct_customer(change, **values)


class TestCorrectCustomer(StepPageTests):
    verb = "correct_customer"
    make = stories.submitted
    who = "support"
    refused = ("tester", "This is for support and the customer success team.")
    required = ("organisation", "requester", "reason")
    texts = {"reason": 5001}
    after = State.SUBMITTED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "organisation": cast.meridian.pk,
            "requester": f"{cast.stranger_customer} <{cast.stranger_customer.email}>",
            "reason": WHY,
        }

    def test_somebody_new_can_be_named(self, page: Client, cast: Cast, change: Change) -> None:
        new = {"requester": "Nell.New@meridian.example"}
        assert self.send(page, cast, change, **new).status_code == 400, "a name is wanted"
        theirs = {"requester": "Nell <nell@harbour.example>"}
        assert self.send(page, cast, change, **theirs).status_code == 400
        assert self.is_untouched(change)
        assert self.send(page, cast, change, **new, requester_name="Nell New").status_code == 302
        person = User.objects.get(email="nell.new@meridian.example")
        assert Change.objects.get(pk=change.pk).requester == person

    def test_only_customers_that_one_may_raise_for_are_offered(
        self, client: Client, cast: Cast, change: Change
    ) -> None:
        client.force_login(cast.success)
        html = client.get(self.address(change)).content.decode()
        assert f'<option value="{cast.meridian.pk}"' not in html
        assert self.send(client, cast, change).status_code == 400
        assert self.is_untouched(change)


def test_the_change_is_the_other_customers_from_now_on(cast: Cast) -> None:
    change = stories.submitted(cast)
    change.watchers.add(cast.colleague, cast.developer)
    deliver()
    link = AccessLink.objects.filter(person=cast.requester).latest("pk")
    before = last_row()
    changed = correct(change, cast)
    assert (changed.organisation, changed.requester) == (cast.meridian, cast.stranger_customer)
    assert set(changed.watchers.all()) == {cast.developer}
    assert told(before) == [
        ("dan", "Sam Support corrected customer and requester"),
        ("mia", "We have the request"),
        ("stan", "Waiting for you (Assess)"),
    ]
    assert WHY not in mail_to(cast.stranger_customer.email).message
    link.refresh_from_db()
    assert link.revoked_at is not None


def test_history_keeps_who_why_and_what_was_before(cast: Cast) -> None:
    change = correct(stories.submitted(cast), cast)
    event = change.events.get(verb="correct_customer")
    assert (event.actor, event.reason, event.is_internal) == (cast.support, WHY, True)
    assert event.data["from_name"] == "Grace Requester"
    assert event.data["from_organisation_name"] == "Harbour Hospitals"
    newest, former = change.history.all()[:2]
    assert (newest.organisation, former.organisation) == (cast.meridian, cast.harbour)
    assert newest.history_user == cast.support and WHY in newest.history_change_reason
    assert former_requesters(change) == [cast.requester.pk]


@pytest.mark.parametrize("who", ["stranger_customer", "stranger_success"])
def test_the_new_customer_does_not_learn_who_was_named_before(
    client: Client, cast: Cast, who: str
) -> None:
    change = correct(stories.submitted(cast), cast)
    person = getattr(cast, who)
    client.force_login(person)
    html = client.get(reverse("changes:detail", args=[change.pk])).content.decode()
    assert change.title in html
    assert (WHY in html) is person.is_internal
    assert person.is_internal or "Harbour" not in html and "Grace" not in html.replace(WHY, "")


@pytest.mark.parametrize("who", ["requester", "colleague", "success"])
def test_the_former_customer_has_no_sight_of_it(client: Client, cast: Cast, who: str) -> None:
    change = correct(stories.submitted(cast), cast)
    client.force_login(getattr(cast, who))
    answer = client.get(reverse("changes:detail", args=[change.pk]))
    assert answer.status_code == (404 if who != "success" else 200), "our own people read all"


def test_within_one_customer_support_corrects_the_requester(cast: Cast) -> None:
    change = correct(
        stories.submitted(cast), cast, organisation=cast.harbour, requester=cast.colleague
    )
    assert change.requester == cast.colleague


def test_what_somebody_of_the_customer_wrote_is_not_handed_to_another(cast: Cast) -> None:
    change = stories.submitted(cast)
    lifecycle.comment(change, actor=cast.requester, body="Between us.")
    with pytest.raises(StepIncomplete, match="has taken part"):
        correct(change, cast)
    own = {"organisation": cast.harbour, "requester": cast.colleague}
    assert correct(change, cast, **own).requester == cast.colleague


def test_what_came_along_from_an_earlier_request_is_not_handed_to_another(cast: Cast) -> None:
    """A question that goes on in a successor, or a file: nobody of the customer acted there."""
    old = stories.not_confirmed(cast)
    lifecycle.comment(old, actor=cast.requester, body="Between us: can Grace do it?")
    new = lifecycle.close_with_successor(
        old, actor=cast.success, reason="Beyond.", title="Tablets", description="Too."
    )
    assert new.comments.exists()
    with pytest.raises(StepIncomplete, match="has taken part"):
        correct(new, cast)
    own = {"organisation": cast.harbour, "requester": cast.colleague}
    assert correct(new, cast, **own).requester == cast.colleague


def test_who_was_never_meant_is_told_nothing_within_one_customer_either(cast: Cast) -> None:
    change = stories.submitted(cast)
    correct(change, cast, organisation=cast.harbour, requester=cast.colleague)
    goes = worded().filter(expires_at=None)
    assert not goes.filter(to=[cast.requester.email]).exists()
    assert goes.filter(to=[cast.colleague.email]).exists()
    client = Client()
    client.force_login(cast.requester)
    assert change.reference not in client.get("/notifications/").content.decode()


@pytest.mark.parametrize(
    "other",
    [
        {"requester": "colleague"},
        {"organisation": "harbour", "requester": "requester"},
        {"actor": "success"},
        {"actor": "requester"},
        {"requester": "support"},
    ],
)
def test_what_does_not_fit_is_refused(cast: Cast, other: dict[str, str]) -> None:
    change = stories.submitted(cast)
    values = {name: getattr(cast, value) for name, value in other.items()}
    with pytest.raises((StepError, StepForbidden)):
        correct(change, cast, **values)
    assert Change.objects.get(pk=change.pk).requester == cast.requester
    assert not change.events.filter(verb="correct_customer").exists()


def test_mail_that_waits_does_not_reach_the_wrong_person(cast: Cast, settings: Any) -> None:
    settings.MAIL_BURST_SECONDS = 120
    change = stories.submitted(cast)
    correct(change, cast)
    settings.MAIL_BURST_SECONDS = 0
    Email.objects.update(scheduled_time=None)
    deliver()
    sent = Email.objects.filter(status=STATUS.sent)
    assert not sent.filter(to=[cast.requester.email]).exists()
    assert not sent.filter(to=[cast.success.email], subject__contains="Waiting").exists()
    assert sent.filter(to=[cast.stranger_customer.email]).exists()


def test_what_had_reached_the_wrong_person_is_said(client: Client, cast: Cast) -> None:
    change = stories.submitted(cast)
    address = f"{change.get_absolute_url()}correct_customer/"
    client.force_login(cast.support)
    nothing = client.get(address)
    assert nothing.context["arrived"] == []
    assert "has reached" not in nothing.content.decode()

    deliver()
    (subject,) = client.get(address).context["arrived"]
    assert change.title in subject
    corrected = correct(change, cast)
    client.force_login(cast.auditor)
    page = client.get(corrected.get_absolute_url()).content.decode()
    assert f"Had reached {cast.requester} by mail:" in page and subject in page
    client.force_login(cast.stranger_customer)
    assert "Had reached" not in client.get(corrected.get_absolute_url()).content.decode()
