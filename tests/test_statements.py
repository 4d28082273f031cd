"""A statement is written once, and finds each time what is there for what it is given."""

import gc
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, DataError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Model, Value
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from accounts.models import SuccessTeam, User
from accounts.roles import Role
from changes.models import Change, Event
from changes.recall import recalling
from expansive_cm.errors import what_is_away
from expansive_cm.prepared import Prepared
from expansive_cm.statements import (
    Given,
    ObjectStatement,
    Statement,
    given_keys,
    is_one_of,
    read_related,
    rows_of_all,
)
from tests import stories
from tests.concurrently import at_once
from tests.database import OURS
from tests.people import Cast


def test_it_is_written_once_and_run_with_each_value(
    cast: Any, django_assert_num_queries: Any
) -> None:
    written = []

    def people() -> Any:
        written.append(1)
        return User.objects.filter(pk=Given("person"), is_active=True).values_list("email")

    statement = Statement(people)

    with django_assert_num_queries(2):
        assert statement.rows(person=cast.support.pk) == [(cast.support.email,)]
        assert statement.rows(person=cast.requester.pk) == [(cast.requester.email,)]
    assert written == [1]
    with pytest.raises(KeyError):
        statement.rows()


@pytest.mark.parametrize("planned_once", [False, True])
def test_values_of_its_own_stay(planned_once: bool, cast: Any) -> None:
    with_given = Statement(
        lambda: User.objects.filter(pk=Given("person")).values_list(Value("x%s"), "pk"),
        planned_once=planned_once,
    )
    without = Statement(
        lambda: User.objects.filter(email=cast.support.email).values_list(Value("100 %"), "pk"),
        planned_once=planned_once,
    )

    for _again in range(2):
        assert with_given.rows(person=cast.support.pk) == [("x%s", cast.support.pk)]
        assert without.rows() == [("100 %", cast.support.pk)]


def test_several_are_asked_together(cast: Any, django_assert_num_queries: Any) -> None:
    people = Statement(
        lambda: User.objects.filter(is_one_of("pk", given_keys("keys"))).values_list(
            Value("%"), "pk"
        )
    )
    teams = Statement(
        lambda: SuccessTeam.objects.filter(pk=Given("key")).values_list(Value("team"), "pk")
    )
    one, other, team = cast.support.pk, cast.requester.pk, cast.care_team.pk
    parts = [(people, {"keys": [one]}), (teams, {"key": team}), (people, {"keys": [other, 0]})]
    with django_assert_num_queries(1):
        assert rows_of_all(parts) == [("%", one), ("team", team), ("%", other)]
    assert rows_of_all([]) == []
    with pytest.raises(KeyError):
        rows_of_all([(people, {})])


