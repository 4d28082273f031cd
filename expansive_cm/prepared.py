"""SQL that the database plans once for each connection, and runs with other values.

Most of what is asked on a page or in a step finds a row or two by an index: reading the SQL and
planning it costs PostgreSQL more than finding them. After five times PostgreSQL itself judges
whether one plan will do for all values (`plan_cache_mode`), and plans anew when a table, an index
or what is known of its rows changes.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

from django.db import NotSupportedError, OperationalError, connection
from psycopg2.extensions import AsIs

NAMED = "asked_"
"""How the names of prepared questions begin."""
ONE_PLAN = "SET LOCAL plan_cache_mode = force_generic_plan"
_known: WeakKeyDictionary[Any, dict["ref[Prepared]", str]] = WeakKeyDictionary()
"""The names of what each connection has prepared, which keep no question alive."""
_numbers = itertools.count(1)


def prepared_by(connection: Any) -> dict[str, str]:
    """Return the SQL of each question that a connection of Django's has prepared, by its name."""
    known = _known.get(connection.connection, {})
    questions = ((one(), name) for one, name in known.items())
    return {name: question.sql for question, name in questions if question is not None}


class Prepared:
    """A question with places (%s) for values: some that it has itself, others that are given.

    ``given`` says which are given when it is run: the name of each, and PostgreSQL's type of it,
    by its number among ``parameters``. Each connection keeps its plan, which takes up to half a
    megabyte: for what the whole product asks, not for what one person does. It gives up those of
    questions that are no longer there when it next prepares one.

    ``fits_all`` says that one plan is good for all values, where PostgreSQL would guess that it
    is worth planning for each. It holds until the transaction ends, for what else it asks too.
    """

    def __init__(
        self,
        sql: str,
        parameters: Sequence[Any],
        given: Mapping[int, tuple[str, str]],
        *,
        fits_all: bool = False,
    ) -> None:
        self.sql, self._parameters, self._given = sql, parameters, given
        self._names = [name for name, _type in given.values()]
        places = ", ".join(["%s"] * len(given))
        run = f"EXECUTE {{}} ({places})" if places else "EXECUTE {}"
        self._run = f"{ONE_PLAN}; {run}" if fits_all else run

    def rows(self, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it, in one query. Raises KeyError for a value that is missing.

        Raises OperationalError once within a transaction, where a migration has meanwhile given
        a column that it reads another type: tried again it goes well.
        """
        values = [given[name] for name in self._names] or None
        with connection.cursor() as cursor:
            known = _known.setdefault(connection.connection, {})
            name = known.get(ref(self))
            if name is None:
                name = f"{NAMED}{next(_numbers)}"
                run = "; ".join([*_giving_up(known), self._run.format(name)])
                cursor.execute(f"{self._preparing(name, cursor)}; {run}", values)
                known[ref(self)] = name
                return list(cursor.fetchall())
            try:
                cursor.execute(self._run.format(name), values)
            except NotSupportedError as error:
                known.clear()
                if connection.in_atomic_block:
                    raise OperationalError("A column has another type now.") from error
                return self.rows(given)
            return list(cursor.fetchall())

    def _preparing(self, name: str, cursor: Any) -> str:
        """Return the statement that prepares it under this name, for a run with values."""
        if not self._given:
            return f"PREPARE {name} AS {cursor.mogrify(self.sql, self._parameters).decode()}"
        numbers = itertools.count(1)
        values = [
            AsIs(f"${next(numbers)}") if place in self._given else value
            for place, value in enumerate(self._parameters)
        ]
        types = ", ".join(kind for _name, kind in self._given.values())
        sql = cursor.mogrify(self.sql, values).decode().replace("%", "%%")
        return f"PREPARE {name} ({types}) AS {sql}"


def _giving_up(known: dict["ref[Prepared]", str]) -> list[str]:
    """Forget what nobody can ask any more, and return the statements that free its plans."""
    gone = [one for one in known if one() is None]
    # Forgotten first: freed twice, a plan would fail every question after it.
    return [f"DEALLOCATE {known.pop(one)}" for one in gone]
