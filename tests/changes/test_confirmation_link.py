"""The requester's link: shows when opened, decides when answered, once."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from changes import lifecycle
from changes.models import Change, Confirmation, ConfirmationLink
from changes.states import State
from changes.views import secret_address
from tests import stories
from tests.components.browsing import faults
from tests.mailing import last_row, link_in, mail_to, told
from tests.people import Cast

YES = {"answer": "confirmed"}
NO = {"answer": "not_as_expected", "reason": "Not on <b>Sundays</b>."}


@pytest.fixture(autouse=True)
def no_failures_counted(db: None) -> Iterator[None]:
    """Every test begins with an address that has never failed."""
    yield
    cache.clear()


@pytest.fixture
def change(cast: Cast) -> Change:
    """A change whose requester was asked."""
    return stories.in_confirmation(cast)


@pytest.fixture
def link(change: Change) -> str:
    """The path in the requester's mail."""
    return link_in(mail_to(change.requester.email))


def rows_of(change: Change) -> list[list[Any]]:
    """Everything that opening a link must leave as it is; that it was opened is noted beside."""
    links = list(ConfirmationLink.objects.order_by("pk").values())
    for row in links:
        del row["opened_at"]
    return [
        links,
        *(list(model.objects.order_by("pk").values()) for model in (Change, Confirmation)),
        list(change.events.order_by("pk").values()),
        list(Email.objects.order_by("pk").values("pk", "status")),
    ]


def state_of(change: Change) -> str:
    return Change.objects.get(pk=change.pk).state


# --- Opening ----------------------------------------------------------------------------------


def test_the_mail_names_the_change_and_one_link(cast: Cast, change: Change) -> None:
    mail = mail_to(cast.requester.email)
    assert mail.subject == f"[{change.reference}] Please confirm: {change.title}"
    for body in (mail.message, mail.html_message):
        for words in (
            change.reference,
            change.title,
            "Please extend the booking hours to 24 hours.",
            "Rooms can be booked around the clock.",
        ):
            assert words in body
        assert body.count(f"{settings.BASE_URL}/") == 1, "one link and no other"


def test_the_page_shows_what_was_requested_and_done(client: Client, link: str) -> None:
    response = client.get(link)
    assert response.status_code == 200
    page = response.content.decode()
    assert "Let night staff book meeting rooms" in page
    assert "<p>Please extend the booking hours to 24 hours.</p>" in page
    assert "Rooms can be booked around the clock." in page
    assert 'value="confirmed"' in page
    assert 'value="not_as_expected"' in page
    assert "checked" not in page, "nothing is chosen beforehand"


def test_the_page_stays_out_of_caches_and_search_engines(client: Client, link: str) -> None:
    for path, status in ((link, 200), ("/confirm/forged/", 404)):
        response = client.get(path)
        assert response.status_code == status
        assert response["Cache-Control"] == "no-store, private"
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert response["Referrer-Policy"] == "same-origin"


def test_only_the_hash_of_a_token_is_stored(change: Change, link: str) -> None:
    token = link.split("/")[2]
    row = ConfirmationLink.objects.get()
    assert len(token) >= 40
    assert row.token_hash == lifecycle.hash_token(token)
    assert token not in str(list(ConfirmationLink.objects.values()))
    assert row.sent_to == change.requester.email


def test_scanners_change_nothing(client: Client, change: Change, link: str) -> None:
    before = rows_of(change)
    for _time in range(50):
        assert client.get(link).status_code == 200
    assert client.head(link).status_code == 200
    assert client.get(f"{link}?answer=confirmed").status_code == 200
    for method in (client.options, client.put, client.delete, client.patch):
        assert method(link).status_code == 405
    assert client.post(link, {}).status_code == 400, "a form sent without a choice"
    assert rows_of(change) == before


