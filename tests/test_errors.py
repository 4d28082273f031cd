"""Bad input gets a clear page and the right status, and is never a fault of ours."""

import logging
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from accounts.models import User
from expansive_cm import errors
from expansive_cm.files import FilesAway
from expansive_cm.urls import urlpatterns as product
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIncomplete

pytestmark = pytest.mark.django_db


def look_up(request: HttpRequest) -> HttpResponse:
    """Use what was sent in a query, as a view without a form would."""
    given = request.GET.get("q") or request.POST.get("q", "")
    return HttpResponse(str(User.objects.filter(display_name=given).count()))


def refuse(request: HttpRequest, kind: str) -> HttpResponse:
    """Raise what a step answers instead of succeeding."""
    refusals = {
        "forbidden": StepForbidden("You authorised this change yourself."),
        "stale": ChangeStale("Helen Carrow authorised it a minute ago."),
        "incomplete": StepIncomplete("The change is not ready.", ["a rollback plan", "a release"]),
        "too-big": RequestDataTooBig("too big"),
        "broken": RuntimeError("on purpose"),
        "away": OperationalError("could not connect to server"),
        "closed": InterfaceError("connection already closed"),
        "full": FilesAway("No space left on device"),
    }
    raise refusals[kind]


urlpatterns = [path("look-up/", look_up), path("refuse/<str:kind>/", refuse), *product]
handler400 = "expansive_cm.errors.bad_request"
handler403 = "expansive_cm.errors.permission_denied"
handler404 = "expansive_cm.errors.page_not_found"
handler500 = "expansive_cm.errors.server_error"
own_addresses = pytest.mark.urls(__name__)


@pytest.fixture
def grace() -> User:
    return User.objects.create_user("grace@harbourview.example", display_name="Grace Okafor")


@own_addresses
@pytest.mark.parametrize(
    ("kind", "words"),
    [("away", "Our database"), ("closed", "Our database"), ("full", "Files cannot be kept")],
)
def test_what_is_away_is_said_with_when_to_try_again(kind: str, words: str) -> None:
    client = Client(raise_request_exception=False)
    page, fragment = (
        client.get(f"/refuse/{kind}/", headers=headers) for headers in ({}, {"HX-Request": "true"})
    )
    for answer in (page, fragment):
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert answer["Cache-Control"] == "no-store"
        assert words in answer.content.decode()
    assert "nothing is half done" in page.content.decode()
    assert "<" not in fragment.content.decode()


def test_a_database_that_lets_nobody_write_is_said(client: Client, grace: User) -> None:
    client.raise_request_exception = False
    client.force_login(grace)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    assert client.get("/").status_code == 200, "reading goes on"
    answer = client.post("/account/logout/")
    assert answer.status_code == 503
    assert "Our database" in answer.content.decode()


@pytest.mark.parametrize("signed_in", [False, True])
def test_not_found_in_the_shell(client: Client, grace: User, signed_in: bool) -> None:
    if signed_in:
        client.force_login(grace)
    answer = client.get("/no/such/page/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "Nothing to see here" in page
    assert ("Grace Okafor" in page) is signed_in


# --- NUL ----------------------------------------------------------------------------------


@own_addresses
@pytest.mark.parametrize("address", ["/look-up/?q=a%00b", "/look-up/?%00=1", "/refuse/%00/"])
def test_nul_in_an_address_is_a_bad_request(client: Client, grace: User, address: str) -> None:
    client.force_login(grace)
    answer = client.get(address)
    assert answer.status_code == 400
    assert "That did not make sense" in answer.content.decode()
    assert "Grace Okafor" in answer.content.decode()


@own_addresses
def test_nul_that_reaches_the_database_is_a_bad_request(client: Client) -> None:
    assert client.post("/look-up/", {"q": "a\x00b"}).status_code == 400
    assert client.post("/look-up/", {"q": "ab"}).content == b"0"


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages", "anything"])
def test_nul_in_a_cookie_is_a_bad_request(client: Client, name: str) -> None:
    answer = client.get("/account/login/", headers={"cookie": f'{name}="a\\000b"'})
    assert answer.status_code == 400


@pytest.mark.parametrize("field", ["login", "password", "next", "csrfmiddlewaretoken"])
def test_nul_at_sign_in_is_no_fault(client: Client, field: str) -> None:
    data = {"login": "a@b.example", "password": "p", "next": "/", field: "a\x00b"}
    assert client.post("/account/login/", data).status_code in (200, 400, 403)


# --- Refusals by the process ----------------------------------------------------------------


@own_addresses
@pytest.mark.parametrize(
    ("kind", "status", "sentence"),
    [
        ("forbidden", 403, "You authorised this change yourself."),
        ("stale", 409, "Helen Carrow authorised it a minute ago."),
        ("incomplete", 409, "a rollback plan"),
        ("too-big", 413, "That is too much at once."),
    ],
)
def test_refusals_have_a_page_and_a_sentence(
    client: Client, kind: str, status: int, sentence: str
) -> None:
    answer = client.get(f"/refuse/{kind}/")
    assert answer.status_code == status
    assert sentence in answer.content.decode()
    assert 'data-page="error"' in answer.content.decode()


@own_addresses
def test_htmx_gets_the_sentence_alone(client: Client) -> None:
    answer = client.get("/refuse/stale/", headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.content.decode() == "Helen Carrow authorised it a minute ago."


def test_conflict_leads_to_how_things_stand(rf: RequestFactory, grace: User) -> None:
    request = rf.get("/")
    request.user = grace
    answer = errors.conflict(request, "Too late.", "/changes/CR-000001/")
    assert answer.status_code == 409
    assert 'href="/changes/CR-000001/"' in answer.content.decode()
    assert not list(get_messages(request))


# --- CSRF and faults ----------------------------------------------------------------------------


def test_a_form_without_its_token_says_what_to_do(grace: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(grace)
    answer = client.post("/account/profile/", {"display_name": "Mallory", "time_zone": "UTC"})
    assert answer.status_code == 403
    assert "This form was too old" in answer.content.decode()
    assert "sent no cookie" in answer.content.decode()
    grace.refresh_from_db()
    assert grace.display_name == "Grace Okafor"


@own_addresses
def test_a_fault_has_a_reference_that_the_log_has_too(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.raise_request_exception = False
    with caplog.at_level(logging.ERROR):
        answer = client.get("/refuse/broken/")
    page = answer.content.decode()
    assert answer.status_code == 500
    reference = next(r.args[0] for r in caplog.records if r.name == "expansive_cm.errors")
    assert reference in page


@own_addresses
def test_a_fault_in_the_page_about_faults_still_answers(client: Client, monkeypatch: Any) -> None:
    def fail(*_args: Any) -> str:
        raise ValueError("no manifest")

    monkeypatch.setattr(errors, "render_to_string", fail)
    client.raise_request_exception = False
    answer = client.get("/refuse/broken/")
    assert answer.status_code == 500
    assert b"The fault is ours" in answer.content


@own_addresses
def test_a_fault_asks_nothing_of_the_database(
    rf: RequestFactory, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert errors.server_error(rf.get("/")).status_code == 500


@pytest.mark.parametrize("address", ["/account/profile/", "/account/sign-in-as/"])
def test_wrong_methods_change_nothing(client: Client, grace: User, address: str) -> None:
    client.force_login(grace)
    assert client.put(address).status_code == 405
