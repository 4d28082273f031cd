import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from accounts.operations import KeepHistory


class Migration(migrations.Migration):
    """What happens on a board, one row per step."""

    dependencies = [
        ('crb', '0010_acts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BoardEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(max_length=40, verbose_name='step')),
                ('actor_name', models.CharField(blank=True, max_length=150)),
                ('actor_email', models.EmailField(blank=True, max_length=254)),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                ('from_state', models.CharField(blank=True, max_length=20)),
                ('to_state', models.CharField(blank=True, max_length=20)),
                ('reason', models.TextField(blank=True, verbose_name='why')),
                ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='board_events', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('board', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crb.board')),
                ('item', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crb.agendaitem')),
                ('meeting', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crb.meeting')),
            ],
            options={
                'verbose_name': 'event of a board',
                'verbose_name_plural': 'events of boards',
                'ordering': ('pk',),
                'indexes': [models.Index(fields=['board', '-id'], name='crb_event_board'), models.Index(fields=['meeting', '-id'], name='crb_event_meeting'), models.Index(fields=['actor', '-id'], name='crb_event_actor')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='boardevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ca0f06c9dda3751e04e1fb784483a174bda6a203', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a13c1', table='crb_boardevent', when='BEFORE')),
        ),
        KeepHistory(),
    ]
