"""In the administration, what a workflow owns is read; services and releases are kept."""

from datetime import date

from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from changes.models import Change, Confirmation, Environment, Event, Release, SavedView, Service
from changes.story import RELATIONS
from tests import stories
from tests.people import Cast

KEPT_BY_ADMINISTRATORS = {Environment, Service, Release, SavedView}
OWNED = [
    model
    for model in apps.get_app_config("changes").get_models()
    if model not in KEPT_BY_ADMINISTRATORS
    and not model.__name__.startswith("Historical")
    and model in admin.site._registry
]


def test_every_record_of_the_workflow_can_be_read() -> None:
    models = {
        model
        for model in apps.get_app_config("changes").get_models()
        if not model.__name__.startswith("Historical")
    }
    stages = {Change._meta.get_field(name).related_model for name in RELATIONS}
    assert {Change, *stages} <= set(OWNED) <= models


def test_nothing_of_it_can_be_touched(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator)
    answered = {}
    for model in OWNED:
        name = f"admin:changes_{model.__name__.lower()}"
        answered[model.__name__] = [
            client.get(reverse(f"{name}_changelist")).status_code,
            client.get(reverse(f"{name}_add")).status_code,
            client.post(reverse(f"{name}_add"), {}).status_code,
        ]
    assert {name: each for name, each in answered.items() if each != [200, 403, 403]} == {}


def test_a_change_is_shown_and_stays_as_it_is(client: Client, cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    client.force_login(cast.administrator)
    for record in (change, change.confirmation, change.events.first(), change.executions.get()):
        name = f"admin:changes_{type(record).__name__.lower()}"
        address = reverse(f"{name}_change", args=[record.pk])
        html = client.get(address).content.decode()
        assert 'name="_save"' not in html
        assert client.post(address, {"title": "Taken over", "state": "closed"}).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[record.pk])).status_code == 403
    now = Change.objects.get(pk=change.pk)
    assert (now.title, now.state) == (change.title, change.state)
    assert Confirmation.objects.count() == 1
    assert Event.objects.filter(change=change).count() == change.events.count()


def test_a_change_is_found_by_its_reference(client: Client, cast: Cast) -> None:
    change, other = stories.submitted(cast), stories.submitted(cast, title="Another one")
    client.force_login(cast.administrator)
    address = reverse("admin:changes_change_changelist")
    html = client.get(address, {"q": change.reference.lower()}).content.decode()
    assert change.get_absolute_url() in html
    assert other.get_absolute_url() not in html


def test_the_secret_of_a_link_is_not_shown(client: Client, cast: Cast) -> None:
    link = stories.in_confirmation(cast).confirmation.links.get()
    client.force_login(cast.administrator)
    address = reverse("admin:changes_confirmationlink_change", args=[link.pk])
    html = client.get(address).content.decode()
    assert link.sent_to in html
    assert link.token_hash not in html


def test_a_service_is_kept_with_a_reason(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator)
    data = {"name": "Space booking", "is_active": "on", "reason": "New in the contract"}
    assert client.post(reverse("admin:changes_service_add"), data).status_code == 302
    service = Service.objects.get()
    assert service.history.get().history_change_reason == "New in the contract"
    assert service.history.get().history_user == cast.administrator
    assert (
        client.post(reverse("admin:changes_service_delete", args=[service.pk])).status_code == 403
    )


def test_the_date_of_a_promise_moves_with_a_reason(client: Client, cast: Cast) -> None:
    release = stories.release()
    Change.objects.filter(pk=stories.in_requirements(cast).pk).update(promised_release=release)
    client.force_login(cast.administrator)
    address = reverse("admin:changes_release_change", args=[release.pk])
    data = {"name": release.name, "planned_on": "2031-05-01", "notes": ""}
    assert "say why its date moves" in client.post(address, data).content.decode()
    data["reason"] = "The freeze was moved."
    assert client.post(address, data).status_code == 302
    release.refresh_from_db()
    assert release.history.first().history_change_reason == "The freeze was moved."


def test_others_do_not_come_in(client: Client, cast: Cast) -> None:
    for name in ("success", "auditor", "requester", "chair"):
        client.force_login(getattr(cast, name))
        answer = client.get(reverse("admin:changes_change_changelist"))
        assert answer.status_code in (302, 403), name


def test_the_index_names_everything_and_has_an_icon(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator)
    html = client.get(reverse("admin:index")).content.decode()
    assert "Links between changes" in html
    assert 'rel="icon"' in html


def test_the_next_releases_stand_first(client: Client, cast: Cast) -> None:
    for name, day in (("2026.11", date(2026, 11, 24)), ("2026.12", date(2026, 12, 29))):
        Release.objects.create(name=name, planned_on=day)
    client.force_login(cast.administrator)
    html = client.get(reverse("admin:changes_release_changelist")).content.decode()
    assert html.index("2026.12") < html.index("2026.11")
