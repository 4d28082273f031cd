"""Operations for migrations: many tables at once, history nobody rewrites, indexes while in use."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from simple_history.models import HistoricalChanges

from .history_rows import NUMBERED_FROM

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_rewriting_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

EMPTYING = """
CREATE OR REPLACE FUNCTION refuse_emptying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

ORDER = f"CREATE SEQUENCE IF NOT EXISTS history_order AS integer MINVALUE {NUMBERED_FROM};"


class AllAtOnce(Operation):
    """Create the models of an app, which may refer to each other in any order, or add fields.

    Django draws every model that is related to a new one again, with each new one and with each
    new field: for a hundred models that all know their users that takes half a minute. Here they
    are drawn once. What it holds must not need what another of it has made.
    """

    serialization_expand_args = ["operations"]

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add all of it to the state, and let it be drawn when somebody asks for it."""
        if "apps" in vars(state):
            del state.apps
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create tables and columns; foreign keys follow when all tables are there."""
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop them, last first."""
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """Say what is done, for `migrate --plan`."""
        return "; ".join(operation.describe() for operation in self.operations)


class KeepHistory(Operation):
    """Let every table of history of the app refuse changes, and be read by person and in order.

    All tables are numbered by one sequence, so that rows of several tables have an order that no
    clock can turn round.

    No table with a rule of its own (a trigger of its model) is emptied at once either, which no
    trigger for rows would see. A migration that creates such a table ends with this; what stands
    already stays. Backwards it takes nothing away: the protection goes with its table.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: triggers and indexes belong to no model."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Put the trigger on each table, and the index on those that name a person.

        A trigger takes a short lock and reads no rows, so it is safe on a live table, and so does
        another way of numbering; the index is built here on a new and empty one.
        """
        schema_editor.execute(ORDER, params=None)
        schema_editor.execute(FUNCTION, params=None)
        schema_editor.execute(EMPTYING, params=None)
        for table in guarded(app_label, to_state):
            schema_editor.execute(never_emptied(table), params=None)
        for model in histories(app_label, to_state):
            table = to_state.apps.get_model(app_label, model.name)._meta.db_table
            schema_editor.execute(trigger_on(table), params=None)
            if "history_date" in model.fields:
                schema_editor.execute(numbered_in_order(table), params=None)
            if "history_user" in model.fields:
                schema_editor.execute(index_by_person(table), params=None)

    def database_backwards(self, *args: Any) -> None:
        """Leave everything where it is."""

    def describe(self) -> str:
        """Say what is done, for `migrate --plan`."""
        return "Let history be appended to and read, never rewritten"


def histories(app_label: str, state: ProjectState) -> Iterator[ModelState]:
    """The app's models of history, many-to-many ones included, in the order of their names."""
    for (label, _name), model in sorted(state.models.items(), key=lambda item: item[0]):
        if label == app_label and HistoricalChanges in model.bases:
            yield model


def guarded(app_label: str, state: ProjectState) -> Iterator[str]:
    """The app's tables that the database guards: of history, and of models with triggers."""
    kept = {id(model) for model in histories(app_label, state)}
    for (label, name), model in sorted(state.models.items(), key=lambda item: item[0]):
        if label == app_label and (id(model) in kept or model.options.get("triggers")):
            yield state.apps.get_model(app_label, name)._meta.db_table


def never_emptied(table: str) -> str:
    """The statement that makes a table refuse to lose all its rows at once."""
    return (
        f'CREATE OR REPLACE TRIGGER never_emptied BEFORE TRUNCATE ON "{table}" '
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();"
    )


def trigger_on(table: str) -> str:
    """The statement that makes a table refuse to change or delete a row."""
    return (
        f'CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}" '
        "FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history();"
    )


def numbered_in_order(table: str) -> str:
    """The statement that numbers a table's new rows by the sequence of all, if none has yet."""
    # Names of tables only, from the models themselves.
    return f"""
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = '"{table}"'::regclass
               AND attname = 'history_id' AND attidentity <> '') THEN
        ALTER TABLE "{table}" ALTER COLUMN history_id DROP IDENTITY;
        ALTER TABLE "{table}" ALTER COLUMN history_id SET DEFAULT nextval('history_order');
    END IF;
END $$;
"""


def index_by_person(table: str) -> str:
    """The statement that lets auditors ask what one person did, newest first."""
    return (
        f'CREATE INDEX IF NOT EXISTS "{table}_person" ON "{table}" '
        "(history_user_id, history_date DESC, history_id DESC);"
    )


def append_only(table: str) -> RunSQL:
    """The operation that protects a table like history although it is none."""
    return RunSQL(
        trigger_on(table) + never_emptied(table),
        f'DROP TRIGGER append_only ON "{table}"; DROP TRIGGER never_emptied ON "{table}";',
    )


class AddIndexBeside(AddIndexConcurrently):
    """Build an index while people go on writing, however long that takes; it can be repeated.

    PostgreSQL waits for every transaction that is open, which holds up nobody: the limits that
    keep others from waiting (``DATABASE_LIMITS``) would only end it. Where it was ended all the
    same, an index is left that serves nobody but bears the name: it is thrown away and built
    again. One that an earlier attempt has finished is kept.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add it to the state, and draw no model again: none but its table is asked about it.

        Django draws a model and all that are related to it, which here are most, with each index.
        """
        options = state.models[app_label, self.model_name_lower].options
        options["indexes"] = [*options["indexes"], self.index]

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Build it where it is not there yet. Raises NotSupportedError within a transaction."""
        if schema_editor.collect_sql:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            try:
                found = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
                cursor.execute(found, [self.index.name])
                if (True,) in (rows := cursor.fetchall()):
                    return
                if rows:
                    name = schema_editor.quote_name(self.index.name)
                    cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
                super().database_forwards(app_label, schema_editor, from_state, to_state)
            finally:
                cursor.execute("RESET lock_timeout; RESET statement_timeout")
