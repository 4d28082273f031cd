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
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from post_office.models import Email

from changes import lifecycle, plain
from changes.models import Change, Confirmation, ConfirmationLink
from changes.states import State
from changes.views import secret_address
from tests import stories
from tests.components.browsing import choose
from tests.components.looks import looks
from tests.concurrently import at_once
from tests.mailing import addresses_but_for_choices, deliver, last_row, link_in, mail_to, told
from tests.people import Cast
from tests.remembered import remembered

YES = {"meets_need": "yes", "as_expected": "yes"}
NO = {
    "meets_need": "yes",
    "as_expected": "no",
    "wish": "not_right",
    "reason": "Not on <b>Sundays</b>.",
}
FURTHER = {**NO, "wish": "something_further", "reason": "The <i>gym</i> as well, please."}
SUCCESSOR = {"act": "successor", "title": "Book the gym at night", "description": "As wished."}
SCROLLS = """element => {
  for (let box = element.parentElement; box !== document.documentElement; box = box.parentElement)
    if (box.scrollHeight > box.clientHeight + 1 && getComputedStyle(box).overflowY !== "visible")
      return true;
  return false;
}"""
"""Whether something around an element, but the page itself, has to be scrolled."""
RATING = {"act": "rate", "rating": "4", "rating_comment": "Quick & friendly."}


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
    return mailed(change)


@remembered
def mailed(change: Change) -> str:
    """Word what waits, which takes longer than most tests of what was mailed."""
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


def test_the_mail_names_the_change_and_two_links(cast: Cast, change: Change) -> None:
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
        for page in ("confirm", "r"):  # the question, and the request itself
            assert body.count(f"{settings.BASE_URL}/{page}/") == 1
        assert addresses_but_for_choices(body) == 2, "these links and no other"


def test_the_page_shows_what_was_requested_and_done(client: Client, link: str) -> None:
    response = client.get(link)
    assert response.status_code == 200
    page = response.content.decode()
    assert "Let night staff book meeting rooms" in page
    assert "<p>Please extend the booking hours to 24 hours.</p>" in page
    assert "Rooms can be booked around the clock." in page
    for question in ("meets_need", "as_expected"):
        for answer in ("yes", "no"):
            assert f'name="{question}" value="{answer}"' in page
    for wish in ("not_right", "something_further"):
        assert f'name="wish" value="{wish}"' in page
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
    assert client.get(f"{link}?act=answer&meets_need=yes&as_expected=yes").status_code == 200
    for method in (client.options, client.put, client.delete, client.patch):
        assert method(link).status_code == 405
    assert client.post(link, {}).status_code == 400, "a form sent without a choice"
    assert rows_of(change) == before


@pytest.mark.django_db(transaction=True)
def test_scripted_page_loads_change_nothing_and_the_pages_are_accessible_and_fit(
    change: Change, link: str, new_page: Any
) -> None:
    parts = [f"Room {number} as well." for number in range(40)]
    Change.objects.filter(pk=change.pk).update(description="\n\n".join(parts))
    page = new_page()
    mail = mail_to(change.requester.email)
    before = rows_of(change)
    with looks(page) as look:
        for path in ("/mail/", f"/mail/{mail.pk}/?part=text"):
            look.over_address(path)
        page.goto("about:blank")
        page.set_content(mail.html_message)
        look.over_page("the mail itself")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(link)
        page.wait_for_load_state("networkidle")
        page.mouse.wheel(0, 3000)
        page.evaluate("document.querySelectorAll('a').forEach(a => a.focus())")
        assert rows_of(change) == before

        asked_for = page.get_by_text(parts[-1])
        assert not asked_for.evaluate(SCROLLS), "all that was asked for is in sight"
        page.get_by_role("link", name="Go to your answer").click()
        expect(page.get_by_role("button", name="Send my answer")).to_be_in_viewport()
        expect(page.get_by_text("What would you like?")).to_be_hidden()  # asked after a no only
        choose(page.get_by_label("Yes, it does what I need"))
        choose(page.get_by_label("No, I expected something else"))
        page.get_by_text("What would you like?").wait_for()
        # Forty lines alike tell a look no more than two do.
        Change.objects.filter(pk=change.pk).update(description="\n\n".join(parts[:2]))
        page.get_by_role("button", name="Send my answer").click()
        page.get_by_role("alert").wait_for()
        look.over_page("an incomplete answer")
        choose(page.get_by_label("I would like something further"))
        page.get_by_label("In your words").fill("On Sundays too.")
        page.get_by_role("button", name="Send my answer").click()
        page.get_by_role("heading", name="Your new request").wait_for()
        look.over_page("a new request")
        page.get_by_role("button", name="Send as a new request").click()
        page.get_by_role("button", name="Send my rating").wait_for()
        look.over_page("before rating")
        choose(page.get_by_label("4 – Good"))
        page.get_by_role("button", name="Send my rating").click()
        page.get_by_text("You rated this change 4 of 5.").wait_for()
        look.over_page("after rating")


