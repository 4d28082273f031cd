"""An outcome that is taken back is no item's outcome any more, and says from which it was taken.

The constraint holds for new rows at once; the next migration looks at the old ones, without the
lock under which columns are added here.
"""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('changes', '0008_taken_back_decisions'),
        ('crb', '0003_meetings_by_time'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='agendaitem',
            name='legal_moves',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='boardoutcome',
            name='append_only',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='meeting',
            name='legal_moves',
        ),
        migrations.AddField(
            model_name='boardoutcome',
            name='taken_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='taken_back', to='crb.agendaitem', verbose_name='taken back from'),
        ),
        migrations.AlterField(
            model_name='boardoutcome',
            name='item',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outcome', to='crb.agendaitem'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agendaitem',
            trigger=pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{open:decided,open:deferred,open:dropped,decided:open}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='5dc461d43ee134f22ba429fea8e93faa045095aa', operation='UPDATE', pgid='pgtrigger_legal_moves_385e3', table='crb_agendaitem', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='boardoutcome',
            trigger=pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='0dd131845d6313657f630f7c03d7b28fc323e344', operation='DELETE', pgid='pgtrigger_no_delete_b3cb5', table='crb_boardoutcome', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='boardoutcome',
            trigger=pgtrigger.compiler.Trigger(name='append_only_but_taken_back', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (NOT (OLD.item_id IS NOT NULL AND NEW.item_id IS NULL AND NEW.taken_from_id = OLD.item_id AND to_jsonb(NEW) - '{item_id,taken_from_id}'::text[] = to_jsonb(OLD) - '{item_id,taken_from_id}'::text[]))", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='815eab1d16f58714c90132ca08be7e3802440386', operation='UPDATE', pgid='pgtrigger_append_only_but_taken_back_7ed16', table='crb_boardoutcome', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='meeting',
            trigger=pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{scheduled:running,scheduled:cancelled,running:closed,closed:running}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='048a9c7b99bd0c3f64398a6ccb2629aa53f89fb4', operation='UPDATE', pgid='pgtrigger_legal_moves_99467', table='crb_meeting', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='meeting',
            trigger=pgtrigger.compiler.Trigger(name='only_ballots_reopen', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."state" = \'running\' AND OLD."state" = \'closed\' AND NOT (NEW."kind" = \'ballot\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='4d1aa87f14c0c637d839c4f1bb106d7c73dd36d3', operation='UPDATE', pgid='pgtrigger_only_ballots_reopen_d256f', table='crb_meeting', when='BEFORE')),
        ),
        AddConstraintNotValid(
            model_name='boardoutcome',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('item__isnull', False), ('taken_from__isnull', True)), models.Q(('item__isnull', True), ('taken_from__isnull', False)), _connector='OR'), name='crb_outcome_of_one_item'),
        ),
    ]
