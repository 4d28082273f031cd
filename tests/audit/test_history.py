"""The history of everything, for auditors and administrators: by person, kind, change and day."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.sources import sources
from tests.people import Cast
from tests.stories import in_authorisation, in_execution, in_requirements, plan, submitted

HISTORY = "/history/"


@pytest.fixture
def auditor(client: Client, cast: Cast) -> Client:
    """A client that is signed in as the auditor."""
    client.force_login(cast.auditor, backend="django.contrib.auth.backends.ModelBackend")
    return client


def found(client: Client, **query: Any) -> list[tuple[str, str, str]]:
    """Who did what to what, as the page shows it."""
    response = client.get(HISTORY, query)
    assert response.status_code == 200, response.content.decode()
    return [(one.by, str(one.act), one.what) for one in response.context["entries"]]


def test_only_auditors_and_administrators_read_it(client: Client, cast: Cast) -> None:
    allowed = set()
    for name, user in cast.people.items():
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        status = client.get(HISTORY).status_code
        assert status in (200, 403)
        if status == 200:
            allowed.add(name)
    assert allowed == {"auditor", "administrator"}
    client.logout()
    assert client.get(HISTORY).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(auditor: Client, method: str) -> None:
    assert getattr(auditor, method)(HISTORY).status_code == 405


def test_it_covers_every_kind_of_object() -> None:
    keys = {source.key for source in sources()}
    assert {"accounts.user", "accounts.organisation", "changes.change", "crb.meeting"} <= keys
    assert len(keys) >= 30


def test_people_are_found_by_name_and_address(auditor: Client, cast: Cast) -> None:
    change = in_authorisation(cast)
    by_name = found(auditor, person="cleo")
    assert {by for by, _act, _what in by_name} == {"Cleo Success"}
    assert f"Customer success review of {change.reference}" in {what for _b, _a, what in by_name}
    assert found(auditor, person="cleo.success@expansive.example") == by_name
    assert found(auditor, person=str(cast.success.pk)) == by_name
    assert {by for by, _act, _what in found(auditor, person="system")} == {""}


def test_kinds_changes_and_days_narrow_it_down(auditor: Client, cast: Cast) -> None:
    change, other = in_authorisation(cast), submitted(cast)
    reviews = found(auditor, type="changes.review")
    assert [what for _by, _act, what in reviews] == [
        f"Customer success review of {change.reference}"
    ]
    of_one = found(auditor, reference=change.reference)
    assert of_one and all(change.reference in what for _by, _act, what in of_one)
    assert found(auditor, reference=f"{other.pk}", type="changes.review") == []
    assert found(auditor, reference=other.reference, person="cleo") == []
    zone, day = ZoneInfo(cast.auditor.time_zone), timedelta(days=1)
    today = timezone.localdate(timezone=zone)
    assert found(auditor, since=today, until=today, type="changes.review") == reviews
    assert found(auditor, since=today + day) == []
    assert found(auditor, until=today - day) == []
    assert found(auditor, since="9999-12-31") == []
    assert found(auditor, until="9999-12-31", type="changes.review") == reviews
    assert found(auditor, since="0001-01-01", type="changes.review") == reviews


def test_an_act_that_left_an_object_as_it_was_says_so(auditor: Client, cast: Cast) -> None:
    change = in_execution(cast)
    plan(change, cast)
    response = auditor.get(HISTORY, {"type": "changes.change", "reference": change.reference})
    assert not response.context["entries"][0].fields
    assert response.content.decode().count("None of its own fields changed.") == 1


def test_roles_that_are_given_are_seen(auditor: Client, cast: Cast) -> None:
    from django.contrib.auth.models import Group

    cast.nobody.groups.add(Group.objects.get(name="tester"))
    response = auditor.get(HISTORY, {"type": "accounts.user"})
    newest = response.context["entries"][0]
    assert newest.what == "Person: Nora Nobody"
    roles = [(str(one.label), one.before, one.after) for one in newest.fields]
    assert roles == [("Roles", "–", "Tester")]
    assert "password" not in response.content.decode().lower().replace(
        "password_change", ""
    ).replace("change password", "")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"person": "nobody by this name"}, "Nobody has this name or address."),
        ({"type": "auth.permission"}, "Select a valid choice."),
        ({"reference": "CR-x"}, "Write it like CR-000123."),
        ({"since": "yesterday"}, "Enter a valid date."),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "This day is before the first one."),
        ({"type": "accounts.user", "reference": "CR-000001"}, "no records of this kind"),
        ({"page": "forged"}, "not valid"),
    ],
)
def test_a_wrong_question_gets_a_sentence(
    auditor: Client, query: dict[str, str], sentence: str
) -> None:
    response = auditor.get(HISTORY, query)
    assert response.status_code == 400
    assert sentence in response.content.decode()


def test_too_common_a_name_is_refused(auditor: Client, cast: Cast) -> None:
    User.objects.bulk_create(
        User(email=f"common{number}@harbour.example", display_name="Common", password="!")
        for number in range(51)
    )
    assert "Too many people" in auditor.get(HISTORY, {"person": "common"}).content.decode()


def test_pages_hold_every_row_once(auditor: Client, cast: Cast, monkeypatch: Any) -> None:
    in_requirements(cast)
    monkeypatch.setattr("audit.views.PAGE_SIZE", 1_000)
    whole = [(one.at, one.what) for one in auditor.get(HISTORY).context["entries"]]
    monkeypatch.setattr("audit.views.PAGE_SIZE", 7)
    seen, url = [], HISTORY
    while url:
        response = auditor.get(url)
        seen += [(one.at, one.what) for one in response.context["entries"]]
        next_url = response.context["next_url"]
        url = f"{HISTORY}{next_url}" if next_url else ""
    assert seen == whole and len(seen) > 40


def test_rows_of_one_moment_keep_their_order(auditor: Client, cast: Cast, monkeypatch: Any) -> None:
    """A whole transaction may share one moment: pages still neither skip nor repeat."""
    moment = timezone.now() + timedelta(minutes=1)
    change = submitted(cast)
    for source in sources():
        if source.key in ("changes.change", "accounts.user", "accounts.organisation"):
            for row in source.model._default_manager.all()[:3]:
                row._history_date = moment
                row.save()
    assert change.history.count() >= 2
    monkeypatch.setattr("audit.views.PAGE_SIZE", 1_000)
    whole = [(one.at, one.what) for one in auditor.get(HISTORY).context["entries"]]
    assert len({at for at, _what in whole[:6]}) == 1
    monkeypatch.setattr("audit.views.PAGE_SIZE", 2)
    forwards, responses, url = [], [], HISTORY
    for _page in range(5):
        responses.append(auditor.get(url))
        forwards += [(one.at, one.what) for one in responses[-1].context["entries"]]
        url = HISTORY + responses[-1].context["next_url"]
    assert forwards == whole[:10]
    back = auditor.get(HISTORY + responses[3].context["previous_url"])
    assert [(one.at, one.what) for one in back.context["entries"]] == whole[4:6]


@pytest.mark.parametrize("stories", [1, 3])
@pytest.mark.parametrize(
    ("query", "queries"),
    [("", 7), ("?person=cleo", 8), ("?type=changes.change", 7), ("?type=changes.review", 6)],
)
def test_cost_does_not_grow_with_rows(
    auditor: Client,
    cast: Cast,
    stories: int,
    query: str,
    queries: int,
    django_assert_num_queries: Any,
) -> None:
    for _number in range(stories):
        in_authorisation(cast)
    with django_assert_num_queries(queries):
        auditor.get(HISTORY + query)


def test_an_import_or_a_task_is_the_systems_act(auditor: Client, cast: Cast) -> None:
    change = submitted(cast)
    change._history_user = None
    change._change_reason = "updated the date of the promise"
    change.save()
    response = auditor.get(HISTORY)
    assert "The system" in response.content.decode()
    assert response.context["entries"][0].why == "updated the date of the promise"
