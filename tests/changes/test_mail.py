"""The Mail page of demo mode."""

from typing import Any

import pytest
from django.test import Client
from post_office.models import STATUS, Email

from changes.models import Change
from changes.models.mail import MailFile
from tests import stories
from tests.mailing import link_in, mail_to
from tests.people import Cast


def write(number: int, **values: Any) -> Email:
    """Put a message into the outbox."""
    fields = {
        "from_email": "changes@expansive.example",
        "to": [f"person{number}@example.org"],
        "subject": f"[CR-{number:06d}] Mail {number}",
        "message": "Open http://testserver/changes/ now.",
        "html_message": "<html><head></head><body><p>Hello</p></body></html>",
        "status": STATUS.sent,
        **values,
    }
    return Email.objects.create(**fields)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/mail/", "/mail/{pk}/", "/mail/{pk}/body/"])
def test_outside_demo_mode_there_is_no_such_page(
    client: Client, settings: Any, cast: Cast, path: str
) -> None:
    path = path.format(pk=write(1).pk)
    assert client.get(path).status_code == 200, "a visitor of the demonstration reads mail"
    settings.DEMO = False
    assert client.get(path).status_code == 404
    client.force_login(cast.administrator)
    assert client.get(path).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/mail/", "/mail/{pk}/", "/mail/{pk}/body/"])
def test_reading_is_all_there_is(client: Client, path: str) -> None:
    path = path.format(pk=write(1).pk)
    for method in (client.post, client.put, client.patch, client.delete):
        assert method(path).status_code == 405
    assert client.get("/mail/999999/").status_code == 404
    assert client.get("/mail/999999/body/").status_code == 404


@pytest.mark.django_db
def test_the_newest_come_first_and_pages_follow(client: Client) -> None:
    assert "No mail yet" in client.get("/mail/").content.decode()
    rows = [write(number) for number in range(1, 53)]
    page = client.get("/mail/")
    assert [row.pk for row in page.context["rows"]] == [row.pk for row in rows[:1:-1]]
    older = client.get(f"/mail/{page.context['older']}")
    assert [row.pk for row in older.context["rows"]] == [rows[1].pk, rows[0].pk]
    assert older.context["older"] == ""


@pytest.mark.django_db
def test_messages_are_found_by_recipient_reference_and_state(client: Client) -> None:
    first, second = write(1), write(2, status=STATUS.failed)
    third = write(3, status=STATUS.requeued)
    for query, found in (
        ("q=person2@", [second]),
        ("q=CR-000001", [first]),
        (f"state={STATUS.sent}", [first]),
        ("state=waiting", [third]),
        (f"state={STATUS.failed}&q=example.org", [second]),
        ("q=nobody", []),
    ):
        page = client.get(f"/mail/?{query}")
        assert page.context["rows"] == found, query
    assert "No message fits" in client.get("/mail/?q=nobody").content.decode()
    for query in ("state=9", "before=x", f"q={'x' * 201}"):
        assert client.get(f"/mail/?{query}").status_code == 400, query


@pytest.mark.django_db
def test_a_message_shows_its_parts(client: Client) -> None:
    row = write(1, headers={"Auto-Submitted": "auto-generated"}, message_id="<one@example.org>")
    page = client.get(f"/mail/{row.pk}/")
    assert f'src="/mail/{row.pk}/body/"' in page.content.decode()
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert page.context["links"] == ["http://testserver/changes/"]
    assert "Open <a href=" in client.get(f"/mail/{row.pk}/?part=text").content.decode()
    headers = client.get(f"/mail/{row.pk}/?part=headers").content.decode()
    assert "auto-generated" in headers
    assert "&lt;one@example.org&gt;" in headers
    assert client.get(f"/mail/{row.pk}/?part=nonsense").status_code == 200


@pytest.mark.django_db
def test_a_message_shows_the_files_it_carries(client: Client, settings: Any) -> None:
    plain, invitation = write(1), write(2)
    file = MailFile.objects.create(
        name="invitation.ics", content_type="text/calendar; method=REQUEST", content=b"BEGIN:"
    )
    file.emails.add(invitation)
    address = f"/mail/{invitation.pk}/files/{file.pk}/"
    assert address in client.get(f"/mail/{invitation.pk}/").content.decode()
    assert "Files" not in client.get(f"/mail/{plain.pk}/").content.decode()
    answer = client.get(address)
    assert b"".join(answer) == b"BEGIN:"
    assert answer["Content-Disposition"] == 'attachment; filename="invitation.ics"'
    assert client.get(f"/mail/{plain.pk}/files/{file.pk}/").status_code == 404
    settings.DEMO = False
    assert client.get(address).status_code == 404


@pytest.mark.django_db
def test_a_message_cannot_run_or_fetch_anything(client: Client) -> None:
    row = write(1, html_message="<html><head></head><body><script>alert(1)</script></body></html>")
    body = client.get(f"/mail/{row.pk}/body/")
    policy = body["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert body["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.django_db
def test_the_list_costs_the_same_for_one_row_and_for_three(
    client: Client, django_assert_num_queries: Any
) -> None:
    for number in (1, 2, 3):
        write(number)
        with django_assert_num_queries(1):
            client.get("/mail/")


@pytest.mark.django_db(transaction=True)
def test_a_visitor_opens_the_requesters_link_from_the_mail(
    client: Client, cast: Cast, new_page: Any
) -> None:
    change = stories.in_confirmation(cast)
    mail = mail_to(cast.requester.email)
    link = link_in(mail)
    assert '<a href="/mail/">Read the mail</a>' in client.get("/account/login/").content.decode()
    found = client.get("/mail/", {"q": "Please confirm"}).content.decode()
    assert f"[{change.reference}] Please confirm" in found
    assert f'href="/mail/{mail.pk}/"' in found
    page = new_page()
    page.goto(f"/mail/{mail.pk}/")
    button = page.frame_locator("iframe").get_by_role("link", name="Answer yes or no")
    assert button.get_attribute("href").endswith(link)
    with page.expect_popup() as opened:
        button.evaluate("(a, to) => a.setAttribute('href', to)", page.url.split("/mail/")[0] + link)
        button.click()
    answer = opened.value
    for yes in ("Yes, it does what I need", "Yes, it is as I expected"):
        answer.get_by_text(yes).click()
    answer.get_by_role("button", name="Send my answer").click()
    answer.get_by_role("heading", name="Confirmed").wait_for()
    change = Change.objects.get(pk=change.pk)
    assert change.state == "closed"
