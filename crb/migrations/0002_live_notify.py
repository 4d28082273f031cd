"""Whatever changes in a meeting is announced on a channel when, and only when, it is committed.

PostgreSQL delivers a NOTIFY at the commit of its transaction and drops it with a rollback: an
open page can therefore never hear of a vote that was not stored.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION crb_announce_meeting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('crb_meeting', NEW.id::text);
    RETURN NULL;
END $$;

CREATE FUNCTION crb_announce_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('crb_meeting', NEW.meeting_id::text);
    IF TG_OP = 'UPDATE' AND OLD.meeting_id <> NEW.meeting_id THEN
        PERFORM pg_notify('crb_meeting', OLD.meeting_id::text);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION crb_announce_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('crb_meeting', item.meeting_id::text)
       FROM crb_agendaitem AS item WHERE item.id = NEW.item_id;
    RETURN NULL;
END $$;

CREATE FUNCTION crb_announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('crb_meeting', item.meeting_id::text)
       FROM crb_agendaitem AS item WHERE item.change_id = NEW.id AND item.state = 'open';
    RETURN NULL;
END $$;
"""
PARTS = {
    "crb_meeting": "crb_announce_meeting",
    "crb_agendaitem": "crb_announce_part",
    "crb_attendance": "crb_announce_part",
    "crb_action": "crb_announce_part",
    "crb_vote": "crb_announce_item",
    "crb_boardoutcome": "crb_announce_item",
}
TRIGGERS = "".join(
    f"CREATE TRIGGER announce AFTER INSERT OR UPDATE ON {table} "
    f"FOR EACH ROW EXECUTE FUNCTION {function}();\n"
    for table, function in PARTS.items()
)
CHANGE_TRIGGER = """
CREATE TRIGGER announce AFTER UPDATE ON changes_change FOR EACH ROW
WHEN (OLD.revision <> NEW.revision OR OLD.state <> NEW.state)
EXECUTE FUNCTION crb_announce_change();
"""
BACK = "".join(f"DROP TRIGGER announce ON {table};\n" for table in (*PARTS, "changes_change"))
BACK += "".join(
    f"DROP FUNCTION {name}();\n" for name in (*sorted(set(PARTS.values())), "crb_announce_change")
)


class Migration(migrations.Migration):
    """Open pages of a meeting are told what happens in it."""

    dependencies = [("crb", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS + CHANGE_TRIGGER, BACK)]
