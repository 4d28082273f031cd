"""What is saved reaches the database as Django would send it, for every model and value."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import DatabaseError, connection, models
from django.db.backends.postgresql import compiler as django
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Upper
from django.db.models.sql import InsertQuery, UpdateQuery
from django.test.utils import CaptureQueriesContext
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from accounts.models import User
from changes.models import Change, Event, IncomingMail, RawMail
from expansive_cm.database import compiler as ours
from expansive_cm.database import related
from expansive_cm.database.saved import Saved
from tests import stories
from tests.people import Cast

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
VALUES: dict[type[Any], list[Any]] = {
    models.BooleanField: [True, False, "1"],
    models.IntegerField: [7, "8", True],
    models.AutoField: [7, "8"],
    models.BigAutoField: [7, "8"],
    models.CharField: ["%s ' \\ ü", mark_safe("<b>"), lazystr("later"), 5, ""],
    models.TextField: ["%s ' \\ ü", mark_safe("<b>"), lazystr("later"), 5, ""],
    models.DateTimeField: [NOON, NOON.astimezone(ZoneInfo("Asia/Kolkata")), str(NOON)],
    models.DateField: [date(2026, 3, 4), NOON, "2026-03-04"],
    models.TimeField: [time(9, 30)],
    models.DurationField: [timedelta(hours=2)],
    models.DecimalField: [Decimal("1.5"), "2.5"],
    models.FloatField: [1.5, 2],
    models.JSONField: [{"a": [1, None, "ü"]}, [], "text", 0, Value({"a": 1}, models.JSONField())],
    models.BinaryField: [b"\x00%s"],
    models.FileField: ["a/file.txt"],
    models.GenericIPAddressField: ["::1"],
    ArrayField: [["one", "two"], []],
    DateTimeRangeField: [DateTimeTZRange(NOON, NOON + timedelta(days=1))],
}


def values_for(field: Any) -> list[Any]:
    """Return values that a field may be given: plain, odd and expressions; None always."""
    while field.is_relation:
        field = field.target_field
    if isinstance(field, ArrayField) and not isinstance(field.base_field, models.CharField):
        return [None, [], list(values_for(field.base_field)[1:3])]
    kinds = [kind for kind in type(field).mro() if kind in VALUES]
    return [None, *(VALUES[kinds[0]] if kinds else []), Value(None), Upper(Value("expression"))]


def rows_of(model: type[models.Model]) -> Iterator[models.Model]:
    """Yield records with the defaults, then with each field's first values, second ones, …"""
    yield model()
    fields = model._meta.concrete_fields
    for turn in range(max(len(values_for(field)) for field in fields)):
        row = model()
        for field in fields:
            if field.generated:
                continue
            found = values_for(field)
            row.__dict__[field.attname] = found[turn % len(found)]
        yield row


def insert(module: Any, row: models.Model, *, raw: bool, times: int = 1) -> Any:
    """Return what writes the INSERT of a record, or of some with the same values."""
    meta = type(row)._meta
    query = InsertQuery(type(row))
    fields = [one for one in meta.local_concrete_fields if not one.generated]
    wanted = [one for one in fields if row.pk or one is not meta.auto_field]
    query.insert_values(wanted, [row] * times, raw)
    compiler = module.SQLInsertCompiler(query, connection, "default")
    compiler.returning_fields = meta.db_returning_fields
    return compiler


def update(module: Any, row: models.Model) -> Any:
    """Return what writes the UPDATE of all fields of a record."""
    model = type(row)
    own = [f for f in model._meta.local_concrete_fields if not (f.generated or f.primary_key)]
    query = model._base_manager.filter(pk=7).query.chain(UpdateQuery)
    query.add_update_fields([(field, None, field.pre_save(row, False)) for field in own])
    return module.SQLUpdateCompiler(query, connection, "default")


def test_every_model_is_saved_as_django_saves_it(db: None) -> None:
    """The first record of a model has its statement written; those after it use that again."""
    assert connection.ops.compiler("SQLInsertCompiler") is ours.SQLInsertCompiler
    compared = 0
    with time_machine.travel(NOON, tick=False), connection.cursor() as cursor:
        for model in apps.get_models():
            ways = (
                partial(insert, raw=True),
                partial(insert, raw=True, times=2),
                update,
                partial(insert, raw=False),
                partial(insert, raw=False, times=3),
            )
            for number, row in enumerate(rows_of(model)):
                # What is many follows from what is one: the values of three records are enough.
                for way in ways if number == 0 else ways[2 : 5 if number < 4 else 4]:
                    expected, own = (outcome(cursor, way, one, row) for one in (django, ours))
                    assert own == expected, model
                    compared += isinstance(own, bytes)
    assert compared > 1000


