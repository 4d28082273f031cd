import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from accounts.operations import KeepHistory

HELD_BEFORE = """
INSERT INTO crb_keptseat
       (meeting_id, membership_id, user_id, absent_id, is_away, is_chair, is_deputy)
SELECT meeting.id, term.id,
       CASE WHEN substitute.id IS NULL THEN term.user_id ELSE away.alternate_id END,
       CASE WHEN substitute.id IS NULL THEN NULL ELSE term.user_id END,
       away.id IS NOT NULL AND substitute.id IS NULL, term.is_chair, term.is_deputy
  FROM crb_meeting AS meeting
  JOIN crb_membership AS term
    ON term.board_id = meeting.board_id AND term.starts_on <= meeting.date
   AND (term.ends_on IS NULL OR term.ends_on >= meeting.date)
  JOIN accounts_user AS person ON person.id = term.user_id
  LEFT JOIN crb_absence AS away
    ON away.membership_id = term.id AND away.withdrawn_at IS NULL
   AND away.starts_on <= meeting.date AND away.ends_on >= meeting.date
  LEFT JOIN accounts_user AS substitute ON substitute.id = away.alternate_id
   AND (substitute.is_active OR EXISTS (
        SELECT FROM crb_attendance AS one
         WHERE one.meeting_id = meeting.id AND one.user_id = substitute.id
           AND one.for_member_id = term.user_id))
 WHERE (meeting.state = 'closed' OR meeting.state = 'running' AND meeting.kind <> 'ballot')
   AND (substitute.id IS NOT NULL OR person.is_active
        OR EXISTS (SELECT FROM crb_attendance AS one
                    WHERE one.meeting_id = meeting.id AND one.user_id = person.id)
        OR EXISTS (SELECT FROM crb_invitation AS one
                    WHERE one.meeting_id = meeting.id AND one.user_id = person.id
                      AND one.cancelled_at IS NULL))
 ORDER BY meeting.id, term.is_chair DESC, term.is_deputy DESC, person.display_name
"""
"""Who sat at what was held before: whoever still could, was there, or stands invited."""


class Migration(migrations.Migration):
    """Who sat at a meeting is kept."""


    dependencies = [
        ('crb', '0003_never_emptied'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptSeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_away', models.BooleanField(default=False, verbose_name='away')),
                ('is_chair', models.BooleanField(default=False, verbose_name='chair')),
                ('is_deputy', models.BooleanField(default=False, verbose_name='deputy chair')),
                ('absent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='kept_seats', to='crb.meeting')),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crb.membership')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who sat there')),
            ],
            options={
                'verbose_name': 'kept seat',
                'verbose_name_plural': 'kept seats',
                'ordering': ('pk',),
                'constraints': [models.UniqueConstraint(fields=('meeting', 'membership'), name='crb_seat_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='keptseat',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5cbb14166d59439881aaebe4e5af178c63a26af5', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0898a', table='crb_keptseat', when='BEFORE')),
        ),
        migrations.RunSQL(HELD_BEFORE, migrations.RunSQL.noop),
        KeepHistory(),
    ]
