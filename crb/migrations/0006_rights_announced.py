"""What a person may see of a meeting changes with roles, account and seat: streams are told.

As with everything else on the channel, PostgreSQL says so when, and only when, it is committed.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION crb_announce_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('crb_meeting', 'person-' || NEW.id::text);
    RETURN NULL;
END $$;

CREATE FUNCTION crb_announce_rights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_notify('crb_meeting', 'person-' || OLD.user_id::text);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_notify('crb_meeting', 'person-' || NEW.user_id::text);
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER announce AFTER UPDATE ON accounts_user FOR EACH ROW
WHEN (OLD.is_active <> NEW.is_active OR OLD.password <> NEW.password
      OR OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
EXECUTE FUNCTION crb_announce_person();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON accounts_user_groups FOR EACH ROW
EXECUTE FUNCTION crb_announce_rights();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON crb_membership FOR EACH ROW
EXECUTE FUNCTION crb_announce_rights();
"""
BACK = """
DROP TRIGGER announce ON accounts_user;
DROP TRIGGER announce ON accounts_user_groups;
DROP TRIGGER announce ON crb_membership;
DROP FUNCTION crb_announce_person();
DROP FUNCTION crb_announce_rights();
"""


class Migration(migrations.Migration):
    """Whoever loses a role or an account loses the streams that are open."""

    dependencies = [("crb", "0005_kept_promise"), ("accounts", "0002_never_emptied")]

    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, BACK)]
