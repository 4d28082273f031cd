"""History grows and is never rewritten: not by the product, not past it."""

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import Organisation
from audit.sources import OWN_APPS, sources
from changes.models import Authorisation, BoardDecision, Comment
from tests.people import Cast
from tests.stories import closed


def history_tables() -> list[type[models.Model]]:
    """Every model that keeps history, many-to-many ones included."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model.__name__.startswith("Historical") and model._meta.app_label in OWN_APPS
    ]


def test_tables_are_found_by_looking() -> None:
    names = {model.__name__ for model in history_tables()}
    assert {"HistoricalChange", "HistoricalChange_services", "HistoricalUser_groups"} <= names
    assert len(names) >= 30


@pytest.mark.parametrize("model", history_tables(), ids=lambda model: model.__name__)
def test_the_database_refuses_to_rewrite_history(db: None, model: type[models.Model]) -> None:
    """Each table has a trigger, for each row, before each update and each deletion."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'O'",
            [model._meta.db_table],
        )
        triggers = [row[0] for row in cursor.fetchall()]
    refusing = [one for one in triggers if "refuse_rewriting_history()" in one]
    assert len(refusing) == 1, triggers
    assert "BEFORE DELETE OR UPDATE" in refusing[0] and "FOR EACH ROW" in refusing[0]


def guarded_tables() -> list[str]:
    """Every table of ours on which a trigger refuses that a row is deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
            " WHERE NOT tgisinternal AND (tgname ~ 'append_only|no_delete')"
        )
        return [row[0] for row in cursor.fetchall()]


def test_no_guarded_table_is_emptied_at_once(db: None) -> None:
    """TRUNCATE asks no trigger for rows: it needs one of its own."""
    guarded = set(guarded_tables())
    assert {model._meta.db_table for model in history_tables()} < guarded
    assert {"changes_change", "changes_event", "crb_vote", "changes_comment"} <= guarded
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger"
            " WHERE tgname = 'never_emptied' AND tgenabled = 'O'"
        )
        assert guarded - {row[0] for row in cursor.fetchall()} == set()
        for table in ("changes_historicalchange", "changes_event", "crb_vote"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                cursor.execute(f'TRUNCATE "{table}" CASCADE')


@pytest.mark.parametrize("model", [Authorisation, BoardDecision, Comment])
def test_what_was_decided_and_said_stays(cast: Cast, model: type[models.Model]) -> None:
    change = closed(cast)
    if model is Comment:
        Comment.objects.create(change=change, author=cast.success, body="Said.")
    elif model is BoardDecision:
        BoardDecision.objects.create(
            change=change, recorded_by=cast.chair, revision=1, outcome="accepted"
        )
    row = model._default_manager.get()
    for attempt in (row.save, row.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            attempt()


def test_rows_of_a_whole_story_cannot_be_touched(cast: Cast) -> None:
    closed(cast)
    tried = 0
    for model in history_tables():
        row = model._default_manager.first()
        if row is None:
            continue
        tried += 1
        same = {model._meta.pk.name: row.pk}
        field = next(one for one in model._meta.concrete_fields if not one.primary_key)
        value = getattr(row, field.attname)
        for attempt in (
            lambda m=model, s=same, f=field, v=value: m._default_manager.filter(**s).update(
                **{f.name: v}
            ),
            lambda m=model, s=same: m._default_manager.filter(**s)._raw_delete("default"),
        ):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                attempt()
    assert tried >= 15


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.key)
def test_history_is_indexed_for_its_readers(db: None, source: object) -> None:
    """By moment, by person and by object: the questions of the history page."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s",
            [source.history._meta.db_table],  # type: ignore[attr-defined]
        )
        indexes = " ".join(row[0] for row in cursor.fetchall())
    assert "(history_date)" in indexes
    assert "(history_user_id, history_date DESC, history_id DESC)" in indexes
    assert f"({source.pk_name})" in indexes  # type: ignore[attr-defined]


def test_the_administration_only_shows_earlier_versions(client: Client, cast: Cast) -> None:
    assert settings.SIMPLE_HISTORY_REVERT_DISABLED is True
    assert not getattr(settings, "SIMPLE_HISTORY_EDIT", False)
    client.force_login(cast.administrator, backend="django.contrib.auth.backends.ModelBackend")
    cast.harbour.name = "Harbour Group"
    cast.harbour.save()
    rows = cast.harbour.history.count()
    first = cast.harbour.history.last()
    name = "admin:accounts_organisation_simple_history"
    url = reverse(name, args=[cast.harbour.pk, first.history_id])
    page = client.get(url)
    assert page.status_code == 200
    assert b'name="_save"' not in page.content and b"Change history" not in page.content
    data = {"name": first.name, "success_team": cast.care_team.pk, "is_active": "on"}
    data |= {"domains-TOTAL_FORMS": "0", "domains-INITIAL_FORMS": "0", "_save": "Save"}
    assert client.post(url, {**data, "_change_history": "1"}).status_code == 403
    assert Organisation.objects.get(pk=cast.harbour.pk).name == "Harbour Group"
    assert cast.harbour.history.count() == rows


def test_no_address_edits_history() -> None:
    """Nothing registered in the administration is a table of history."""
    from django.contrib import admin

    assert not [model for model in admin.site._registry if model in history_tables()]
    names = [name for name in get_resolver().reverse_dict if isinstance(name, str)]
    assert not [name for name in names if "revert" in name]
