"""A person's own page, and the time zone that follows from it."""

import datetime as dt
import re

import pytest
from django.template import engines
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.middleware import TimeZoneMiddleware, zone_of
from accounts.models import User
from accounts.navigation import _longest_match

pytestmark = pytest.mark.django_db
MOMENT = dt.datetime(2026, 7, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def sofia() -> User:
    return User.objects.create_user(
        "sofia@expansive.example", display_name="Sofia", time_zone="Europe/Stockholm"
    )


def test_name_and_zone_are_ones_own_to_change(client: Client, sofia: User) -> None:
    client.force_login(sofia)
    data = {
        "display_name": "Sofia Lindqvist",
        "time_zone": "Asia/Tokyo",
        "mail_pace": "daily",
        "email": "x@y.example",
    }
    page = client.post("/account/profile/", data, follow=True)
    assert "Your profile is saved." in page.content.decode()
    sofia.refresh_from_db()
    assert (sofia.display_name, sofia.time_zone) == ("Sofia Lindqvist", "Asia/Tokyo")
    assert sofia.mail_pace == "daily"
    assert sofia.email == "sofia@expansive.example"
    assert sofia.history.first().history_user == sofia


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("time_zone", "Mars/Olympus", "Mars/Olympus is not one of the available choices"),
        ("mail_pace", "hourly", "hourly is not one of the available choices"),
        ("display_name", "", "This field is required."),
        ("display_name", "x" * 151, "at most 150 characters"),
        ("display_name", "So\x00fia", "Null characters are not allowed."),
    ],
)
def test_bad_input_is_answered_beside_the_field(
    client: Client, sofia: User, field: str, value: str, words: str
) -> None:
    client.force_login(sofia)
    fine = {"display_name": "Sofia", "time_zone": "UTC", "mail_pace": "needed"}
    data = {**fine, field: value}
    answer = client.post("/account/profile/", data)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert f'id="id_{field}_error"' in page
    assert f'href="#id_{field}"' in page
    marked = re.findall(r'<[^>]*aria-invalid="true"[^>]*>', page)
    assert marked, "the field itself says that it is wrong"
    assert all(f'name="{field}"' in tag and f"id_{field}_error" in tag for tag in marked)
    sofia.refresh_from_db()
    assert sofia.time_zone == "Europe/Stockholm"
    assert client.delete("/account/profile/").status_code == 405


def test_visitors_sign_in_first(client: Client) -> None:
    assert client.get("/account/profile/").headers["Location"].startswith("/account/login/")


def test_times_are_shown_in_the_zone_of_the_viewer(rf: RequestFactory, sofia: User) -> None:
    request = rf.get("/")
    request.user = sofia
    template = engines["django"].from_string("{% load ui %}{% when moment %}")
    shown = []
    TimeZoneMiddleware(lambda _request: shown.append(template.render({"moment": MOMENT})))(request)
    assert "1 Jul 2026, 14:00" in shown[0]
    assert "Wednesday 1 July 2026, 14:00 Europe/Stockholm (CEST)" in shown[0]
    assert timezone.get_current_timezone_name() == "UTC", "the next request starts afresh"


def test_a_zone_that_was_dropped_counts_as_utc() -> None:
    assert zone_of(User(time_zone="Gone/Away")).key == "UTC"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", "/"), ("/changes/7/", "/changes/"), ("/account/profile/", None)],
)
def test_navigation_marks_the_nearest_page(path: str, expected: str | None) -> None:
    assert _longest_match(path, ["/", "/changes/"]) == expected
