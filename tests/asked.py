"""What statements ask that were sent to the database, those included that it knows by a name."""

import re

from django.db import connection

from expansive_cm.prepared import NAMED, ONE_PLAN, prepared_by


def in_full(sql: str) -> str:
    """Return the statement, or the question that it runs by the name this connection gave it."""
    named = re.match(rf"(?:{ONE_PLAN}; )?EXECUTE ({NAMED}\d+)", sql)
    return prepared_by(connection)[named[1]] if named else sql
