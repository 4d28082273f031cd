"""Change freezes and maintenance windows, and the overrides of them: new tables only."""

import accounts.models
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from accounts.operations import KeepHistory


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_first'),
        ('changes', '0003_found_by_release'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalWindow',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_act', models.IntegerField(editable=False, null=True)),
                ('kind', models.CharField(choices=[('freeze', 'Change freeze'), ('maintenance', 'Maintenance window')], max_length=20, verbose_name='kind')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('reason', models.TextField(blank=True, max_length=2000, verbose_name='what it is for')),
                ('effect', models.CharField(choices=[('refuses', 'Refuses'), ('warns', 'Warns'), ('override', 'Asks for an override')], max_length=20, verbose_name='effect')),
                ('override_role', models.CharField(blank=True, choices=[('support', 'Support staff'), ('customer_success', 'Customer success'), ('approver', 'Authorised approver'), ('crb_member', 'CRB member'), ('developer', 'Developer'), ('peer_reviewer', 'Peer reviewer'), ('tester', 'Tester'), ('release_manager', 'Release manager'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=30, verbose_name='role that can override it')),
                ('zone', models.CharField(max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                ('starts_at', models.DateTimeField(verbose_name='begins')),
                ('ends_at', models.DateTimeField(verbose_name='ends')),
                ('weekday', models.PositiveSmallIntegerField(blank=True, choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], null=True, verbose_name='every')),
                ('from_time', models.TimeField(blank=True, null=True, verbose_name='from')),
                ('to_time', models.TimeField(blank=True, null=True, verbose_name='to')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical freeze or maintenance window',
                'verbose_name_plural': 'historical freezes and maintenance windows',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalWindowOverride',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_act', models.IntegerField(editable=False, null=True)),
                ('path', models.PositiveSmallIntegerField(default=1, editable=False, verbose_name='path')),
                ('round', models.PositiveSmallIntegerField(default=1, editable=False, verbose_name='round')),
                ('recorded_at', models.DateTimeField(blank=True, editable=False, verbose_name='recorded')),
                ('reason', models.TextField(max_length=2000, verbose_name='reason')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical override of a freeze or maintenance window',
                'verbose_name_plural': 'historical overrides of freezes and maintenance windows',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Window',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('freeze', 'Change freeze'), ('maintenance', 'Maintenance window')], max_length=20, verbose_name='kind')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('reason', models.TextField(blank=True, max_length=2000, verbose_name='what it is for')),
                ('effect', models.CharField(choices=[('refuses', 'Refuses'), ('warns', 'Warns'), ('override', 'Asks for an override')], max_length=20, verbose_name='effect')),
                ('override_role', models.CharField(blank=True, choices=[('support', 'Support staff'), ('customer_success', 'Customer success'), ('approver', 'Authorised approver'), ('crb_member', 'CRB member'), ('developer', 'Developer'), ('peer_reviewer', 'Peer reviewer'), ('tester', 'Tester'), ('release_manager', 'Release manager'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=30, verbose_name='role that can override it')),
                ('zone', models.CharField(max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                ('starts_at', models.DateTimeField(verbose_name='begins')),
                ('ends_at', models.DateTimeField(verbose_name='ends')),
                ('weekday', models.PositiveSmallIntegerField(blank=True, choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], null=True, verbose_name='every')),
                ('from_time', models.TimeField(blank=True, null=True, verbose_name='from')),
                ('to_time', models.TimeField(blank=True, null=True, verbose_name='to')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'verbose_name': 'freeze or maintenance window',
                'verbose_name_plural': 'freezes and maintenance windows',
                'ordering': ('starts_at', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='WindowOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.PositiveSmallIntegerField(default=1, editable=False, verbose_name='path')),
                ('round', models.PositiveSmallIntegerField(default=1, editable=False, verbose_name='round')),
                ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded')),
                ('reason', models.TextField(max_length=2000, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'override of a freeze or maintenance window',
                'verbose_name_plural': 'overrides of freezes and maintenance windows',
                'ordering': ('-pk',),
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='WindowSpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('span', django.contrib.postgres.fields.ranges.DateTimeRangeField(verbose_name='when')),
            ],
            options={
                'verbose_name': 'time of a window',
                'ordering': ('span', 'pk'),
            },
        ),
        migrations.AddField(
            model_name='historicalwindow',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalwindow',
            name='organisation',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.organisation', verbose_name='customer'),
        ),
        migrations.AddField(
            model_name='historicalwindow',
            name='service',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='changes.service', verbose_name='service'),
        ),
        migrations.AddField(
            model_name='historicalwindowoverride',
            name='change',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='changes.change'),
        ),
        migrations.AddField(
            model_name='historicalwindowoverride',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalwindowoverride',
            name='recorded_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by'),
        ),
        migrations.AddField(
            model_name='window',
            name='organisation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='windows', to='accounts.organisation', verbose_name='customer'),
        ),
        migrations.AddField(
            model_name='window',
            name='service',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='windows', to='changes.service', verbose_name='service'),
        ),
        migrations.AddField(
            model_name='historicalwindowoverride',
            name='window',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='changes.window'),
        ),
        migrations.AddField(
            model_name='windowoverride',
            name='change',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='window_overrides', to='changes.change'),
        ),
        migrations.AddField(
            model_name='windowoverride',
            name='recorded_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by'),
        ),
        migrations.AddField(
            model_name='windowoverride',
            name='window',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='overrides', to='changes.window'),
        ),
        migrations.AddField(
            model_name='windowspan',
            name='window',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='spans', to='changes.window'),
        ),
        migrations.AddIndex(
            model_name='window',
            index=models.Index(condition=models.Q(('cancelled_at', None)), fields=['ends_at', 'id'], name='changes_window_ends'),
        ),
        migrations.AddIndex(
            model_name='window',
            index=models.Index(condition=models.Q(('cancelled_at__isnull', False)), fields=['-cancelled_at', '-id'], name='changes_window_cancelled'),
        ),
        migrations.AddConstraint(
            model_name='window',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='changes_window_ends_later'),
        ),
        migrations.AddConstraint(
            model_name='window',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_time', None), ('to_time', None), ('weekday', None)), models.Q(('from_time__isnull', False), ('to_time__isnull', False), ('weekday__lte', 6)), _connector='OR'), name='changes_window_whole_rule'),
        ),
        migrations.AddConstraint(
            model_name='window',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('effect', 'override'), models.Q(('override_role', ''), _negated=True)), models.Q(models.Q(('effect', 'override'), _negated=True), ('override_role', '')), _connector='OR'), name='changes_window_who_overrides'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='window',
            trigger=pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='a202623c91c6a23554e2c2f1b0f80fbd921f830c', operation='DELETE', pgid='pgtrigger_no_delete_32dee', table='changes_window', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='windowoverride',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='efdcff33a3db5e51d391bca75ddb4171ec58d9cb', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_688ac', table='changes_windowoverride', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='windowspan',
            index=django.contrib.postgres.indexes.GistIndex(fields=['span'], name='changes_windowspan_when'),
        ),
        KeepHistory(),
    ]
