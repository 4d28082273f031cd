"""Who has no account raises what goes on from an ended request with a button of its page."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from changes import access_links, lifecycle, permissions
from changes.lifecycle.confirmation import issue_link
from changes.lifecycle.core import Step
from changes.models import Change, ChangeLink, Comment, Service
from changes.states import FINAL, State
from changes.views import further
from changes.views.secret_address import Limit
from expansive_cm.workflow.errors import ChangeStale, StepError, StepForbidden
from tests import stories
from tests.mailing import last_row, mail_to, told
from tests.people import Cast

BUTTON = "Raise a new request"
SENT = {"act": "follow_up", "title": "Book the gym", "description": "At <b>night</b>."}


@pytest.fixture(autouse=True)
def nothing_counted(db: None) -> Iterator[None]:
    """Every test begins with a person who has sent nothing."""
    yield
    cache.clear()


def page_for(change: Change, who: str, cast: Cast) -> str:
    return access_links.issue(change, cast.people[who], actor=None)[0]


def question_of(change: Change) -> str:
    """The mailed page of a question, which shows what followed once it is answered."""
    step = Step(change, "resend_confirmation", change.requester)
    assert change.confirmation is not None
    return reverse("changes:confirmation", args=[issue_link(step, change.confirmation)])


def made_after(old: Change) -> list[Change]:
    return list(Change.objects.exclude(pk=old.pk))


@pytest.mark.parametrize("state", sorted(FINAL))
def test_the_page_of_every_ended_request_has_the_button(
    client: Client, cast: Cast, state: State
) -> None:
    old = stories.change_in(state, cast)
    page = client.get(page_for(old, "requester", cast)).content.decode()
    assert BUTTON in page and f"This follows {old.reference}." in page


def test_what_goes_on_has_none(client: Client, cast: Cast) -> None:
    old = stories.submitted(cast)
    link = page_for(old, "requester", cast)
    assert BUTTON not in client.get(link).content.decode()
    answer = client.post(link, SENT)
    assert answer.status_code == 409 and "Book the gym" in answer.content.decode()
    assert not made_after(old)


def press(client: Client, link: str, **more: Any) -> Any:
    return client.post(link, {**SENT, **more}, follow=True)


@pytest.mark.parametrize("through", ["request", "question"])
def test_it_sends_a_request_that_is_linked_and_tells_its_writer(
    client: Client, cast: Cast, through: str
) -> None:
    old = stories.closed(cast)
    link = page_for(old, "requester", cast) if through == "request" else question_of(old)
    assert BUTTON in client.get(link).content.decode()
    before, version = last_row(), Change.objects.get(pk=old.pk).version
    page = press(client, link).content.decode()
    [new] = made_after(old)
    assert f"Your new request {new.reference} is sent." in page
    assert f"It goes on in <strong>{new.reference} Book the gym</strong>" in page
    assert (new.state, new.channel, new.raised_by) == (State.SUBMITTED, "email", cast.requester)
    assert (new.requester, new.organisation) == (cast.requester, old.organisation)
    bond = new.links_out.get()
    assert (bond.target, bond.kind) == (old, ChangeLink.Kind.SUCCESSOR_OF)
    event = new.events.get()
    assert (event.verb, event.actor, event.data["via"]) == ("submit", cast.requester, "link")
    assert new.history.latest().history_change_reason.startswith("submitted")
    assert "through a mailed link" in new.history.latest().history_change_reason
    assert told(before) == [
        ("cleo", "Waiting for you (Assess)"),
        ("grace", "We have the request"),
    ]
    assert new.reference in mail_to(cast.requester.email).message
    assert Change.objects.get(pk=old.pk).version == version, "the ended one stays as it is"


def test_a_colleague_who_follows_asks_in_their_own_name(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    old.watchers.add(cast.colleague)
    press(client, page_for(old, "colleague", cast))
    [new] = made_after(old)
    assert (new.requester, new.raised_by) == (cast.colleague, cast.colleague)


def test_opening_sends_nothing_and_a_mistake_loses_nothing(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    link = page_for(old, "requester", cast)
    client.get(link, SENT)
    for lacking in ({"title": " "}, {"description": "D" * 50001}, {"title": "T" * 201}):
        answer = press(client, link, **lacking)
        assert answer.status_code == 400
        kept = {**SENT, **lacking}
        assert kept["title"].strip() in answer.content.decode()
        assert "<details open>" in answer.content.decode()
    assert not made_after(old)


def test_sent_twice_it_is_one(cast: Cast) -> None:
    old = stories.closed(cast)
    for link in (page_for(old, "requester", cast), question_of(old)):
        before = Change.objects.count()
        client = Client()
        token = client.get(link).context["csrf_token"]
        answers = [press(client, link, csrfmiddlewaretoken=str(token)) for _time in range(2)]
        assert "This was sent before, and taken once." in answers[1].content.decode()
        assert Change.objects.count() == before + 1


def test_a_link_that_ended_or_a_customer_that_left_sends_nothing(
    client: Client, cast: Cast
) -> None:
    old = stories.closed(cast)
    links = (page_for(old, "requester", cast), question_of(old))
    cast.harbour.is_active = False
    cast.harbour.save()
    for link in links:
        assert BUTTON not in client.get(link).content.decode()
        assert press(client, link).status_code in (404, 409)
    cast.requester.is_active = False
    cast.requester.save()
    for link in links:
        assert press(client, link).status_code == 404
    assert not made_after(old)


def test_somebody_else_who_is_signed_in_sends_nothing(client: Client, cast: Cast) -> None:
    old = stories.closed(cast)
    client.force_login(cast.stranger_customer)
    for link in (page_for(old, "requester", cast), question_of(old)):
        answer = press(client, link)
        assert answer.status_code == 403 and "Book the gym" in answer.content.decode()
    assert not made_after(old)


def test_many_requests_are_refused_for_a_while_and_given_back(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(further, "REQUESTS_ALLOWED", Limit("link-requests", 1, 3600))
    old = stories.closed(cast)
    first, second = page_for(old, "requester", cast), question_of(old)
    press(client, first)
    for link, status in ((first, 429), (second, 409)):
        answer = press(client, link, title="Another")
        assert answer.status_code == status
        assert "very much in a short time" in answer.content.decode()
        assert "Another" in answer.content.decode()
    assert len(made_after(old)) == 1


def test_who_may_is_who_may_follow_up_signed_in(cast: Cast) -> None:
    old = stories.withdrawn(cast)
    assert permissions.can_follow_up(cast.requester, old)
    assert not permissions.can_follow_up(cast.stranger_customer, old)


def test_whose_part_in_it_ended_sends_nothing_through_a_page_opened_before(cast: Cast) -> None:
    """Replaced, moved to another customer, left, or without the link by the time that it counts."""
    old = stories.withdrawn(cast)
    old.watchers.add(cast.colleague)
    words = {"title": "Gym", "description": "At night."}
    _path, link = access_links.issue(old, cast.colleague, actor=None)

    def refused(error: type[StepError]) -> None:
        with pytest.raises(error), transaction.atomic():
            lifecycle.send_follow_up(old, actor=cast.colleague, link=link, **words)

    for change in ({"organisation": cast.meridian}, {"is_active": False}):
        before = {name: getattr(cast.colleague, name) for name in change}
        User.objects.filter(pk=cast.colleague.pk).update(**change)
        refused(StepForbidden)
        User.objects.filter(pk=cast.colleague.pk).update(**before)
    old.watchers.clear()
    refused(ChangeStale)
    assert not made_after(old)


def test_it_takes_services_in_use_and_quotes_nothing_internal(client: Client, cast: Cast) -> None:
    old = stories.closed(cast)
    kept, ended = (Service.objects.create(name=name) for name in ("Gym", "Telex"))
    old.services.set([kept, ended])
    Service.objects.filter(pk=ended.pk).update(is_active=False)
    for author, internal in ((cast.requester, False), (cast.success, True)):
        words = f"Who pays {author}?"
        Comment.objects.create(change=old, author=author, body=words, is_internal=internal)
    Change.objects.filter(pk=old.pk).update(left_unanswered=True)
    link = page_for(old, "requester", cast)
    page = client.get(link).content.decode()
    assert f"Who pays {cast.requester}" in page and f"Who pays {cast.success}" not in page
    press(client, link)
    [new] = made_after(old)
    assert list(new.services.all()) == [kept]


def test_a_mistake_or_a_second_press_is_not_one_more_request(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stories.withdrawn(cast)
    for link in (page_for(old, "requester", cast), question_of(stories.closed(cast))):
        monkeypatch.setattr(further, "REQUESTS_ALLOWED", Limit(f"links-{len(link)}", 1, 3600))
        assert press(client, link, title=" ").status_code == 400
        token = str(client.get(link).context["csrf_token"])
        pages = [press(client, link, csrfmiddlewaretoken=token) for _time in range(2)]
        assert "is sent." in pages[0].content.decode()
        assert "taken once" in pages[1].content.decode()