# --- Answering --------------------------------------------------------------------------------


def test_yes_closes_the_change_for_the_requester(cast: Cast, change: Change, link: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(link)
    token = client.cookies["csrftoken"].value
    response = client.post(link, {**YES, "csrfmiddlewaretoken": token})
    assert (response.status_code, response["Location"]) == (302, link)
    assert state_of(change) == State.CLOSED
    event = change.events.get(verb="answer_confirmation")
    assert event.actor == cast.requester
    assert event.data == {
        "answer": "confirmed",
        "meets_need": True,
        "as_expected": True,
        "via": "link",
    }
    page = client.get(link).content.decode()
    assert "Your answer: it meets your need and is as you expected." in page
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
    status = plain.status_of(Change.objects.get(pk=change.pk), change.requester)
    assert "you told us that it is not as expected" in status.text
    assert status.text in page, "in the same words as on the page of the request"


def test_a_no_needs_a_reason(client: Client, change: Change, link: str) -> None:
    response = client.post(link, {**NO, "reason": "  "})
    assert response.status_code == 400
    html = response.content.decode()
    assert "In your words: Please say what is not right, or what you would like." in html
    assert state_of(change) == State.CONFIRMATION


MISTAKES = [
    {**NO, "reason": "x" * 5001},
    {**YES, "as_expected": "perhaps", "reason": "I am not sure."},
    {"meets_need": "yes", "reason": "I answered one only."},
    {"reason": "I forgot to choose."},
    {**NO, "wish": "", "reason": "I forgot to wish."},
    {**NO, "wish": "a pony", "reason": "I wish for more."},
]


def test_what_was_typed_is_kept_on_a_mistake(client: Client, change: Change, link: str) -> None:
    before = rows_of(change)
    for data in MISTAKES:
        response = client.post(link, data)
        assert response.status_code == 400, data
        assert data["reason"] in response.content.decode(), data
        assert state_of(change) == State.CONFIRMATION, data
    assert rows_of(change) == before


@pytest.mark.parametrize("who", ["success", "support", "approver", "stranger_customer"])
def test_a_forwarded_link_acts_for_nobody_who_is_known_to_be_somebody_else(
    client: Client, cast: Cast, change: Change, link: str, who: str
) -> None:
    """They read the page, which says so, and get their words back; signed out it answers."""
    client.force_login(cast.people[who])
    shown = client.get(link).content.decode()
    assert "this page was mailed to Grace Requester" in shown
    before = rows_of(change)
    refused = client.post(link, {**NO, "reason": "Nobody can open it."})
    html = refused.content.decode()
    assert refused.status_code == 403
    assert "This can be sent by Grace Requester alone." in html
    assert "Nobody can open it." in html
    assert (change.get_absolute_url() in html) == (who != "stranger_customer")
    assert rows_of(change) == before
    for page in (shown, html):
        assert f'action="{link}"' in page and 'value="sign_out"' in page
    gone = client.post(link, {"act": "sign_out", "next": "https://elsewhere.example/"})
    assert gone["Location"] == link
    assert "this page was mailed to" not in client.get(link).content.decode()
    assert client.post(link, YES).status_code == 302
    event = change.events.get(verb="answer_confirmation")
    assert (event.actor, event.data["via"]) == (cast.requester, "link")


def test_what_a_colleague_answers_is_the_requesters(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    client.force_login(cast.colleague)
    assert "this page was mailed to" not in client.get(link).content.decode()
    client.post(link, YES)
    event = change.events.get(verb="answer_confirmation")
    assert (event.actor, event.data["browser_of"]) == (cast.requester, cast.colleague.pk)
    history = change.confirmations.get().history.first()
    assert history.history_user == cast.requester


@pytest.mark.parametrize("answer", [YES, FURTHER], ids=["yes", "further"])
def test_who_else_used_a_forwarded_link_is_on_record(
    client: Client, cast: Cast, change: Change, link: str, answer: dict[str, str]
) -> None:
    """The answer is the requester's; whoever was signed in there did not go unseen."""
    client.force_login(cast.colleague)
    client.post(link, answer)
    client.post(link, SUCCESSOR if answer is FURTHER else RATING)
    acts = change.events.filter(data__via="link").order_by("pk")
    assert [act.data["browser_of"] for act in acts] == [cast.colleague.pk] * 2
    confirmation = change.confirmations.get().history.first()
    assert f"through a mailed link, in the browser of {cast.colleague}" in (
        confirmation.history_change_reason
    )
    client.force_login(cast.auditor)
    page = client.get(reverse("audit:change_history", args=[change.pk]))
    assert f"in the browser of {cast.colleague}" in page.content.decode()
    client.force_login(cast.colleague)
    assert "in the browser of" not in client.get(change.get_absolute_url()).content.decode()


@pytest.mark.parametrize("who", [None, "requester"])
def test_the_requesters_own_browser_and_a_stranger_are_nobody_else(
    client: Client, cast: Cast, change: Change, link: str, who: str | None
) -> None:
    if who:
        client.force_login(cast.people[who])
    client.post(link, YES)
    event = change.events.get(verb="answer_confirmation")
    assert event.data["via"] == "link" and "browser_of" not in event.data
    assert "browser" not in change.history.first().history_change_reason


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
    assert (
        "Your answer: it meets your need and is as you expected."
        in client.get(link).content.decode()
    )


def test_answered_or_closed_by_other_means_is_shown(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    deliver()
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
    assert (
        "Your answer: it meets your need, but is not as you expected."
        in client.get(link).content.decode()
    )
    assert client.post(link, YES).status_code == 409
    assert "Sundays work." in client.get(newest).content.decode()
    client.post(newest, YES)
    assert state_of(change) == State.CLOSED


# --- What follows the answer ------------------------------------------------------------------


def test_something_further_is_filled_in_and_sent_in_one_step(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    assert client.post(link, FURTHER).status_code == 302
    page = client.get(link).content.decode()
    assert "The &lt;i&gt;gym&lt;/i&gt; as well, please." in page
    assert f"This follows {change.reference}, where I had asked for:" in page
    assert state_of(change) == State.NOT_CONFIRMED, "nothing more has been decided"
    before = last_row()
    assert client.post(link, SUCCESSOR).status_code == 302
    new = Change.objects.exclude(pk=change.pk).get()
    assert state_of(change) == State.CLOSED
    assert (new.state, new.channel) == (State.SUBMITTED, "email")
    assert (new.raised_by, new.title) == (cast.requester, "Book the gym at night")
    assert change.events.get(verb="request_successor").data["via"] == "link"
    assert told(before) == [
        ("cleo", "Closed"),
        ("cleo", "Waiting for you (Assess)"),
        ("grace", "We have the request"),
        ("sam", "Closed"),
    ]
    page = client.get(link).content.decode()
    assert f"{new.reference} {new.title}" in page
    assert "Send as a new request" not in page


def test_opening_the_page_of_a_wish_sends_nothing(
    client: Client, change: Change, link: str
) -> None:
    client.post(link, FURTHER)
    before = rows_of(change)
    for _time in range(50):
        assert client.get(link).status_code == 200
    client.get(link, SUCCESSOR)
    client.head(link)
    assert client.post(link, {"act": "successor"}).status_code == 400
    assert client.post(link, {"act": "nonsense"}).status_code == 400
    assert rows_of(change) == before


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"title": "", "description": "Kept words."}, "Kept words."),
        ({"title": "T" * 201}, "T" * 201),
        ({"title": "Kept title", "description": ""}, "Kept title"),
        ({"description": "D" * 50001}, "D" * 50001),
    ],
)
def test_nothing_typed_into_the_new_request_is_lost(
    client: Client, change: Change, link: str, data: dict[str, str], kept: str
) -> None:
    client.post(link, FURTHER)
    response = client.post(link, {**SUCCESSOR, **data})
    assert response.status_code == 400
    assert kept in response.content.decode()
    assert state_of(change) == State.NOT_CONFIRMED


