"""Forms propose what a person used last, and what was just written, from the records."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, proposing
from changes.models import Change, Documentation, Environment, Execution
from tests import standards, stories
from tests.people import Cast, person


def form_at(client: Client, user: User, verb: str, change: Change) -> Any:
    client.force_login(user)
    return client.get(reverse(f"changes:{verb}", args=[change.pk])).context["form"]


def logged(cast: Cast, change: Change, system: str) -> None:
    lifecycle.document(
        change, actor=cast.success, system=system, reference="SD-1", summary="It is done."
    )


def test_the_documentation_begins_with_what_happened_where_it_was_logged_last(
    client: Client, cast: Cast
) -> None:
    change = stories.in_documentation(cast)
    form = form_at(client, cast.success, "document", change)
    assert (form["system"].value(), form["summary"].value()) == (None, "Went as written.")
    assert "It begins with what was written down" in str(form["summary"].help_text)
    logged(cast, stories.in_documentation(cast), "Success desk")
    assert form_at(client, cast.success, "document", change)["system"].value() == "Success desk"
    cast.care_team.members.add(colleague := person("Cleo Care", Role.CUSTOMER_SUCCESS))
    assert form_at(client, colleague, "document", change)["system"].value() is None


def test_the_same_customer_comes_before_the_latest_record(cast: Cast) -> None:
    logged(cast, stories.in_documentation(cast), "Harbour desk")
    Change.objects.update(organisation=cast.meridian)
    logged(cast, stories.in_documentation(cast), "Success desk")
    last = [
        proposing.used_last(Documentation, "system", cast.success, customer.pk)
        for customer in (cast.meridian, cast.harbour)
    ]
    assert last == ["Harbour desk", "Success desk"]
    assert proposing.used_last(Documentation, "system", cast.success, None) == "Success desk"


def test_the_executor_named_last_is_proposed_for_a_standard_change_as_well(
    client: Client, cast: Cast
) -> None:
    change = standards.used(cast)
    stories.plan(stories.in_execution(cast), cast)
    form = form_at(client, cast.success, "plan_execution", change)
    assert form["executor"].value() == cast.support.pk
    assert form["steps"].value() == standards.CONTENT["steps"]


def test_the_executor_named_last_is_proposed_while_they_may_execute(
    client: Client, cast: Cast
) -> None:
    change = stories.in_execution(cast)
    assert form_at(client, cast.success, "plan_execution", change)["executor"].value() is None
    stories.plan(stories.in_execution(cast), cast)
    form = form_at(client, cast.success, "plan_execution", change)
    assert form["executor"].value() == cast.support.pk
    User.objects.filter(pk=cast.support.pk).update(is_active=False)
    assert form_at(client, cast.success, "plan_execution", change)["executor"].value() is None


def test_a_test_of_the_same_round_is_done_where_the_last_one_was(
    client: Client, cast: Cast
) -> None:
    Environment.objects.create(name="preview")
    change = stories.in_testing(cast)
    form = form_at(client, cast.tester, "record_test", change)
    assert form["environment"].value() == "staging"
    lifecycle.record_test(
        change,
        actor=cast.tester,
        kind="functional",
        result="passed",
        evidence="Green.",
        environment="preview",
    )
    assert form_at(client, cast.tester, "record_test", change)["environment"].value() == ("preview")
    Environment.objects.filter(name="preview").update(is_active=False)
    form = form_at(client, cast.tester, "record_test", change)
    assert form["environment"].value() == "staging"


def plan_of(sql: str) -> str:
    """How the database would read a large table."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_the_templates_used_last_are_read_along_an_index(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as queries:
        proposing.shown_first(cast.support)
    [begun] = [one["sql"] for one in queries if "template_id" in one["sql"]]
    assert "changes_change_from_template" in plan_of(begun)


@pytest.mark.parametrize("model, field", [(Documentation, "system"), (Execution, "executor")])
def test_what_was_used_last_is_one_query_along_an_index(cast: Cast, model: Any, field: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        proposing.used_last(model, field, cast.success, cast.harbour.pk)
    assert len(queries) == 1
    assert f"{model._meta.db_table}_by" in plan_of(queries[0]["sql"])
