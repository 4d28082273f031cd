"""Mail that waits, in a real browser: accepted, accepted for somebody new, discarded, none."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from changes.models import Change, IncomingMail
from tests import stories
from tests.components.browsing import sign_in
from tests.components.looks import looks
from tests.letters import PDF, write
from tests.mailing import mail_to
from tests.people import Cast

STRANGER = "Ines Visitor <ines@elsewhere.example>"
LONG = "\n".join(
    f"{number}. The doors of wing {number} do not open at night." for number in range(9)
)


@pytest.fixture
def some(transactional_db: None, cast: Cast) -> Cast:
    """Mail of each kind that waits, an answer, and some that needed nobody."""
    asked = stories.information_required(cast)
    write("There are twelve rooms.", in_reply_to=mail_to(cast.requester.email).message_id)
    write(subject="Opening hours", files=(("plan.pdf", "application/pdf", PDF),))
    write("I am away.", auto_submitted="auto-replied", subject="Out of office")
    write(
        LONG,
        sender=STRANGER,
        subject="Our doors",
        files=(("plan.pdf", "application/pdf", PDF), ("run.exe", "application/x-exe", b"MZ")),
    )
    write(
        "Count ours too.",
        sender="nina@wards.harbour.example",
        subject=f"Re: [{asked.reference}] Rooms",
    )
    return cast


def item(page: Any, subject: str) -> Any:
    """Return the entry of a mail."""
    return page.locator(".triage-item", has_text=subject)


def test_mail_is_looked_over_and_accepted_added_and_discarded_with_one_press(
    new_page: Any, live_server: Any, client: Client, some: Cast
) -> None:
    write("And theirs.", sender="omar@elsewhere.example", subject="Rooms of others")
    page = new_page()
    sign_in(page, some.support, live_server)
    waiting = IncomingMail.objects.get(sender="ines@elsewhere.example")
    asked = Change.objects.earliest("pk")
    with looks(page) as look:
        for path in (
            "/triage/?view=answers",
            "/triage/?view=all",
            f"/triage/{waiting.pk}/",
            "/triage/",  # the last one is where support goes on, on a phone
        ):
            look.over_address(path)
    expect(page.locator(".triage-item")).to_have_count(3)
    counted = page.get_by_role("link", name="Incoming mail waiting: 4", include_hidden=True)
    expect(counted).to_have_attribute("href", "/triage/")
    doors = item(page, "Our doors")
    doors.get_by_label("Organisation of ines@elsewhere.example").select_option("Meridian Retail")
    doors.get_by_role("button", name="Accept").click()
    expect(page.locator(".alert-success")).to_contain_text("The mail is now the request")
    change = Change.objects.latest("pk")
    assert (change.organisation, change.requester.display_name) == (some.meridian, "Ines Visitor")
    others = item(page, "Rooms of others")
    others.get_by_role("button", name="Discard").click()
    expect(others).to_have_count(0)

    # Each has a page of its own, from which it is added to its change.
    rooms = item(page, "] Rooms")
    expect(rooms.get_by_role("button", name="Accept for Harbour Hospitals")).to_be_visible()
    rooms.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Why it waits")).to_be_visible()
    page.get_by_role("button", name="Add the comment").click()
    expect(page.locator(".alert-success")).to_contain_text("The mail is now a comment on")
    expect(page.get_by_text("No mail waits")).to_be_visible()
    every = page.get_by_role("link", name="All mail")
    assert str(every.get_attribute("href")).endswith("/triage/?view=all")
    mail = IncomingMail.objects.get(subject__endswith="] Rooms")
    assert mail.outcome == "comment"
    assert "Count ours too." in mail.comment.body

    # An answer is accepted on the page of its change.
    client.force_login(some.support)
    answers = client.get("/triage/?view=answers").content.decode()
    assert f'class="triage-subject" href="{asked.get_absolute_url()}#proposal-' in answers
    with looks(page) as look:
        look.over_address(asked.get_absolute_url())
    page.get_by_role("button", name="Accept as the answer").click()
    expect(page.locator(".alert-success")).to_contain_text("taken from the mail")
    assert Change.objects.earliest("pk").state == "board"

    # All that came stays in sight, with what became of it.
    rows = client.get("/triage/?view=all").context["rows"]
    assert len(rows) == 6
    outcomes = {one.subject: one.get_outcome_display() for one, _guess in rows}
    assert outcomes["Rooms of others"] == "Discarded"
