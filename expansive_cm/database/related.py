"""A record that a foreign key names is read by a statement that the database plans once.

So is the one whose one-to-one field names a record. Django makes a queryset for it each time,
writes its SQL and has it planned, which takes several times as long as finding a row by its key.
"""

from functools import cache
from typing import Any

from django.db import models
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)

from expansive_cm.database.compiler import lasts
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.statements import Given, ObjectStatement

ask_anew = ForwardManyToOneDescriptor.get_object
answer = ReverseOneToOneDescriptor.__get__


def get_object(descriptor: ForwardManyToOneDescriptor, instance: models.Model) -> Any:
    """Return the record that a foreign key of this one names, in one query, as Django does.

    Raises DoesNotExist of its model where it is gone.
    """
    field: Any = descriptor.field
    statement = _named_by(descriptor) if lasts(field.model) else None
    key = getattr(instance, field.attname)
    if statement is None or type(key) is not int or key > LARGEST_KEY:
        return ask_anew(descriptor, instance)
    return statement.get(key=key)


@cache
def _named_by(descriptor: ForwardManyToOneDescriptor) -> ObjectStatement[Any] | None:
    """Return what finds the records that a field names; None unless by one number."""
    field = descriptor.field
    [target, *further] = field.foreign_related_fields
    if further or not isinstance(target, models.IntegerField):
        return None
    return _numbered(field.remote_field.model, target)


def get_reverse(
    descriptor: ReverseOneToOneDescriptor, instance: models.Model | None, owner: Any = None
) -> Any:
    """Return the record whose one-to-one field names this one, in one query, as Django does.

    Raises DoesNotExist of its model where there is none. Effects: this one knows it, or that there
    is none; it knows this one.
    """
    if instance is not None and lasts(type(instance)) and not descriptor.is_cached(instance):
        statement, key = _naming(descriptor), instance.pk
        if statement is not None and type(key) is int and key <= LARGEST_KEY:
            found = statement.objects(key=key)
            for one in found:
                descriptor.related.field.set_cached_value(one, instance)
            descriptor.related.set_cached_value(instance, found[0] if found else None)
    return answer(descriptor, instance, owner)


@cache
def _naming(descriptor: ReverseOneToOneDescriptor) -> ObjectStatement[Any] | None:
    """Return what finds the record that names one; None unless by its number."""
    field = descriptor.related.field
    target = field.target_field
    if not (target.primary_key and isinstance(target, models.IntegerField)):
        return None
    return _numbered(descriptor.related.related_model, field)


@cache
def _numbered(model: type[models.Model], target: Any) -> ObjectStatement[Any]:
    rows = model._base_manager
    return ObjectStatement(lambda: rows.filter(**{target.attname: Given("key")}).order_by())
