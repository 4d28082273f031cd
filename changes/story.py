"""A change with everything that was recorded about it, in a handful of queries.

The page of a change reads some twenty tables. Loading them one by one takes twenty queries,
most of which find nothing; here one statement brings the rows of all of them, and they become
ordinary model instances in the change's prefetch cache. Whatever reads ``change.executions``,
``change.events`` or ``event.actor`` (permissions and gates do) then costs no query.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import models

from accounts.models import Organisation, SuccessTeam, User
from expansive_cm.prepared import Prepared
from expansive_cm.sure import sure

from . import queries
from .models import Change, ChangeLink, Release

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
    "post_reviews",
    "post_actions",
    "confirmations",
    "attachments",
    "checklist_items",
)
"""Accessors of the records that hang on a change by a foreign key named ``change``."""
TALK = ("comments", "access_links", "mutes")
"""The same of what people say and choose beside the process, for the change's own page alone."""

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
  WHERE r.id IN (SELECT d.release_id FROM changes_deployment d WHERE d.change_id = %s
                 UNION SELECT unnest(ARRAY[c.promised_release_id, c.release_id])
                   FROM changes_change c WHERE c.id = %s)
UNION ALL
SELECT 'organisation', to_jsonb(o) FROM accounts_organisation o
  JOIN changes_change c ON c.organisation_id = o.id WHERE c.id = %s
UNION ALL
SELECT 'team', to_jsonb(t) FROM accounts_successteam t
  JOIN accounts_organisation o ON o.success_team_id = t.id
  JOIN changes_change c ON c.organisation_id = o.id WHERE c.id = %s
UNION ALL
SELECT 'people', to_jsonb(u) - 'password' FROM changes_change c
  JOIN accounts_user u ON u.id IN (c.requester_id, c.raised_by_id, c.owner_id) WHERE c.id = %s
"""
"""What hangs on the records themselves, the services, the releases and those around the change.

A link's hash stays where it is, and so does a password's.
"""
FURTHER_TALK = """
SELECT 'watchers', jsonb_build_object('user_id', u.id, 'place', u.place) FROM (
  SELECT u.id, row_number() OVER (ORDER BY u.display_name, u.id) AS place FROM accounts_user u
    JOIN changes_change_watchers w ON w.user_id = u.id WHERE w.change_id = %s) u
UNION ALL
SELECT 'change_links', to_jsonb(l) FROM changes_changelink l
  WHERE l.source_id = %s OR l.target_id = %s
UNION ALL
SELECT 'linked', to_jsonb(c) - 'description' - 'search' FROM changes_changelink l
  JOIN changes_change c ON c.id IN (l.source_id, l.target_id) AND c.id <> %s
  WHERE l.source_id = %s OR l.target_id = %s
"""
PEOPLE = Prepared(
    "SELECT to_jsonb(u) - 'password' FROM accounts_user u WHERE u.id = ANY(%s)",
    [None],
    {0: ("people", "bigint[]")},
)


def load(user: User, pk: int, *, with_talk: bool = False) -> Change:
    """Return a change that this person may see, with its story.

    ``with_talk``: also what its page shows beside the process: comments, links, watchers and who
    was mailed links. Raises Change.DoesNotExist for one that is missing or not theirs to see.
    """
    change = queries.visible_one(user, pk)
    if change is None:
        raise Change.DoesNotExist(f"There is no change {pk} for this person.")
    tell(change, with_talk=with_talk)
    for part in ("owner", "requester", "raised_by"):
        if getattr(change, f"{part}_id") == user.pk:
            setattr(change, part, user)  # whose roles and teams are known
    return change


def is_told(change: Change, *names: str) -> bool:
    """Whether these records have been loaded, so that asking for them costs nothing."""
    return change.__dict__.get("_prefetched_objects_cache", {}).keys() >= set(names)


def tell(change: Change, *, with_talk: bool = False) -> None:
    """Load the story of a change, and those around it who are not joined to it yet.

    Costs one query for the records and one for the people they name.
    """
    rows = _rows(change.pk, with_talk)
    _surround(change, rows)
    records: dict[str, list[Any]] = {}
    for name in (*RELATIONS, *TALK) if with_talk else RELATIONS:
        model = _model(name)
        records[name] = _ordered(model, [_build(model, row) for row in rows[name]])
        for record in records[name]:
            record.change = change
        known_as(change, name, records[name])
    services = _model("services")
    found = sorted((_build(services, row) for row in rows["services"]), key=lambda one: one.name)
    known_as(change, "services", found)
    attempts = _tell_confirmations(records["confirmations"], rows)
    releases = {row["id"]: _build(Release, row) for row in rows["releases"]}
    if with_talk:
        links = [_build(ChangeLink, row) for row in rows["change_links"]]
        records["change_links"] = sorted(links, key=lambda one: (one.kind, one.pk))
    people = _join(change, records, rows, releases, attempts)
    if with_talk:
        _tell_links(change, records["change_links"], rows["linked"])
        order = sorted(rows["watchers"], key=lambda row: row["place"])
        known_as(change, "watchers", [people[row["user_id"]] for row in order])


def _surround(change: Change, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Give a change its customer with their team, its people and its releases."""
    releases = {row["id"]: _build(Release, row) for row in rows["releases"]}
    known: dict[Any, Any] = {
        "organisation": {row["id"]: _build(Organisation, row) for row in rows["organisation"]},
        "promised_release": releases,
        "release": releases,
    }
    for organisation in known["organisation"].values():
        organisation.success_team = _build(SuccessTeam, rows["team"][0])
    people = {row["id"]: _build(User, row) for row in rows["people"]}
    names = ("organisation", "promised_release", "release", "requester", "raised_by", "owner")
    for name in names:
        field = Change._meta.get_field(name)
        assert isinstance(field, models.ForeignKey)
        if not field.is_cached(change):
            found = known.get(name, people)
            setattr(change, name, found.get(getattr(change, field.attname)))