@pytest.mark.django_db(transaction=True)
def test_a_scripted_page_load_in_a_browser_changes_nothing(
    cast: Cast, change: Change, link: str, new_page: Any
) -> None:
    before = rows_of(change)
    page = new_page(width=360)
    for _time in range(3):
        page.goto(link)
        page.wait_for_load_state("networkidle")
        page.mouse.wheel(0, 3000)
        page.evaluate("document.querySelectorAll('a').forEach(a => a.focus())")
    assert rows_of(change) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_are_accessible_and_fit(
    change: Change, link: str, new_page: Any, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    mail = mail_to(change.requester.email)
    paths = (link, "/confirm/forged/", "/mail/", f"/mail/{mail.pk}/?part=text")
    for path in paths:
        page.goto(path)
        assert faults(page) == "", path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto("about:blank")
    page.set_content(mail.html_message)
    assert faults(page) == "", "the mail itself"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(link)
    page.get_by_label("No, not as expected").check(force=True)
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_role("alert").wait_for()
    assert faults(page) == ""
    page.get_by_label("What is not as expected?").fill("Not on Sundays.")
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_role("heading", name="Not as expected").wait_for()
    assert faults(page) == ""


# --- Answering --------------------------------------------------------------------------------


def test_yes_closes_the_change_for_the_requester(cast: Cast, change: Change, link: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(link)
    token = client.cookies["csrftoken"].value
    response = client.post(link, {**YES, "csrfmiddlewaretoken": token})
    assert (response.status_code, response["Location"]) == (302, link)
    assert state_of(change) == State.CLOSED
    event = change.events.get(verb="answer_confirmation")
    assert (event.actor, event.data) == (cast.requester, {"answer": "confirmed", "via": "link"})
    page = client.get(link).content.decode()
    assert "The answer was: yes, it meets my needs and expectations." in page
    assert "Answered on <time" in page
    assert "Send my answer" not in page


def test_a_post_without_the_pages_token_is_refused(change: Change, link: str) -> None:
    assert Client(enforce_csrf_checks=True).post(link, YES).status_code == 403
    assert state_of(change) == State.CONFIRMATION


def test_no_keeps_the_reason_and_goes_back(client: Client, change: Change, link: str) -> None:
    client.post(link, NO)
    assert state_of(change) == State.NOT_CONFIRMED
    assert change.confirmations.get().reason == "Not on <b>Sundays</b>."
    page = client.get(link).content.decode()
    assert "Not on &lt;b&gt;Sundays&lt;/b&gt;." in page
    assert "You told us it is not as expected." in page


def test_a_no_needs_a_reason(client: Client, change: Change, link: str) -> None:
    response = client.post(link, {"answer": "not_as_expected", "reason": "  "})
    assert response.status_code == 400
    html = response.content.decode()
    assert "What is not as expected? Please say what is not as expected." in html
    assert state_of(change) == State.CONFIRMATION


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"answer": "not_as_expected", "reason": "x" * 5001}, "x" * 5001),
        ({"answer": "perhaps", "reason": "I am not sure."}, "I am not sure."),
        ({"reason": "I forgot to choose."}, "I forgot to choose."),
    ],
)
def test_what_was_typed_is_kept_on_a_mistake(
    client: Client, change: Change, link: str, data: dict[str, str], kept: str
) -> None:
    response = client.post(link, data)
    assert response.status_code == 400
    assert kept in response.content.decode()
    assert state_of(change) == State.CONFIRMATION


