"""The requester's page behind a mailed link: opening shows, and only a sent form answers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from changes import lifecycle
from changes.access_links import hash_token
from changes.models import AccessLink, Change, Question
from changes.views import secret_address
from tests import concurrently, stories
from tests.components.browsing import faults
from tests.mailing import mail_to
from tests.people import Cast

ASKED = "How many rooms are there?"


@pytest.fixture(autouse=True)
def no_failures_counted(db: None) -> Iterator[None]:
    """Every test begins with an address that has never failed."""
    yield
    cache.clear()


@pytest.fixture
def change(cast: Cast) -> Change:
    """A change whose requester and a developer were asked something each."""
    questions = [(ASKED, cast.requester), ("Which doors?", cast.developer)]
    change = stories.on_board(cast)
    return stories.decided(change, cast, "information_required", questions=questions)


@pytest.fixture
def link(change: Change) -> str:
    return link_to(change)


def link_to(change: Change) -> str:
    """The path in the requester's mail; both bodies carry the same."""
    mail = mail_to(change.requester.email)
    found = {
        re.search(r"/r/[^/\s\"]+/", body).group() for body in (mail.message, mail.html_message)
    }
    assert len(found) == 1
    return found.pop()


def send(client: Client, link: str, question: Question, answer: str = "Forty.", **more: Any) -> Any:
    data = {"act": "answer", "question": question.pk, "answer": answer, **more}
    return client.post(link, data)


def own(change: Change) -> Question:
    return change.questions.get(answerer=change.requester)


def rows_of(change: Change) -> list[list[Any]]:
    """Everything that opening a link must leave as it is."""
    models = (Change, Question, AccessLink, AccessLink.history.model)
    return [
        *(list(model.objects.order_by("pk").values()) for model in models),
        list(change.events.order_by("pk").values()),
        list(Email.objects.order_by("pk").values("pk", "status")),
    ]


# --- The mail -------------------------------------------------------------------------------


def test_the_requesters_mail_has_one_link_and_the_developers_none(
    cast: Cast, change: Change, link: str
) -> None:
    mail = mail_to(cast.requester.email)
    for body in (mail.message, mail.html_message):
        assert ASKED in body
        assert body.count(f"{settings.BASE_URL}/") == 1
    assert "/r/" not in mail_to(cast.developer.email).message
    row = AccessLink.objects.get(email=mail)
    assert (row.person, row.sent_to) == (cast.requester, cast.requester.email)
    assert row.expires_at - timezone.now() > timedelta(days=settings.ACCESS_LINK_DAYS - 1)


def test_only_the_hash_of_a_token_is_stored(link: str) -> None:
    token = link.split("/")[2]
    assert AccessLink.objects.latest("pk").token_hash == hash_token(token)
    assert token not in str(list(AccessLink.objects.values()))


# --- Opening ----------------------------------------------------------------------------------


def test_the_page_shows_the_change_and_what_is_asked_of_the_reader(
    client: Client, change: Change, link: str
) -> None:
    response = client.get(link)
    page = response.content.decode()
    assert response.status_code == 200
    for words in (change.reference, change.title, ASKED, "needs to know more"):
        assert words in page
    assert "Which doors?" not in page
    assert "/board/" not in page


def test_the_page_stays_out_of_caches_and_search_engines(client: Client, link: str) -> None:
    for path, status in ((link, 200), ("/r/forged/", 404)):
        response = client.get(path)
        assert response.status_code == status
        assert response["Cache-Control"] == "no-store, private"
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert response["Referrer-Policy"] == "same-origin"


def test_scanners_change_nothing(client: Client, change: Change, link: str) -> None:
    before = rows_of(change)
    for _time in range(50):
        assert client.get(link).status_code == 200
    assert client.head(link).status_code == 200
    assert client.get(f"{link}?act=answer&answer=x").status_code == 200
    for method in (client.options, client.put, client.delete, client.patch):
        assert method(link).status_code == 405
    assert client.post(link, {}).status_code == 400, "a form that says nothing"
    assert client.post(link, {"act": "withdraw"}).status_code == 400
    assert rows_of(change) == before


@pytest.mark.django_db(transaction=True)
def test_a_scripted_page_load_in_a_browser_changes_nothing(
    change: Change, link: str, new_page: Any
) -> None:
    before = rows_of(change)
    page = new_page(width=360)
    for _time in range(3):
        page.goto(link)
        page.wait_for_load_state("networkidle")
        page.mouse.wheel(0, 3000)
        page.evaluate("document.querySelectorAll('a, textarea').forEach(a => a.focus())")
    assert rows_of(change) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "light"), (360, "dark")])
