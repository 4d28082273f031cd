"""What the board decided by mistake can be taken back: once, and nothing else of it changes."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

TAKEN_BACK = """
DROP TRIGGER append_only ON "changes_boarddecision";
CREATE TRIGGER append_only BEFORE DELETE ON "changes_boarddecision"
FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history();
CREATE TRIGGER append_only_but_taken_back BEFORE UPDATE ON "changes_boarddecision"
FOR EACH ROW WHEN (NOT (
    OLD.taken_back_at IS NULL AND NEW.taken_back_at IS NOT NULL
    AND NEW.taken_back_by_id IS NOT NULL AND NEW.taken_back_reason <> ''
    AND to_jsonb(NEW) - '{taken_back_at,taken_back_by_id,taken_back_reason}'::text[]
        = to_jsonb(OLD) - '{taken_back_at,taken_back_by_id,taken_back_reason}'::text[]
)) EXECUTE FUNCTION refuse_rewriting_history();
"""
BACK = """
DROP TRIGGER append_only ON "changes_boarddecision";
DROP TRIGGER append_only_but_taken_back ON "changes_boarddecision";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "changes_boarddecision"
FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('changes', '0007_standard_changes_found'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='change',
            name='legal_moves',
        ),
        migrations.AddField(
            model_name='boarddecision',
            name='taken_back_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='taken back'),
        ),
        migrations.AddField(
            model_name='boarddecision',
            name='taken_back_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='taken back by'),
        ),
        migrations.AddField(
            model_name='boarddecision',
            name='taken_back_reason',
            field=models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was taken back'),
        ),
        migrations.AddField(
            model_name='historicalboarddecision',
            name='taken_back_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='taken back'),
        ),
        migrations.AddField(
            model_name='historicalboarddecision',
            name='taken_back_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='taken back by'),
        ),
        migrations.AddField(
            model_name='historicalboarddecision',
            name='taken_back_reason',
            field=models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was taken back'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='change',
            trigger=pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{draft:submitted,draft:withdrawn,submitted:review,submitted:board,submitted:withdrawn,review:authorisation,review:refused,review:board,review:withdrawn,authorisation:execution,authorisation:refused,authorisation:board,authorisation:withdrawn,execution:documentation,execution:rolled_back,execution:authorisation,execution:board,execution:withdrawn,rolled_back:execution,rolled_back:authorisation,rolled_back:closed,rolled_back:board,documentation:confirmation,board:requirements,board:information_required,board:rejected,board:review,board:withdrawn,information_required:board,information_required:review,information_required:withdrawn,requirements:risk_assessment,requirements:review,requirements:board,requirements:withdrawn,risk_assessment:development,risk_assessment:review,risk_assessment:withdrawn,development:testing,development:review,development:withdrawn,testing:deployment,testing:development,testing:review,testing:withdrawn,deployment:confirmation,deployment:development,deployment:withdrawn,rejected:board,confirmation:closed,confirmation:not_confirmed,not_confirmed:execution,not_confirmed:development,not_confirmed:closed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='dc57b70798328e3691364f7fe0605f786ada79f0', operation='UPDATE', pgid='pgtrigger_legal_moves_5c4e4', table='changes_change', when='BEFORE')),
        ),
        migrations.RunSQL(TAKEN_BACK, BACK),
    ]
