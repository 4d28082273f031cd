"""Where history lies: every model with a history, found by looking rather than listed."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q

from changes.models import Change
from expansive_cm.statements import Given
from expansive_cm.texts import Text

OWN_APPS = ("accounts", "changes", "crb")
NOT_SHOWN = frozenset({"version", "file", "content"})
"""Fields that say nothing to a reader: a counter, the random name of a stored file, and the
content of published minutes, which have a page of their own."""


@dataclass(frozen=True)
class Source:
    """One kind of object and the tables of its history.

    ``number`` is its place among all sources: it settles the order of rows of one moment.
    ``changes`` are the lookups from a row of history to the primary key of its change.
    ``many`` maps a many-to-many field to the table of its history and the column there.
    """

    number: int
    model: type[models.Model]
    history: type[models.Model]
    fields: tuple[models.Field, ...]
    changes: tuple[str, ...]
    many: dict[str, tuple[type[models.Model], str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name in an address: ``changes.review``."""
        return self.model._meta.label_lower

    @property
    def label(self) -> Text:
        """The name that people read."""
        return self.model._meta.verbose_name or self.key

    @property
    def pk_name(self) -> str:
        """The column of the object's primary key, in both tables."""
        return self.model._meta.pk.attname

    def of_change(self, pk: int | Given) -> Q:
        """Return the condition for rows of history that belong to a change."""
        wanted = Q()
        for lookup in self.changes:
            wanted |= Q(**{lookup: pk})
        return wanted


@cache
def sources() -> tuple[Source, ...]:
    """Return every kind of object that has a history."""
    found = []
    for model in apps.get_models():
        manager = getattr(model._meta, "simple_history_manager_attribute", None)
        if manager and model._meta.app_label in OWN_APPS:
            found.append((model, getattr(model, manager).model))
    found.sort(key=lambda pair: pair[0]._meta.label_lower)
    return tuple(_source(number, *pair) for number, pair in enumerate(found))


def _source(number: int, model: type[models.Model], history: type[models.Model]) -> Source:
    kept = {column.attname for column in history._meta.concrete_fields}
    fields = tuple(
        one
        for one in model._meta.concrete_fields
        if one.attname in kept and not one.primary_key and one.name not in NOT_SHOWN
    )
    return Source(number, model, history, fields, _ways_to_change(model), _many(model, history))


def _ways_to_change(model: type[models.Model]) -> tuple[str, ...]:
    if model is Change:
        return ("id",)
    direct = [one for one in model._meta.concrete_fields if one.related_model is Change]
    if direct:
        return tuple(one.attname for one in direct)
    names = [
        one.name
        for one in model._meta.concrete_fields
        if one.related_model and any(f.name == "change" for f in one.related_model._meta.fields)
    ]
    return tuple(f"{name}__change_id" for name in names[:1])


def _many(model: type[models.Model], history: Any) -> dict[str, tuple[type[models.Model], str]]:
    """Return the tables that keep, for each row of history, what a many-to-many field held."""
    return {
        one.name: (getattr(history, one.name).model, f"{one.m2m_reverse_field_name()}_id")
        for one in history._history_m2m_fields
    }


def source_named(key: str) -> Source | None:
    """Return the source with this name in an address."""
    return next((source for source in sources() if source.key == key), None)


def of_changes() -> tuple[Source, ...]:
    """Return the sources whose objects belong to a change."""
    return tuple(source for source in sources() if source.changes)