def test_the_page_is_accessible_and_fits(
    change: Change, link: str, new_page: Any, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    page.goto(link)
    assert faults(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_role("alert").wait_for()
    assert faults(page) == ""
    page.get_by_label("Your answer").fill("Forty.")
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_role("heading", name="Thank you for your answer").wait_for()
    assert faults(page) == ""
    page.goto("about:blank")
    page.set_content(mail_to(change.requester.email).html_message)
    assert faults(page) == "", "the mail itself"


def test_opening_costs_few_queries(
    client: Client, link: str, django_assert_num_queries: Any
) -> None:
    client.get(link)
    with django_assert_num_queries(4):
        client.get(link)


# --- Answering --------------------------------------------------------------------------------


def test_an_answer_is_the_requesters_and_says_how_it_came(
    cast: Cast, change: Change, link: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.success)
    client.get(link)
    token = client.cookies["csrftoken"].value
    response = send(client, link, own(change), csrfmiddlewaretoken=token)
    assert (response.status_code, response["Location"]) == (302, link)
    question = own(change)
    assert (question.answer, question.answered_by) == ("Forty.", cast.requester)
    event = change.events.get(verb="answer_question")
    assert (event.actor, event.data["via"]) == (cast.requester, "link")
    page = client.get(link).content.decode()
    assert "Thank you for your answer" in page
    assert "The board has put questions to others as well." in page


def test_with_the_last_answer_the_change_returns_and_the_page_says_so(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    other = change.questions.get(answerer=cast.developer)
    lifecycle.answer_question(change, actor=cast.developer, question=other, answer="All.")
    send(client, link, own(change))
    assert Change.objects.get(pk=change.pk).state == "board"
    page = client.get(link).content.decode()
    assert "waiting for the next Change Request Board" in page
    assert "You will get a mail when it has decided." in page
    assert "Forty." in page


@pytest.mark.parametrize("answer", ["", "   ", "x" * 10001])
def test_a_mistake_stands_beside_its_field_and_nothing_is_lost(
    client: Client, change: Change, link: str, answer: str
) -> None:
    response = send(client, link, own(change), answer)
    assert response.status_code == 400
    assert answer.strip() in response.content.decode()
    assert own(change).is_open


def test_other_peoples_questions_cannot_be_answered(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    for question in (
        change.questions.get(answerer=cast.developer),
        stories.information_required(cast).questions.get(),
    ):
        assert send(client, link, question).status_code == 400
        assert Question.objects.get(pk=question.pk).is_open
    assert client.post(link, {"act": "answer", "question": "x", "answer": "y"}).status_code == 400


def test_answered_meanwhile_is_said_with_what_was_written(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    lifecycle.answer_question(
        change, actor=cast.support, question=own(change), answer="Forty, by telephone."
    )
    response = send(client, link, own(change), "About thirty.")
    page = response.content.decode()
    assert response.status_code == 409
    assert "That was not recorded" in page and "answered already" in page
    assert "About thirty." in page and "Forty, by telephone." in page
    assert own(change).answer == "Forty, by telephone."


def test_a_withdrawn_change_asks_nothing(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    lifecycle.withdraw(change, actor=cast.requester, reason="No longer needed.")
    page = client.get(link).content.decode()
    assert "The request was withdrawn." in page
    assert "Send my answer" not in page
    response = send(client, link, own(change), "Forty.")
    assert response.status_code == 409
    assert "Forty." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_wins(change: Change, link: str) -> None:
    question = own(change)
    answers = concurrently.at_once(
        *(
            lambda words=words: send(Client(), link, question, words).status_code
            for words in ("Forty.", "Fifty.")
        )
    )
    assert sorted(answers) == [302, 409]
    assert change.events.filter(verb="answer_question").count() == 1


# --- Links that do not work ---------------------------------------------------------------------


def page_of(client: Client, path: str) -> str:
    """Return a 404 page without what differs by request."""
    response = client.get(path)
    assert response.status_code == 404
    assert client.post(path, {"act": "answer"}).status_code == 404
    return response.content.decode().partition("<main")[2]


def test_links_that_do_not_work_look_the_same(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    forged = page_of(client, "/r/forged/")
    assert "This link is no longer valid" in forged
    assert page_of(client, "/confirm/forged/") == forged
    token = link.split("/")[2]
    for path in (f"/r/{token[:-1]}/", f"/r/{'x' * 3000}/", f"/confirm/{token}/"):
        assert page_of(client, path) == forged
    with time_machine.travel(timezone.now() + timedelta(days=settings.ACCESS_LINK_DAYS)):
        assert page_of(client, link) == forged, "expired"
    cast.requester.is_active = False
    cast.requester.save()
    assert page_of(client, link) == forged, "somebody who left"
    cast.requester.is_active = True
    cast.requester.save()
    Change.objects.filter(pk=change.pk).update(requester=cast.colleague)
    assert page_of(client, link) == forged, "no longer the requester"
    Change.objects.filter(pk=change.pk).update(requester=cast.requester)
    assert client.get(link).status_code == 200
    AccessLink.objects.update(revoked_at=timezone.now())
    assert page_of(client, link) == forged, "revoked"


def test_many_links_that_do_not_work_are_refused_for_a_while(client: Client, link: str) -> None:
    for number in range(secret_address.FAILURES_ALLOWED):
        path = f"/r/guess-{number}/" if number % 2 else f"/confirm/guess-{number}/"
        assert client.get(path).status_code == 404
    assert client.get(link).status_code == 429
    assert client.get(link, REMOTE_ADDR="192.0.2.7").status_code == 200, "others go on"
