"""What is counted for a while, such as attempts to sign in, kept until its time is over."""

from datetime import datetime
from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import connections


class CountingCache(DatabaseCache):
    """Django's table, which forgets nothing early.

    Django makes room by deleting a third of a full table, whatever its time: whoever filled it,
    with sign-ins at made-up addresses, got the count of their own attempts forgotten. Here only
    what is over goes; the limits by network address bound how quickly a table can grow.
    """

    def _cull(self, db: str, cursor: Any, now: datetime, num: int) -> None:
        table_name: str = vars(self)["_table"]
        connection = connections[db]
        over = connection.ops.adapt_datetimefield_value(now)
        table = connection.ops.quote_name(table_name)
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [over])  # noqa: S608
