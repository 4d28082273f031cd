"""A record that a foreign key names is read by a statement that the database plans once.

Django makes a queryset for it each time, writes its SQL and has it planned, which takes several
times as long as finding a row by its key.
"""

from functools import cache
from typing import Any

from django.db import models
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor

from expansive_cm.database.compiler import lasts
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.statements import Given, ObjectStatement

ask_anew = ForwardManyToOneDescriptor.get_object


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


@cache
def _numbered(model: type[models.Model], target: Any) -> ObjectStatement[Any]:
    rows = model._base_manager
    return ObjectStatement(lambda: rows.filter(**{target.attname: Given("key")}))
