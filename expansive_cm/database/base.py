"""The database engine of the settings: Django's own for PostgreSQL, with our compilers.

With it comes the way in which foreign keys are followed, and one-to-one fields back.
"""

from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)

from expansive_cm.database import related

forward: Any = ForwardManyToOneDescriptor
forward.get_object = related.get_object
backward: Any = ReverseOneToOneDescriptor
backward.__get__ = related.get_reverse


class Operations(DatabaseOperations):
    """Django's, with the compilers of this package."""

    compiler_module = "expansive_cm.database.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, with these operations."""

    ops_class = Operations
