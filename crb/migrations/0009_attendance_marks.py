import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from accounts.operations import KeepHistory

ANNOUNCED = """
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON crb_attendancemark
FOR EACH ROW EXECUTE FUNCTION crb_announce_part();
"""
"""Open pages of a meeting are told, as of everything else in it."""


class Migration(migrations.Migration):
    """What the chair marks of who is there."""

    dependencies = [
        ('crb', '0008_history_order'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalAttendanceMark',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('guest', models.CharField(blank=True, max_length=80, verbose_name='name of the guest')),
                ('is_presenter', models.BooleanField(default=False, verbose_name='presents')),
                ('mark', models.CharField(choices=[('present', 'Present'), ('late', 'Late'), ('telephone', 'By telephone'), ('left', 'Left'), ('excused', 'Excused')], max_length=20, verbose_name='mark')),
                ('at', models.DateTimeField(blank=True, null=True, verbose_name='since')),
                ('set_at', models.DateTimeField(blank=True, editable=False, verbose_name='marked')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('for_member', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('meeting', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.meeting')),
                ('set_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='marked by')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'historical mark of attendance',
                'verbose_name_plural': 'historical marks of attendance',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='AttendanceMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guest', models.CharField(blank=True, max_length=80, verbose_name='name of the guest')),
                ('is_presenter', models.BooleanField(default=False, verbose_name='presents')),
                ('mark', models.CharField(choices=[('present', 'Present'), ('late', 'Late'), ('telephone', 'By telephone'), ('left', 'Left'), ('excused', 'Excused')], max_length=20, verbose_name='mark')),
                ('at', models.DateTimeField(blank=True, null=True, verbose_name='since')),
                ('set_at', models.DateTimeField(auto_now_add=True, verbose_name='marked')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                ('for_member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attendance_marks', to='crb.meeting')),
                ('set_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='marked by')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'mark of attendance',
                'verbose_name_plural': 'marks of attendance',
                'ordering': ('pk',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('guest', ''), ('user__isnull', False)), models.Q(('user__isnull', True), models.Q(('guest', ''), _negated=True)), _connector='OR'), name='crb_mark_of_whom'), models.CheckConstraint(condition=models.Q(models.Q(('mark__in', ('late', 'left')), _negated=True), ('at__isnull', False), _connector='OR'), name='crb_mark_when'), models.CheckConstraint(condition=models.Q(('mark__in', ['present', 'late', 'telephone', 'left', 'excused'])), name='crb_mark_known')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='attendancemark',
            trigger=pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='a9f35235d1b88d9912651b7c33eeb58bc45491eb', operation='DELETE', pgid='pgtrigger_no_delete_77c85', table='crb_attendancemark', when='BEFORE')),
        ),
        migrations.RunSQL(ANNOUNCED, "DROP TRIGGER announce ON crb_attendancemark;"),
        KeepHistory(),
    ]
