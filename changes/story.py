"""A change with everything that was recorded about it, in a handful of queries.

The page of a change reads some twenty tables. Loading them one by one takes twenty queries,
most of which find nothing; here one statement brings the rows of all of them, and they become
ordinary model instances in the change's prefetch cache. Whatever reads ``change.executions``,
``change.events`` or ``event.actor`` (permissions and gates do) then costs no query.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection, models

from accounts.models import User

from . import queries
from .models import Change, Release

RELATIONS = (
    "events",
    "assessments",
    "reviews",
    "authorisations",
    "executions",
    "documentations",
    "board_decisions",
    "questions",
    "requirements",
    "risk_assessments",
    "developments",
    "peer_reviews",
    "staging_tests",
    "deployments",
    "confirmations",
    "attachments",
)
"""Accessors of the records that hang on a change by a foreign key named ``change``."""

FURTHER = """
SELECT 'links', to_jsonb(r) - 'token_hash' FROM changes_confirmationlink r
  JOIN changes_confirmation c ON c.id = r.confirmation_id WHERE c.change_id = %s
UNION ALL
SELECT 'reminders', to_jsonb(r) FROM changes_reminder r
  JOIN changes_confirmation c ON c.id = r.confirmation_id WHERE c.change_id = %s
UNION ALL
SELECT 'contact_attempts', to_jsonb(r) FROM changes_contactattempt r
  JOIN changes_confirmation c ON c.id = r.confirmation_id WHERE c.change_id = %s
UNION ALL
SELECT 'authors', to_jsonb(r) FROM changes_development_authors r
  JOIN changes_development d ON d.id = r.development_id WHERE d.change_id = %s
UNION ALL
SELECT 'services', to_jsonb(s) FROM changes_service s
  JOIN changes_change_services r ON r.service_id = s.id WHERE r.change_id = %s
UNION ALL
SELECT 'releases', to_jsonb(r) FROM changes_release r
  WHERE r.id IN (SELECT d.release_id FROM changes_deployment d WHERE d.change_id = %s)
"""
"""What hangs on the records themselves, the services and the releases.

A link's hash stays where it is.
"""


def load(user: User, pk: int) -> Change:
    """Return a change that this person may see, with its story.

    Raises Change.DoesNotExist for one that is missing or not theirs to see.
    """
    change = queries.with_people(queries.visible_to(user)).get(pk=pk)
    tell(change)
    return change


def tell(change: Change) -> None:
    """Load the story of a change whose people are joined (queries.with_people).

    Costs one query for the records and one for the people they name.
    """
    rows = _rows(change.pk)
    records: dict[str, list[models.Model]] = {}
    for name in RELATIONS:
        model = Change._meta.get_field(name).related_model
        records[name] = _ordered(model, [_build(model, row) for row in rows[name]])
        for record in records[name]:
            record.change = change  # type: ignore[attr-defined]
        known_as(change, name, records[name])
    services = Change._meta.get_field("services").related_model
    found = sorted((_build(services, row) for row in rows["services"]), key=lambda one: one.name)
    known_as(change, "services", found)
    attempts = _tell_confirmations(records["confirmations"], rows)
    releases = {row["id"]: _build(Release, row) for row in rows["releases"]}
    _join(change, records, rows["authors"], releases, attempts)


def _rows(pk: int) -> dict[str, list[dict[str, Any]]]:
    statement, parameters = _statement(pk)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for name, row in cursor.fetchall():
            found[name].append(json.loads(row) if isinstance(row, str) else row)
    return found


def _statement(pk: int) -> tuple[str, list[int]]:
    """Return the one statement, whose names all come from the models, and its parameters."""
    parts = [
        f"SELECT '{name}', to_jsonb(r) FROM {_table(name)} r WHERE r.change_id = %s"  # noqa: S608
        for name in RELATIONS
    ]
    statement = " UNION ALL ".join([*parts, FURTHER])
    return statement, [pk] * statement.count("%s")


def _table(relation: str) -> str:
    return Change._meta.get_field(relation).related_model._meta.db_table


def _build(model: type[models.Model], row: dict[str, Any]) -> Any:
    """Return an instance as the database would have given it; absent columns are deferred."""
    fields = [field for field in model._meta.concrete_fields if field.column in row]
    values = [field.to_python(row[field.column]) for field in fields]
    return model.from_db("default", [field.attname for field in fields], values)


def _ordered(model: type[models.Model], records: list[Any]) -> list[Any]:
    return sorted(
        records, key=lambda record: record.pk, reverse=tuple(model._meta.ordering) == ("-pk",)
    )


def known_as(owner: models.Model, name: str, records: Iterable[Any]) -> None:
    """Put records where ``owner.<name>.all()`` looks before it asks the database."""
    manager = getattr(owner, name)
    found = manager.get_queryset()
    found._result_cache = list(records)
    found._prefetch_done = True
    cache = owner.__dict__.setdefault("_prefetched_objects_cache", {})
    cache[name] = found


def _tell_confirmations(
    confirmations: list[Any], rows: dict[str, list[dict[str, Any]]]
) -> list[models.Model]:
    """Give each question what hangs on it; return the attempts to reach the requester."""
    attempts: list[models.Model] = []
    for name in ("links", "reminders", "contact_attempts"):
        for confirmation in confirmations:
            manager = getattr(confirmation, name)
            own = [row for row in rows[name] if row["confirmation_id"] == confirmation.pk]
            built = _ordered(manager.model, [_build(manager.model, row) for row in own])
            for record in built:
                record.confirmation = confirmation
            known_as(confirmation, name, built)
            if name == "contact_attempts":
                attempts += built
    return attempts


# People, and the records that refer to one another


def _join(
    change: Change,
    records: dict[str, list[Any]],
    authorship: list[dict[str, Any]],
    releases: dict[int, Release],
    attempts: list[models.Model],
) -> None:
    everything = [record for found in records.values() for record in found] + attempts
    people = _people(change, everything, authorship)
    own = {
        Change._meta.get_field(name).related_model: {record.pk: record for record in found}
        for name, found in records.items()
    }
    known = {**own, User: people, Release: releases}
    for record in everything:
        for field in _references(type(record)):
            other = known.get(field.related_model, {}).get(getattr(record, field.attname))
            if other is not None:
                setattr(record, field.name, other)
    for development in records["developments"]:
        authors = [
            people[row["user_id"]] for row in authorship if row["development_id"] == development.pk
        ]
        known_as(development, "authors", authors)


def _references(model: type[models.Model]) -> list[Any]:
    return [
        field
        for field in model._meta.concrete_fields
        if field.many_to_one and field.name != "change"
    ]


def _people(
    change: Change, records: list[Any], authorship: list[dict[str, Any]]
) -> dict[int, User]:
    """Return everybody the story names, those already joined to the change included."""
    joined = [change.requester, change.raised_by, change.owner]
    known = {person.pk: person for person in joined if person is not None}
    wanted = {row["user_id"] for row in authorship}
    for record in records:
        for field in _references(type(record)):
            if field.related_model is User:
                wanted.add(getattr(record, field.attname))
    missing = wanted - known.keys() - {None}
    return {**known, **(User.objects.in_bulk(missing) if missing else {})}
