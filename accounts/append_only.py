"""Tables that only grow: the database itself refuses to change or delete a row."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_rewriting_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def append_only(*tables: str) -> list[migrations.RunSQL]:
    """Return the operations that put the refusing trigger on each table.

    Creating a trigger takes a short lock and reads no rows, so it is safe on a live table.
    """
    return [
        migrations.RunSQL(FUNCTION, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(
                f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}" '
                "FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history();",
                f'DROP TRIGGER append_only ON "{table}";',
            )
            for table in tables
        ),
    ]


def index_by_person(*tables: str) -> list[migrations.RunSQL]:
    """Return the operations that let each table of history be read by person, newest first.

    The indexes are built while the tables are written to: the migration must not be atomic.
    """
    return [
        migrations.RunSQL(
            f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{table}_person" ON "{table}" '
            "(history_user_id, history_date DESC, history_id DESC);",
            f'DROP INDEX CONCURRENTLY IF EXISTS "{table}_person";',
        )
        for table in tables
    ]
