"""Pre-approved templates, and changes that were authorised by one."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from accounts.operations import KeepHistory


def of_history(**options):
    return migrations.AddField(
        model_name='historicalauthorisation',
        name='standard',
        field=models.ForeignKey(
            blank=True,
            db_constraint=False,
            null=True,
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name='+',
            to='changes.standardapproval',
            verbose_name='standard change',
            **options,
        ),
    )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_first'),
        ('changes', '0005_found_by_time'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalStandardApproval',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_act', models.IntegerField(editable=False, null=True)),
                ('template_version', models.PositiveIntegerField(verbose_name='version of the template')),
                ('content', models.JSONField(editable=False, verbose_name='content that was proposed')),
                ('case', models.TextField(help_text='How often it is done, what can go wrong, and how it is undone.', max_length=2000, verbose_name='why it needs no authorisation each time')),
                ('proposed_at', models.DateTimeField(blank=True, editable=False, verbose_name='proposed')),
                ('decision', models.CharField(blank=True, choices=[('', 'Waiting for approval'), ('approved', 'Approved'), ('refused', 'Refused')], default='', max_length=20, verbose_name='decision')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('reason', models.TextField(blank=True, max_length=2000, verbose_name='reason for the decision')),
                ('valid_until', models.DateField(blank=True, null=True, verbose_name='last day')),
                ('ending', models.CharField(blank=True, choices=[('', 'Not ended'), ('withdrawn', 'Withdrawn'), ('edited', 'Void: the template was changed'), ('rolled_back', 'Withdrawn after a rollback'), ('renewed', 'Approved anew')], default='', max_length=20, verbose_name='ending')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('ended_why', models.TextField(blank=True, max_length=2000, verbose_name='why it ended')),
                ('reminded_at', models.DateTimeField(blank=True, null=True, verbose_name='reminded of its end')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical standard change',
                'verbose_name_plural': 'historical standard changes',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='StandardApproval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('template_version', models.PositiveIntegerField(verbose_name='version of the template')),
                ('content', models.JSONField(editable=False, verbose_name='content that was proposed')),
                ('case', models.TextField(help_text='How often it is done, what can go wrong, and how it is undone.', max_length=2000, verbose_name='why it needs no authorisation each time')),
                ('proposed_at', models.DateTimeField(auto_now_add=True, verbose_name='proposed')),
                ('decision', models.CharField(blank=True, choices=[('', 'Waiting for approval'), ('approved', 'Approved'), ('refused', 'Refused')], default='', max_length=20, verbose_name='decision')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('reason', models.TextField(blank=True, max_length=2000, verbose_name='reason for the decision')),
                ('valid_until', models.DateField(blank=True, null=True, verbose_name='last day')),
                ('ending', models.CharField(blank=True, choices=[('', 'Not ended'), ('withdrawn', 'Withdrawn'), ('edited', 'Void: the template was changed'), ('rolled_back', 'Withdrawn after a rollback'), ('renewed', 'Approved anew')], default='', max_length=20, verbose_name='ending')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('ended_why', models.TextField(blank=True, max_length=2000, verbose_name='why it ended')),
                ('reminded_at', models.DateTimeField(blank=True, null=True, verbose_name='reminded of its end')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'verbose_name': 'standard change',
                'verbose_name_plural': 'standard changes',
                'ordering': ('-pk',),
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='change',
            name='legal_moves',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='change',
            trigger=pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{draft:submitted,draft:withdrawn,submitted:review,submitted:board,submitted:withdrawn,review:authorisation,review:refused,review:board,review:withdrawn,authorisation:execution,authorisation:refused,authorisation:board,authorisation:withdrawn,execution:documentation,execution:rolled_back,execution:authorisation,execution:board,execution:withdrawn,rolled_back:execution,rolled_back:authorisation,rolled_back:closed,rolled_back:board,documentation:confirmation,board:requirements,board:information_required,board:rejected,board:review,board:withdrawn,information_required:board,information_required:review,information_required:withdrawn,requirements:risk_assessment,requirements:review,requirements:withdrawn,risk_assessment:development,risk_assessment:review,risk_assessment:withdrawn,development:testing,development:review,development:withdrawn,testing:deployment,testing:development,testing:review,testing:withdrawn,deployment:confirmation,deployment:development,deployment:withdrawn,confirmation:closed,confirmation:not_confirmed,not_confirmed:execution,not_confirmed:development,not_confirmed:closed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='d8df13f5ad0fae8145244e694083efe1fc5f76de', operation='UPDATE', pgid='pgtrigger_legal_moves_5c4e4', table='changes_change', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='historicalstandardapproval',
            name='decided_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='historicalstandardapproval',
            name='ended_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='ended by'),
        ),
        migrations.AddField(
            model_name='historicalstandardapproval',
            name='failed_change',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='changes.change', verbose_name='change that was rolled back'),
        ),
        migrations.AddField(
            model_name='historicalstandardapproval',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalstandardapproval',
            name='proposed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by'),
        ),
        migrations.AddField(
            model_name='historicalstandardapproval',
            name='template',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='changes.changetemplate', verbose_name='template'),
        ),
        migrations.AddField(
            model_name='standardapproval',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='standardapproval',
            name='ended_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='ended by'),
        ),
        migrations.AddField(
            model_name='standardapproval',
            name='failed_change',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='changes.change', verbose_name='change that was rolled back'),
        ),
        migrations.AddField(
            model_name='standardapproval',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by'),
        ),
        migrations.AddField(
            model_name='standardapproval',
            name='template',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='standard_approvals', to='changes.changetemplate', verbose_name='template'),
        ),
        migrations.AddField(
            model_name='authorisation',
            name='standard',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='authorisations', to='changes.standardapproval', verbose_name='standard change'),
        ),
        # Its index follows, without a lock.
        migrations.SeparateDatabaseAndState(
            database_operations=[of_history(db_index=False)], state_operations=[of_history()]
        ),
        migrations.AddConstraint(
            model_name='standardapproval',
            constraint=models.UniqueConstraint(condition=models.Q(('decision', ''), ('ending', '')), fields=('template',), name='changes_standard_one_waits'),
        ),
        migrations.AddConstraint(
            model_name='standardapproval',
            constraint=models.UniqueConstraint(condition=models.Q(('decision', 'approved'), ('ending', '')), fields=('template',), name='changes_standard_one_approved'),
        ),
        migrations.AddConstraint(
            model_name='standardapproval',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decision', 'approved'), _negated=True), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('valid_until__isnull', False)), _connector='OR'), name='changes_standard_who_until'),
        ),
        migrations.AddConstraint(
            model_name='standardapproval',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ending', '')), models.Q(models.Q(('ending', ''), _negated=True), models.Q(('ended_why', ''), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='changes_standard_ended_why'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='standardapproval',
            trigger=pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='3606e5b4d771c7eb0d10c145594138dac4519f6b', operation='DELETE', pgid='pgtrigger_no_delete_10867', table='changes_standardapproval', when='BEFORE')),
        ),
        KeepHistory(),
    ]
