"""The requester's page behind a mailed link: opening shows, and only a sent form answers."""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from itertools import chain
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from playwright.sync_api import expect
from post_office.models import Email

from accounts.models import User
from changes import access_links, lifecycle, permissions, queries
from changes.access_links import hash_token
from changes.models import (
    AccessLink,
    Attachment,
    Change,
    Confirmation,
    ConfirmationLink,
    MailEvent,
    Question,
)
from changes.states import FINAL, State
from changes.views import access_link, secret_address
from changes.views.secret_address import Limit
from crb.models import AgendaItem, Board, Meeting
from tests import concurrently, stories
from tests.changes.test_permission_matrix import in_each_state
from tests.components.looks import looks
from tests.mailing import addresses_but_for_choices, link_in, mail_to
from tests.people import Cast
from tests.plainly import plain_words
from tests.remembered import remembered

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
    return mailed(change)


@remembered
def mailed(change: Change) -> str:
    """Word what waits, which takes longer than most tests of what was mailed."""
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


def attach(change: Change, cast: Cast, *, internal: bool) -> Attachment:
    file = SimpleUploadedFile("plan.txt", b"Plan")
    return lifecycle.attach(
        change, actor=cast.support, file=file, content_type="text/plain", internal=internal
    )


def link_for(change: Change, person: User) -> str:
    """A link as any of our mails carries it."""
    return access_links.issue(change, person, actor=None)[0]


def own(change: Change) -> Question:
    return change.questions.get(answerer=change.requester)