def asked_for_names() -> Prepared:
    """Return a question about a table of this connection's own."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS shelf (id bigint, name varchar(9))")
        cursor.execute("INSERT INTO shelf VALUES (1, 'one'), (2, '2 %')")
    sql = "SELECT name FROM shelf WHERE id = %s AND name <> %s"
    return Prepared(sql, [None, "it's %"], {0: ("key", "bigint")})


def test_a_plan_is_kept_by_each_connection(transactional_db: None) -> None:
    question = asked_for_names()
    for _again in range(2):
        with CaptureQueriesContext(connection) as said:
            assert question.rows({"key": 2}) == [("2 %",)]
    assert [one["sql"].split()[0] for one in said.captured_queries] == ["EXECUTE"]

    connection.close()  # as after a restart of the database
    question = asked_for_names()
    assert question.rows({"key": 1}) == [("one",)]


def test_a_plan_of_what_is_asked_no_longer_is_given_up(cast: Any) -> None:
    """Statements that are kept for a while only, as those of roles, would fill the database."""

    def ask() -> None:
        statement = Statement(
            lambda: User.objects.filter(pk=Given("one")).values_list("pk"), planned_once=True
        )
        assert statement.rows(one=cast.support.pk) == [(cast.support.pk,)]

    kept = []
    for _again in range(4):
        ask()
        gc.collect()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            kept.append(cursor.fetchone()[0])
    assert kept[-1] == kept[0]


def test_a_plan_that_failed_is_made_again(transactional_db: None) -> None:
    question = asked_for_names()
    for wrong in ("no number", 2**70):
        with pytest.raises(DataError):
            question.rows({"key": wrong})
    with pytest.raises(DataError), transaction.atomic():
        question.rows({"key": "no number"})
    assert question.rows({"key": 1}) == [("one",)]


def test_a_column_that_a_migration_widens_is_read_on(transactional_db: None) -> None:
    """PostgreSQL refuses a plan whose rows would now be of another type."""
    question = asked_for_names()
    widen = "ALTER TABLE shelf ALTER COLUMN name TYPE varchar({})"
    assert question.rows({"key": 1}) == [("one",)]
    with connection.cursor() as cursor:
        cursor.execute(widen.format(19))
        assert question.rows({"key": 1}) == [("one",)]
        cursor.execute(widen.format(29))
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        question.rows({"key": 1})
    assert what_is_away(refused.value), "whoever asked is told to try again"
    with transaction.atomic():
        assert question.rows({"key": 1}) == [("one",)]


def test_a_person_has_the_roles_and_teams_of_now(cast: Any) -> None:
    fresh = User.objects.get(pk=cast.success.pk)
    assert fresh.roles == {Role.CUSTOMER_SUCCESS} and fresh.team_ids

    User.groups.through.objects.filter(user=fresh).delete()
    SuccessTeam.members.through.objects.filter(user=fresh).delete()

    assert not fresh.read_afresh().roles and not fresh.team_ids
    prefetched = User.objects.prefetch_related("groups", "success_teams").get(pk=cast.support.pk)
    assert prefetched.roles == {Role.SUPPORT}


def test_a_person_read_afresh_is_as_django_would_read_them(cast: Any) -> None:
    """Nothing that was known of them outlives it, whatever Django forgets one day."""
    related = User.objects.select_related("organisation").prefetch_related("groups")
    afresh, refreshed = related.get(pk=cast.requester.pk), related.get(pk=cast.requester.pk)
    changed = {
        field.name: field.get_default() for field in User._meta.fields if field.has_default()
    }
    User.objects.filter(pk=cast.requester.pk).update(**changed)
    afresh.roles, afresh.team_ids, afresh.approves_for_ids  # noqa: B018

    afresh.read_afresh()
    refreshed.refresh_from_db()

    states = [vars(one).pop("_state") for one in (afresh, refreshed)]
    assert vars(states[0]) == vars(states[1])
    assert vars(afresh) == vars(refreshed)


def test_objects_are_what_their_queryset_would_find(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    change = stories.in_review(cast)
    related = ("change__organisation__success_team", "actor")
    asked = Event.objects.annotate(title=F("change__title")).select_related(*related)
    statement = ObjectStatement(lambda: asked.filter(change=Given("change")))

    expected = list(asked.filter(change=change))
    assert expected
    for _again in range(2):
        with django_assert_num_queries(1):
            found = statement.objects(change=change.pk)
            assert [every_value(one) for one in found] == [every_value(one) for one in expected]
    assert statement.objects(change=0) == []
    with pytest.raises(KeyError):
        statement.objects()
    with pytest.raises(Event.DoesNotExist):
        statement.get(change=0)


def every_value(event: Event) -> list[Any]:
    """Return what is known of an event and of all that was read beside it."""
    team = event.change.organisation.success_team
    read = [event, event.actor, event.change, event.change.organisation, team]
    return [
        event.title,  # type: ignore[attr-defined]
        *[one and values(one) for one in read],
    ]


NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PLAUSIBLE: dict[str, list[Any]] = {
    "bigint": [7, None, 2**63 - 1],
    "bigint[]": [[1, 2], [], None],
    "date": [NOW.date(), None],
    "timestamp with time zone": [NOW, None],
    "tstzrange": [DateTimeTZRange(NOW, NOW + timedelta(days=1)), None],
    "varchar": ["%s ' \\ ü", None, "x" * 10_000],
}
"""What may be given where a statement says PostgreSQL's type."""