def _tell_links(change: Change, links: list[Any], linked: list[dict[str, Any]]) -> None:
    """Give each link both its changes; of the other one the long text stays away."""
    changes = {row["id"]: _build(Change, row) for row in linked} | {change.pk: change}
    for link in links:
        link.source, link.target = changes[link.source_id], changes[link.target_id]
    known_as(change, "links_out", [one for one in links if one.source_id == change.pk])
    known_as(change, "links_in", [one for one in links if one.source_id != change.pk])


def _rows(pk: int, with_talk: bool = False) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, row in _statement(with_talk).rows({"change": pk}):
        found[name].append(_read(row))
    return found


def _read(row: Any) -> dict[str, Any]:
    return json.loads(row) if isinstance(row, str) else row


@cache
def _statement(with_talk: bool) -> Prepared:
    """Return the one statement, whose names all come from the models.

    Planning its thirty parts takes the database longer than running them.
    """
    parts = [
        f"SELECT '{name}', to_jsonb(r) - 'token_hash' FROM {_table(name)} r "  # noqa: S608
        "WHERE r.change_id = %s"
        for name in ((*RELATIONS, *TALK) if with_talk else RELATIONS)
    ]
    sql = " UNION ALL ".join([*parts, FURTHER, *([FURTHER_TALK] if with_talk else [])])
    places = range(sql.count("%s"))
    return Prepared(sql, [None] * len(places), dict.fromkeys(places, ("change", "bigint")))


def _table(relation: str) -> str:
    return _model(relation)._meta.db_table


def _model(relation: str) -> type[models.Model]:
    """Return what the rows of a relation are, on either side of it."""
    return sure(Change._meta.get_field(relation).related_model)


def _build(model: type[models.Model], row: dict[str, Any]) -> Any:
    """Return an instance as the database would have given it; absent columns are deferred."""
    fields = [field for field in model._meta.concrete_fields if field.column in row]
    values = [field.to_python(row[sure(field.column)]) for field in fields]
    return model.from_db("default", [field.attname for field in fields], values)


def _ordered(model: type[models.Model], records: list[Any]) -> list[Any]:
    return sorted(
        records, key=lambda record: record.pk, reverse=tuple(model._meta.ordering or ()) == ("-pk",)
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
    rows: dict[str, list[dict[str, Any]]],
    releases: dict[int, Release],
    attempts: list[models.Model],
) -> dict[int, User]:
    """Return everybody the story names."""
    authorship = rows["authors"]
    everything = [record for found in records.values() for record in found] + attempts
    people = _people(change, everything, [*authorship, *rows["watchers"]])
    own: dict[Any, dict[int, Any]] = {
        type(record): {one.pk: one for one in found}
        for found in records.values()
        for record in found[:1]
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
    return people


def _references(model: type[models.Model]) -> list[Any]:
    return [
        field
        for field in model._meta.concrete_fields
        if field.many_to_one and field.name != "change"
    ]


def _people(change: Change, records: list[Any], named: list[dict[str, Any]]) -> dict[int, User]:
    """Return everybody the story names, those already joined to the change included."""
    joined = [change.requester, change.raised_by, change.owner]
    known = {person.pk: person for person in joined if person is not None}
    wanted = {row["user_id"] for row in named}
    for record in records:
        for field in _references(type(record)):
            if field.related_model is User:
                wanted.add(getattr(record, field.attname))
    missing = wanted - known.keys() - {None}
    if missing:
        found = [_build(User, _read(row)) for (row,) in PEOPLE.rows({"people": sorted(missing)})]
        known |= {person.pk: person for person in found}
    return known