def test_files_that_the_customer_sees_may_go_along(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    plan, log = (
        lifecycle.attach(
            change,
            actor=cast.support,
            file=SimpleUploadedFile(name, name.encode()),
            content_type="text/plain",
            internal=internal,
        )
        for name, internal in (("plan.txt", False), ("log.txt", True))
    )
    client.post(link, FURTHER)
    page = client.get(link).content.decode()
    assert "plan.txt" in page
    assert "log.txt" not in page
    assert client.post(link, {**SUCCESSOR, "files": [log.pk]}).status_code == 400
    content = plan.file.read()
    plan.file.storage.delete(plan.file.name)
    lost = client.post(link, {**SUCCESSOR, "files": [plan.pk]})
    assert lost.status_code == 400
    assert "cannot be read any more" in lost.content.decode()
    assert state_of(change) == State.NOT_CONFIRMED
    plan.file.storage.save(plan.file.name, ContentFile(content))
    assert client.post(link, {**SUCCESSOR, "files": [plan.pk]}).status_code == 302
    copy = change.links_in.get().source.attachments.get()
    assert (copy.name, copy.file.read()) == ("plan.txt", b"plan.txt")


def test_who_comes_after_the_owner_gets_their_words_back(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    client.post(link, FURTHER)
    lifecycle.rework(change, actor=cast.success, reason="The gym was agreed.")
    response = client.post(link, {**SUCCESSOR, "description": "Typed for an hour."})
    assert response.status_code == 409
    html = response.content.decode()
    assert "Nothing of yours was recorded." in html
    assert "Typed for an hour." in html
    assert Change.objects.count() == 1


def test_what_is_not_right_leads_to_no_request(client: Client, change: Change, link: str) -> None:
    client.post(link, NO)
    assert "Send as a new request" not in client.get(link).content.decode()
    response = client.post(link, SUCCESSOR)
    assert response.status_code == 409
    assert "what was agreed is being put right" in response.content.decode()
    assert state_of(change) == State.NOT_CONFIRMED


def test_a_rating_is_given_once_through_the_same_link(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    assert client.post(link, RATING).status_code == 400, "not before the answer"
    client.post(link, YES)
    page = client.get(link).content.decode()
    assert 'name="rating"' in page
    assert "checked" not in page, "nothing is chosen beforehand"
    assert client.post(link, {"act": "rate"}).status_code == 400
    too_long = {**RATING, "rating_comment": "x" * 2001}
    assert "x" * 2001 in client.post(link, too_long).content.decode()
    assert client.post(link, RATING).status_code == 302
    confirmation = change.confirmations.get()
    assert (confirmation.rating, confirmation.rating_comment) == (4, "Quick & friendly.")
    assert change.events.get(verb="rate").data == {"rating": 4, "via": "link"}
    assert "You rated this change 4 of 5." in client.get(link).content.decode()
    again = client.post(link, {**RATING, "rating": "1"})
    assert again.status_code == 409
    assert "You have rated this change already." in again.content.decode()
    assert "Quick &amp; friendly." in again.content.decode()
    assert change.confirmations.get().rating == 4


@pytest.mark.parametrize(("first", "second"), [(FURTHER, SUCCESSOR), (YES, RATING)])
@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_one_follows_up(
    cast: Cast, change: Change, link: str, first: dict[str, str], second: dict[str, str]
) -> None:
    Client().post(link, first)
    answers = at_once(*[lambda: Client().post(link, second)] * 2)
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    verb = "rate" if second is RATING else "request_successor"
    assert change.events.filter(verb=verb).count() == 1
    assert Change.objects.count() == (1 if second is RATING else 2)


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
    for path in (f"/confirm/{token[:-1]}/", f"/confirm/{'x' * 3000}/"):
        assert page_of(client, path) == forged
    assert client.get(f"/confirm/{token} /").url == link
    lifecycle.resend_confirmation(change, actor=cast.success)
    assert page_of(client, link) == forged, "superseded"
    newest = link_in(mail_to(cast.requester.email))
    assert client.get(newest).status_code == 200, "and the newest works until then"
    with time_machine.travel(timezone.now() + timedelta(days=settings.CONFIRMATION_LINK_DAYS)):
        assert page_of(client, newest) == forged, "expired"
    assert state_of(change) == State.CONFIRMATION


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
    assert client.get("/confirm/one-more/", REMOTE_ADDR="192.0.2.7").status_code == 404
    assert client.get(link).status_code == 200, "a colleague behind the same address goes on"
    with time_machine.travel(
        timezone.now() + timedelta(seconds=secret_address.FAILURES_SECONDS + 1)
    ):
        assert client.get("/confirm/one-more/").status_code == 404


def test_opening_costs_few_queries(
    client: Client, link: str, django_assert_num_queries: Any
) -> None:
    client.get(link)
    with django_assert_num_queries(1):
        client.get(link)


# --- Two at once ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_wins(cast: Cast, change: Change, link: str) -> None:
    barrier = threading.Barrier(2)
    answers: list[tuple[int, str]] = []

    def answer(data: dict[str, str]) -> None:
        client = Client()
        client.get(link)
        barrier.wait(60)
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