def rows_of(change: Change) -> list[list[Any]]:
    """Everything that opening a link must leave as it is; that it was opened is noted beside."""
    models = (Change, Question, AccessLink, AccessLink.history.model)
    models = (*models, Confirmation, ConfirmationLink, ConfirmationLink.history.model)
    rows = [list(model.objects.order_by("pk").values()) for model in models]
    for row in chain.from_iterable(rows):
        row.pop("opened_at", None)
    return [
        *rows,
        list(change.comments.values()),
        list(change.attachments.values()),
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
        assert addresses_but_for_choices(body) == 1
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
    for words in (change.reference, change.title, ASKED, "extend the booking hours"):
        assert words in page
    assert "the Change Request Board asked for more before it can decide." in page
    assert "Please answer the board&#x27;s question." in page
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
    for act in ("withdraw", "write", "answer", "nonsense"):
        assert client.post(link, {"act": act}).status_code == 400, act
    assert rows_of(change) == before


def test_the_first_opening_is_noted_once(client: Client, change: Change, link: str) -> None:
    client.head(link)
    token = link.rstrip("/").rpartition("/")[2]
    row = AccessLink.objects.get(token_hash=hash_token(token))
    assert row.opened_at is None, "a scanner that only asks whether the page is there"
    for _time in range(3):
        client.get(link)
    row.refresh_from_db()
    assert row.opened_at is not None
    (event,) = MailEvent.objects.all()
    assert (event.change, event.kind, event.address) == (change, "opened", row.sent_to)


@pytest.mark.django_db(transaction=True)
def test_scripted_page_loads_change_nothing_and_the_page_is_accessible_and_fits(
    change: Change, link: str, new_page: Any
) -> None:
    before = rows_of(change)
    page = new_page()
    with looks(page) as look:
        page.goto(link)
        page.wait_for_load_state("networkidle")
        page.mouse.wheel(0, 3000)
        page.evaluate("document.querySelectorAll('a, textarea').forEach(a => a.focus())")
        assert rows_of(change) == before
        page.get_by_role("button", name="Send my answer").click()
        page.get_by_role("alert").wait_for()
        look.over_page("an empty answer")
        page.get_by_label("Your answer").fill("Forty.")
        page.get_by_role("button", name="Send my answer").click()
        page.get_by_role("heading", name="Thank you for your answer").wait_for()
        look.over_page("after the answer")
        page.goto("about:blank")
        page.set_content(mail_to(change.requester.email).html_message)
        look.over_page("the mail itself")


def test_opening_costs_few_queries(
    client: Client, link: str, django_assert_num_queries: Any
) -> None:
    client.get(link)
    with django_assert_num_queries(5):
        client.get(link)


# --- Answering --------------------------------------------------------------------------------


def test_an_answer_is_the_requesters_and_says_how_it_came(
    cast: Cast, change: Change, link: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.colleague)
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
    assert "It has asked others." in page


def test_with_the_last_answer_the_change_returns_and_the_page_says_so(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    other = change.questions.get(answerer=cast.developer)
    lifecycle.answer_question(change, actor=cast.developer, question=other, answer="All.")
    send(client, link, own(change))
    assert Change.objects.get(pk=change.pk).state == "board"
    page = client.get(link).content.decode()
    assert "The Change Request Board has had the answers to its questions since" in page
    assert "You get a mail with the decision." in page
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
    assert "The request was withdrawn on " in page
    assert "No longer needed." in page
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


# --- Whatever the state ------------------------------------------------------------------------


@pytest.mark.xdist_group("everywhere")
def test_every_state_has_its_page(client: Client, cast: Cast) -> None:
    for state, change in in_each_state(cast, but_draft=True).items():
        page = client.get(link_for(change, cast.requester)).content.decode()
        words = escape(plain_words(change, cast.requester))
        for part in (change.reference, words, "How far your request has come", "What happened"):
            assert part in page, (state, part)
        may_withdraw = permissions.can_withdraw(cast.requester, queries_story(change))
        assert ("Withdraw the request" in page) == bool(may_withdraw), state
        assert ('name="act" value="write"' in page) == (state not in FINAL), state
        assert ("Go to our question" in page) == (state == State.CONFIRMATION), state


def queries_story(change: Change) -> Change:
    return queries.with_story(Change.objects.all()).get(pk=change.pk)


def test_it_names_the_day_of_the_board(client: Client, cast: Cast) -> None:
    change = stories.on_board(cast)
    board = Board.objects.create(name="Board", start="14:00", first_date=date(2031, 12, 9))
    meeting = Meeting(
        board=board,
        date=date(2031, 12, 10),
        start=time(14),
        zone="Europe/London",
        length_minutes=60,
    )
    meeting.save()
    AgendaItem.objects.create(meeting=meeting, change=change, position=1, kind="new")
    page = client.get(link_for(change, cast.requester)).content.decode()
    assert "The board decides at its meeting on 10 December 2031." in page
    assert "/board/" not in page


# --- Who has one ----------------------------------------------------------------------------------


def test_others_of_the_customer_who_have_a_part_in_it_have_a_page(
    client: Client, cast: Cast, change: Change
) -> None:
    assert client.get(link_for(change, cast.colleague)).status_code == 404, "no part in it"
    lifecycle.watch(change, actor=cast.colleague)
    link = link_for(change, cast.colleague)
    page = client.get(link).content.decode()
    assert ASKED not in page, "it was put to somebody else"
    assert "Withdraw the request" not in page
    assert send(client, link, own(change)).status_code == 400
    assert client.post(link, {"act": "withdraw", "reason": "x", "seen": 1}).status_code == 409
    assert client.post(link, {"act": "write", "body": "We wait for this."}).status_code == 302
    assert change.comments.get().author == cast.colleague
    lifecycle.unwatch(change, actor=cast.colleague)
    assert client.get(link).status_code == 404


def test_strangers_and_colleagues_of_ours_have_none(
    client: Client, cast: Cast, change: Change
) -> None:
    for person in (cast.stranger_customer, cast.support, cast.developer, cast.nobody):
        change.watchers.add(person)
        assert not access_links.is_for(change, person)
        assert client.get(link_for(change, person)).status_code == 404


# --- Writing -----------------------------------------------------------------------------------


def write(client: Client, link: str, body: str = "", *files: SimpleUploadedFile) -> Any:
    return client.post(link, {"act": "write", "body": body, "files": files})


def test_words_and_files_are_the_persons_and_everybody_reads_them(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    client.force_login(cast.colleague)
    file = SimpleUploadedFile("floor.txt", b"Second floor")
    response = write(client, link, "The *second* floor too.", file)
    written = change.comments.get()
    assert response["Location"] == f"{link}#comment-{written.pk}"
    assert (written.author, written.is_internal) == (cast.requester, False)
    kept = change.attachments.get()
    assert (kept.uploaded_by, kept.is_internal, kept.name) == (cast.requester, False, "floor.txt")
    for verb in ("comment", "attach"):
        event = change.events.get(verb=verb)
        assert (event.actor, event.data["via"]) == (cast.requester, "link")
    page = client.get(link).content.decode()
    assert "<em>second</em>" in page
    assert "We have it. Thank you." in page
    assert f"{link}files/{kept.pk}/" in page
    assert mail_to(cast.success.email).subject.startswith(f"[{change.reference}] Grace Requester")


def test_internal_notes_are_not_on_the_page(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    lifecycle.comment(change, actor=cast.support, body="Difficult customer.", internal=True)
    lifecycle.comment(change, actor=cast.support, body="We are on it.")
    page = client.get(link).content.decode()
    assert "We are on it." in page
    assert "Difficult" not in page


def test_a_message_with_a_mistake_loses_nothing(
    client: Client, change: Change, link: str, settings: Any
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 10
    too_large = SimpleUploadedFile("large.txt", b"x" * 11)
    wrong = SimpleUploadedFile("run.exe", b"MZ")
    for body, files, said in (
        ("", [], "Write something first, or choose a file."),
        ("x" * 20001, [], "20000"),
        ("Here it is.", [too_large], "is too large"),
        ("Here it is.", [wrong], "not a kind of file"),
    ):
        response = write(client, link, body, *files)
        page = response.content.decode()
        assert response.status_code == 400
        assert said in page
        assert body in page
    assert not change.comments.exists()
    assert not change.attachments.exists()


KEPT = """(words) => Object.keys(sessionStorage).some(
    (name) => name.startsWith("draft:") && sessionStorage.getItem(name).includes(words))"""


@pytest.mark.django_db(transaction=True)
def test_what_was_refused_is_still_there_and_what_was_sent_is_not_offered_again(
    change: Change, link: str, new_page: Any, settings: Any
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 10
    page = new_page(width=360)
    page.goto(link)
    message = page.get_by_label("Your message")
    message.fill("The second floor too.")
    page.wait_for_function(KEPT, arg="The second floor too.")
    wrong = {"name": "run.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"}
    page.locator("input[type=file]").set_input_files(wrong)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("not a kind of file").first.wait_for()
    expect(message).to_have_value("The second floor too.")
    page.goto(link)
    page.get_by_role("button", name="Put it back").click()
    expect(message).to_have_value("The second floor too.")

    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("We have it. Thank you.").wait_for()
    page.wait_for_function(f"!({KEPT})('The second floor too.')")
    expect(page.get_by_text("Put it back")).to_have_count(0)
    expect(message).to_have_value("")
    message.fill("And the third.")
    page.wait_for_function(KEPT, arg="And the third.")
    page.reload()
    page.get_by_role("button", name="Put it back").click()
    expect(message).to_have_value("And the third.")


def test_an_ended_request_takes_no_more_words(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    lifecycle.withdraw(change, actor=cast.requester, reason="No longer needed.")
    response = write(client, link, "One more thing.")
    assert response.status_code == 409
    assert "One more thing." in response.content.decode()
    assert not change.comments.exists()


def test_too_much_at_once_is_refused_for_a_while_and_given_back(
    client: Client, cast: Cast, change: Change, link: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(access_link, "ACTS_ALLOWED", Limit("link-acts", 2, 600))
    for number in range(2):
        assert write(client, link, f"Number {number}.").status_code == 302
    response = write(client, link, "Number 2.")
    assert response.status_code == 429
    assert "Number 2." in response.content.decode()
    assert write(client, link_for(change, cast.requester), "x").status_code == 429, "another link"
    assert client.get(link).status_code == 200
    assert change.comments.count() == 2


# --- Withdrawing -------------------------------------------------------------------------------


def withdraw(client: Client, link: str, change: Change, **more: Any) -> Any:
    data = {"act": "withdraw", "reason": "We moved house.", "seen": change.version, **more}
    return client.post(link, data)


def test_a_request_is_withdrawn_before_work_begins(client: Client, cast: Cast) -> None:
    change = stories.in_authorisation(cast)
    link = link_for(change, cast.requester)
    assert withdraw(client, link, change).status_code == 302
    event = change.events.get(verb="withdraw")
    assert (event.actor, event.reason) == (cast.requester, "We moved house.")
    assert event.data["via"] == "link"
    page = client.get(link).content.decode()
    assert "The request was withdrawn on " in page
    assert "We moved house." in page
    assert withdraw(client, link, change).status_code == 409


def test_withdrawing_needs_a_reason(client: Client, cast: Cast) -> None:
    change = stories.in_authorisation(cast)
    link = link_for(change, cast.requester)
    for reason in ("", "  ", "x" * 5001):
        response = withdraw(client, link, change, reason=reason)
        assert response.status_code == 400
        assert reason.strip() in response.content.decode()
    assert withdraw(client, link, change, seen="x").status_code == 400
    assert Change.objects.get(pk=change.pk).state == State.AUTHORISATION


def test_nothing_is_withdrawn_on_an_outdated_page(client: Client, cast: Cast) -> None:
    change = stories.in_authorisation(cast)
    link = link_for(change, cast.requester)
    lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Good.")
    response = withdraw(client, link, change)
    page = response.content.decode()
    assert response.status_code == 409
    assert "The request has moved on since you opened the page." in page
    assert "We moved house." in page
    assert "The change was approved on " in page


def test_once_work_has_begun_nothing_is_withdrawn(client: Client, cast: Cast) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    change = lifecycle.start_execution(change, actor=cast.support, reason="Early.")
    link = link_for(change, cast.requester)
    assert "Withdraw the request" not in client.get(link).content.decode()
    response = withdraw(client, link, change)
    assert response.status_code == 409
    assert "already being put in place" in response.content.decode()


# --- To the question whether it meets the need ----------------------------------------------------


def test_the_page_leads_to_the_question(client: Client, cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    link = link_for(change, cast.requester)
    response = client.post(link, {"act": "confirm"})
    assert response.status_code == 302
    assert response["Location"].startswith("/confirm/")
    assert client.get(response["Location"]).status_code == 200
    assert client.get(link_in(mail_to(cast.requester.email))).status_code == 200, "the mailed one"
    assert Confirmation.objects.get().is_open, "nothing is answered by going there"
    lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    assert client.post(link, {"act": "confirm"}).status_code == 409


def test_nobody_else_is_led_there(client: Client, cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    lifecycle.watch(change, actor=cast.colleague)
    link = link_for(change, cast.colleague)
    assert "Go to our question" not in client.get(link).content.decode()
    assert client.post(link, {"act": "confirm"}).status_code == 409


# --- Links that do not work ---------------------------------------------------------------------


def page_of(client: Client, path: str) -> str:
    """Return a 404 page without what differs by request."""
    response = client.get(path)
    assert response.status_code == 404
    assert client.post(path, {"act": "answer"}).status_code == 404
    page = response.content.decode().partition("<main")[2]
    return re.sub(r'(name="csrfmiddlewaretoken" value=)"[^"]+"', r"\1", page)


def test_links_that_do_not_work_look_the_same(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    forged = page_of(client, "/r/forged/")
    assert "This link is no longer valid" in forged
    assert page_of(client, "/confirm/forged/") == forged
    token = link.split("/")[2]
    cut, dashed = f"/r/{token[:-1]}/", f"/r/{token[:-2]}-/"
    for path in (cut, dashed, f"/r/{'x' * 3000}/", f"/confirm/{token}/"):
        assert page_of(client, path) == forged
    User.objects.filter(pk=cast.requester.pk).update(is_active=False)
    assert page_of(client, link) == forged, "somebody who left"
    User.objects.filter(pk=cast.requester.pk).update(is_active=True)
    assert client.get(link).status_code == 200
    AccessLink.objects.update(revoked_at=timezone.now())
    assert page_of(client, link) == forged, "revoked"
    AccessLink.objects.update(revoked_at=None)
    assert client.get(link).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=settings.ACCESS_LINK_DAYS)):
        assert page_of(client, link) == forged, "expired"
    AccessLink.objects.update(expired_at=None)
    assert client.get(link).status_code == 200
    lifecycle.replace_requester(
        change, actor=cast.success, successor=cast.colleague, reason="Grace leaves."
    )
    assert page_of(client, link) == forged, "no longer the requester"


def test_a_file_of_the_page_is_as_closed_as_the_page(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    public, internal = (attach(change, cast, internal=internal) for internal in (False, True))
    other = attach(stories.submitted(cast), cast, internal=False)
    response = client.get(f"{link}files/{public.pk}/")
    assert b"".join(response.streaming_content) == b"Plan"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Cache-Control"] == "no-store, private"
    for path in (f"{link}files/{internal.pk}/", f"{link}files/{other.pk}/", f"{link}files/0/"):
        missing = client.get(path)
        assert missing.status_code == 404
        assert missing["Cache-Control"] == "no-store, private"
    assert client.get(f"/r/forged/files/{public.pk}/").status_code == 404
    page = client.get(link).content.decode()
    assert f"{link}files/{public.pk}/" in page
    assert f"files/{internal.pk}/" not in page


def test_many_links_that_do_not_work_are_refused_for_a_while(client: Client, link: str) -> None:
    for number in range(secret_address.FAILURES_ALLOWED):
        path = f"/r/guess-{number}/" if number % 2 else f"/confirm/guess-{number}/"
        assert client.get(path).status_code == 404
    refused = client.get("/r/one-more/")
    assert refused.status_code == 429
    assert "Too many attempts" in refused.content.decode()
    assert "password" not in refused.content.decode(), "nobody here has an account"
    assert client.get("/r/one-more/", REMOTE_ADDR="192.0.2.7").status_code == 404
    assert client.get(link).status_code == 200, "a colleague behind the same address goes on"


@pytest.mark.parametrize("who", ["colleague", "requester", None])
def test_whose_browser_a_forwarded_link_was_used_in_is_on_record(
    client: Client, cast: Cast, change: Change, link: str, who: str | None
) -> None:
    if who:
        client.force_login(cast.people[who])
    assert client.post(link, {"act": "write", "body": "We wait for this."}).status_code == 302
    act = change.events.get(verb="comment")
    assert (act.actor, act.data["via"]) == (cast.requester, "link")
    other = cast.colleague.pk if who == "colleague" else None
    assert act.data.get("browser_of") == other


@pytest.mark.parametrize("who", ["support", "stranger_customer"])
def test_somebody_else_who_is_signed_in_sends_nothing_in_the_readers_name(
    client: Client, cast: Cast, change: Change, link: str, who: str
) -> None:
    client.force_login(cast.people[who])
    assert "this page was mailed to Grace Requester" in client.get(link).content.decode()
    events = change.events.count()
    acts = [
        {"act": "write", "body": "We wait for this."},
        {"act": "answer", "question": own(change).pk, "answer": "We wait for this."},
        {"act": "withdraw", "reason": "We wait for this.", "seen": change.version},
    ]
    for act in acts:
        refused = client.post(link, act)
        assert refused.status_code == 403
        assert "We wait for this." in refused.content.decode()
    assert change.events.count() == events and not change.comments.exists()