def statements() -> dict[str, Statement | ObjectStatement[Any]]:
    """Return those of the product that belong to a module, by their names."""
    get_resolver()._populate()  # views bring the rest along
    modules = [one for name, one in sys.modules.items() if name.split(".")[0] in OURS]
    kinds = (Statement, ObjectStatement)
    found = [(name, one) for module in modules for name, one in vars(module).items()]
    return {f"{name} {id(one)}": one for name, one in found if isinstance(one, kinds)}


def test_every_statement_takes_its_values_as_plain_sql_does(cast: Cast) -> None:
    """Each is planned for types that its columns have, and may be given nothing."""
    found = statements()
    for name, one in found.items():
        is_planned = isinstance(one, ObjectStatement)
        question = one._written._prepared if is_planned else one.prepared  # type: ignore[union-attr]
        types = [PLAUSIBLE[kind] for _name, kind in question._given.values()]
        for turn in range(max(map(len, types), default=1)):
            values = {
                key: PLAUSIBLE[kind][turn % len(PLAUSIBLE[kind])]
                for key, kind in question._given.values()
            }
            places = dict(enumerate(question._parameters))
            places |= {place: values[key] for place, (key, _kind) in question._given.items()}
            with connection.cursor() as cursor:
                cursor.execute(question.sql, list(places.values()) or None)
                assert question.rows(values) == cursor.fetchall(), name
    assert len(found) > 40


def values(row: Model) -> str:
    """Return all that is stored of a row."""
    fields = row._meta.concrete_fields
    return f"{row._meta.label}: {[row.__dict__[field.attname] for field in fields]}"


def test_every_relation_of_a_change_reads_what_its_manager_reads(cast: Cast) -> None:
    change = Change.objects.get(pk=stories.deployed(cast).pk)
    relations = [
        field.get_accessor_name() if field.auto_created else field.name
        for field in Change._meta.get_fields()
        if field.one_to_many or field.many_to_many
    ]
    rows_of_any = 0
    for relation in relations:
        usual = list(getattr(change, relation).all())
        found = list(read_related(change, relation))
        assert set(map(values, found)) == set(map(values, usual)), relation
        rows_of_any += len(found)
    assert rows_of_any > 20


def test_a_thread_reads_over_its_own_connection(cast: Cast, transactional_db: None) -> None:
    statement = ObjectStatement(lambda: User.objects.filter(pk=Given("person")))
    assert statement.get(person=cast.support.pk) == cast.support
    with transaction.atomic():
        User.objects.filter(pk=cast.support.pk).update(display_name="Not stored yet")
        assert statement.get(person=cast.support.pk).display_name == "Not stored yet"
        [elsewhere] = at_once(lambda: statement.get(person=cast.support.pk).display_name)
    assert elsewhere == cast.support.display_name


def test_a_row_is_locked_within_a_transaction_only(cast: Cast, transactional_db: None) -> None:
    rows = User.objects.select_for_update().filter(pk=Given("person"))
    statement = ObjectStatement(lambda: rows)
    with transaction.atomic():
        assert statement.get(person=cast.support.pk) == cast.support
    with pytest.raises(TransactionManagementError):
        statement.get(person=cast.support.pk)


def test_what_is_recalled_of_a_change_is_read_once(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    change = Change.objects.get(pk=stories.in_review(cast).pk)
    with django_assert_num_queries(2):
        assert change.assessment and change.assessment
    with recalling(change), django_assert_num_queries(1):
        assert change.assessment and change.assessment and change.assessments.all()