def test_what_a_record_makes_as_it_is_saved_is_what_is_stored(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of the first record, whose statement is written, as that of those after it."""
    monkeypatch.setattr(ours, "_known", {})
    compared = 0
    for model in apps.get_models():
        for _again in range(2):
            row = model()
            compiler = insert(ours, row, raw=False)
            [(_sql, values)] = compiler.as_sql()
            for field, value in zip(compiler.query.fields, values, strict=True):
                if ours.column_of(field).makes_value and isinstance(value, datetime):
                    assert getattr(row, field.attname) == value, field
                    compared += 1
    assert compared > 40


def outcome(cursor: Any, way: Any, module: Any, row: models.Model) -> Any:
    """Return the statement as it goes to the database, values and all, or how it is refused."""
    try:
        written = way(module, row).as_sql()
        return cursor.mogrify(*(written[0] if isinstance(written, list) else written))
    except Exception as error:
        return type(error), str(error)


def updates(cast: Cast) -> list[tuple[QuerySet[Any], dict[str, Any]]]:
    """Return what is set in some rows: records, expressions, over joins, everywhere, nowhere."""
    person = cast.support
    own = Event.objects.filter(actor=person)
    return [
        (own, {"actor": cast.requester}),
        (own, {"actor": None, "verb": Concat(F("verb"), Value("x"))}),
        (own.filter(change__title="x", change__services=3), {"verb": "%s"}),
        (own.filter(pk__in=[]), {"verb": "none"}),
        (Event.objects.all(), {"verb": "all"}),
        (Event.objects.exclude(pk__in=own), {"verb": "some", "actor": person}),
    ]


def test_rows_of_a_query_are_updated_as_django_updates_them(cast: Cast) -> None:
    for rows, values in updates(cast):
        answers = []
        for module in (django, ours, ours):
            query = rows.query.chain(UpdateQuery)
            query.add_update_values(values)
            with connection.cursor() as cursor:
                compiler = module.SQLUpdateCompiler(query, connection, "default")
                answers.append(outcome(cursor, lambda _, it: it, module, compiler))
        assert answers[0] == answers[1] == answers[2]


def test_a_row_is_updated_as_by_a_queryset(cast: Cast) -> None:
    change = Change.objects.get(pk=stories.in_review(cast).pk)
    values = [change.title, "%s ' \\ ü", Concat(Value("a"), Value("b")), F("title")]
    meta = Change._meta
    for number, title in enumerate(values):
        wanted = [(meta.get_field("title"), None, title), (meta.get_field("risk"), None, None)]
        rows = Change._base_manager.using("default")
        with CaptureQueriesContext(connection) as asked:
            for update_row in (models.Model._do_update, Saved._do_update):
                assert update_row(change, rows, "default", change.pk, wanted, None, True)
        expected, own = (one["sql"] for one in asked.captured_queries)
        assert own == expected, number
        assert not Saved._do_update(change, rows, "default", 0, wanted, None, True)
    change = Change.objects.get(pk=change.pk)
    assert (change.title, change.risk) == ("ab", None)
    with pytest.raises(DatabaseError):
        Change(pk=0, title="Not there", raised_by=cast.support).save(force_update=True)


def test_a_foreign_key_is_followed_as_django_follows_it(cast: Cast) -> None:
    """Of one record of each model that a change in testing has; 1 s."""
    stories.in_testing(cast)
    followed = set()
    for model in apps.get_models():
        for record in model._base_manager.order_by("-pk")[:1]:
            for field in model._meta.concrete_fields:
                if field.is_relation and getattr(record, field.attname) is not None:
                    descriptor = getattr(model, field.name)
                    expected = vars(related.ask_anew(descriptor, record))
                    found = vars(related.get_object(descriptor, record))
                    assert found.pop("_state").db == expected.pop("_state").db
                    assert found == expected, descriptor.field
                    followed.add(field.remote_field.model)
    assert {Change, User, Group} <= followed

    for key in (0, -1, 2**63 - 1, 2**70, "0"):
        with pytest.raises(User.DoesNotExist):
            _ = Change(requester_id=key).requester
    for same in (cast.support.pk, str(cast.support.pk)):
        assert Change(requester_id=same).requester == cast.support
    assert Change(owner_id=None).owner is None


def test_a_one_to_one_field_is_followed_back_as_django_follows_it(cast: Cast) -> None:
    """Where there is such a record, where there is none, and for an unsaved one; 0.1 s."""
    mails = IncomingMail.objects.bulk_create(IncomingMail(mailbox="one", size=1) for _ in range(2))
    RawMail.objects.create(mail=mails[0], content=b"\x00")
    raw = vars(IncomingMail)["raw"]
    for mail in (*mails, IncomingMail()):
        told = []
        for follow in (related.answer, related.get_reverse):
            one = IncomingMail(pk=mail.pk)
            with CaptureQueriesContext(connection) as asked:
                try:
                    found = follow(raw, one, IncomingMail)
                    told.append((found, bytes(found.content), len(asked)))
                    assert found.mail is one
                except IncomingMail.raw.RelatedObjectDoesNotExist as error:
                    told.append((str(error), raw.is_cached(one), len(asked)))
                assert getattr(one, "raw", None) is getattr(one, "raw", None)
            told.append(len(asked))
        assert told[:2] == told[2:]
    assert IncomingMail.raw is raw
