"""The database engine of the settings: Django's own for PostgreSQL, with our compilers."""

from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations


class Operations(DatabaseOperations):
    """Django's, with the compilers of this package."""

    compiler_module = "expansive_cm.database.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, with these operations."""

    ops_class = Operations