def test_whoever_is_signed_in_the_link_answers_for_the_requester(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    client.force_login(cast.success)
    client.post(link, YES)
    event = change.events.get(verb="answer_confirmation")
    assert event.actor == cast.requester
    assert event.data["via"] == "link"
    history = change.confirmations.get().history.first()
    assert history.history_user == cast.requester


def test_a_used_link_decides_nothing_more(client: Client, change: Change, link: str) -> None:
    client.post(link, YES)
    before = rows_of(change)
    response = client.post(link, NO)
    assert response.status_code == 409
    assert "Your answer was not recorded" in response.content.decode()
    assert rows_of(change) == before


def test_every_link_of_an_answered_question_shows_the_answer(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    lifecycle.send_reminder(change.confirmations.get().pk, 3)
    reminder = link_in(mail_to(cast.requester.email))
    assert reminder != link
    client.post(reminder, YES)
    assert "The answer was: yes" in client.get(link).content.decode()


def test_answered_or_closed_by_other_means_is_shown(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        lifecycle.close_unanswered(change, actor=cast.success, reason="Phoned five times.")
        page = client.get(link).content.decode()
        assert "Closed without an answer" in page
        assert "Phoned five times." not in page, "the reason is ours"
        assert client.post(link, YES).status_code == 409
    assert change.confirmations.get().answer == "unanswered"


def test_after_rework_the_old_link_shows_the_old_answer(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    client.post(link, NO)
    again = lifecycle.rework(change, actor=cast.success, reason="Sundays were agreed.")
    again = stories.executed(again, cast)
    lifecycle.document(
        again, actor=cast.success, system="Desk", reference="2", summary="Sundays work."
    )
    newest = link_in(mail_to(cast.requester.email))
    assert "The answer was: no" in client.get(link).content.decode()
    assert client.post(link, YES).status_code == 409
    assert "Sundays work." in client.get(newest).content.decode()
    client.post(newest, YES)
    assert state_of(change) == State.CLOSED


# --- Links that do not work ---------------------------------------------------------------------


def page_of(client: Client, path: str) -> str:
    """Return a 404 page without what differs by request."""
    response = client.get(path)
    assert response.status_code == 404
    assert client.post(path, YES).status_code == 404
    page = response.content.decode().partition("<main")[2]
    return re.sub(r'(name="csrfmiddlewaretoken" value=)"[^"]+"', r"\1", page)


def test_forged_expired_superseded_and_foreign_links_look_the_same(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    forged = page_of(client, "/confirm/forged/")
    assert "This link is no longer valid" in forged
    assert "changes@expansive.example" in forged
    token = link.split("/")[2]
    for path in (f"/confirm/{token[:-1]}/", f"/confirm/{'x' * 3000}/", f"/confirm/{token} /"):
        assert page_of(client, path) == forged
    lifecycle.resend_confirmation(change, actor=cast.success)
    assert page_of(client, link) == forged, "superseded"
    newest = link_in(mail_to(cast.requester.email))
    with time_machine.travel(timezone.now() + timedelta(days=settings.CONFIRMATION_LINK_DAYS)):
        assert page_of(client, newest) == forged, "expired"
    assert state_of(change) == State.CONFIRMATION
    assert client.get(newest).status_code == 200, "and the newest works until then"


def test_a_superseded_link_stays_dead_after_the_answer(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    lifecycle.resend_confirmation(change, actor=cast.success)
    client.post(link_in(mail_to(cast.requester.email)), YES)
    assert client.get(link).status_code == 404


def test_a_link_goes_out_only_to_the_recorded_address(cast: Cast, change: Change) -> None:
    before = last_row()
    lifecycle.resend_confirmation(change, actor=cast.success)
    assert told(before) == [("grace", "Please confirm")]


def test_the_link_of_somebody_who_left_is_dead(client: Client, cast: Cast, link: str) -> None:
    cast.requester.is_active = False
    cast.requester.save()
    assert client.get(link).status_code == 404


@override_settings(EMAIL_BACKEND="post_office.EmailBackend")
def test_a_token_for_another_purpose_is_no_link(client: Client, cast: Cast, link: str) -> None:
    response = client.post(reverse("account_reset_password"), {"email": cast.requester.email})
    assert response.status_code == 302, response.content.decode()
    reset = mail_to(cast.requester.email).message
    address = next(line for line in reset.splitlines() if line.startswith(settings.BASE_URL))
    key = address.rstrip("/").rpartition("/")[2]
    assert client.get(f"/confirm/{key}/").status_code == 404


def test_many_links_that_do_not_work_are_refused_for_a_while(client: Client, link: str) -> None:
    for number in range(secret_address.FAILURES_ALLOWED):
        assert client.get(f"/confirm/guess-{number}/").status_code == 404
    response = client.get("/confirm/one-more/")
    assert response.status_code == 429
    assert client.get(link).status_code == 429
    assert client.get(link, REMOTE_ADDR="192.0.2.7").status_code == 200, "others go on"
    with time_machine.travel(
        timezone.now() + timedelta(seconds=secret_address.FAILURES_SECONDS + 1)
    ):
        assert client.get(link).status_code == 200


def test_opening_costs_few_queries(
    client: Client, link: str, django_assert_num_queries: Any
) -> None:
    client.get(link)
    with django_assert_num_queries(2):
        client.get(link)


# --- Two at once ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_wins(cast: Cast, change: Change, link: str) -> None:
    barrier = threading.Barrier(2)
    answers: list[tuple[int, str]] = []

    def answer(data: dict[str, str]) -> None:
        client = Client()
        client.get(link)
        barrier.wait(10)
        response = client.post(link, data)
        answers.append((response.status_code, response.content.decode()))
        connection.close()

    before = last_row()
    threads = [threading.Thread(target=answer, args=[data]) for data in (YES, NO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(status for status, _page in answers) == [302, 409]
    loser = next(page for status, page in answers if status == 409)
    assert "Your answer was not recorded" in loser
    assert change.events.filter(verb="answer_confirmation").count() == 1
    assert Confirmation.objects.get().history.filter(history_type="~").count() == 1
    assert len(told(before)) == 2, "one mail each to the owner and the raiser"
