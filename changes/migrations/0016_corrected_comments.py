"""A comment may be corrected for some minutes; history keeps what it said before.

The database allows an hour: its clock and those of the web servers may differ by minutes.
"""

from django.db import migrations, models

GUARD = """
DROP TRIGGER append_only ON "changes_comment";
CREATE TRIGGER append_only BEFORE DELETE ON "changes_comment"
FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history();
CREATE TRIGGER append_only_but_corrected BEFORE UPDATE ON "changes_comment"
FOR EACH ROW WHEN (NOT (
    NEW.body <> OLD.body AND NEW.corrected_at IS NOT NULL
    AND to_jsonb(NEW) - '{body,corrected_at}'::text[]
        = to_jsonb(OLD) - '{body,corrected_at}'::text[]
    AND OLD.created_at > now() - interval '1 hour'
)) EXECUTE FUNCTION refuse_rewriting_history();
"""
BACK = """
DROP TRIGGER append_only_but_corrected ON "changes_comment";
DROP TRIGGER append_only ON "changes_comment";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "changes_comment"
FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('changes', '0015_many'),
    ]

    operations = [
        migrations.AddField(
            model_name='comment',
            name='corrected_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='corrected'),
        ),
        migrations.AddField(
            model_name='historicalcomment',
            name='corrected_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='corrected'),
        ),
        migrations.RunSQL(GUARD, BACK),
    ]
