"""All of the board, from an empty database. What SQL adds to the models stands first.

Whatever changes in a meeting, and in what a person may see of one, is announced on a channel when,
and only when, it is committed. PostgreSQL delivers a NOTIFY at the commit of its transaction and
drops it with a rollback: an open page can therefore never hear of a vote that was not stored.
"""

import accounts.models
import accounts.operations
import crb.models.board
import django.contrib.postgres.constraints
import django.contrib.postgres.operations
import django.core.validators
import django.db.models.deletion
import django_fsm
import pgtrigger.compiler
import simple_history.models
from django.conf import settings
from django.db import migrations, models

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
PARTS = {
    "crb_meeting": "crb_announce_meeting",
    "crb_agendaitem": "crb_announce_part",
    "crb_attendance": "crb_announce_part",
    "crb_attendancemark": "crb_announce_part",
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
RIGHTS = """
CREATE TRIGGER announce AFTER UPDATE ON accounts_user FOR EACH ROW
WHEN (OLD.is_active <> NEW.is_active OR OLD.password <> NEW.password
      OR OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
EXECUTE FUNCTION crb_announce_person();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON accounts_user_groups FOR EACH ROW
EXECUTE FUNCTION crb_announce_rights();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON crb_membership FOR EACH ROW
EXECUTE FUNCTION crb_announce_rights();
"""
"""Whoever loses a role or an account loses the streams that are open."""
ANNOUNCED = (*PARTS, "changes_change", "accounts_user", "accounts_user_groups", "crb_membership")
ANNOUNCING = (*sorted(set(PARTS.values())), "crb_announce_change")
ANNOUNCING += ("crb_announce_person", "crb_announce_rights")
BACK = "".join(f"DROP TRIGGER announce ON {table};\n" for table in ANNOUNCED)
BACK += "".join(f"DROP FUNCTION {name}();\n" for name in ANNOUNCING)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_first'),
        ('changes', '0001_start'),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        accounts.operations.AllAtOnce(
            operations=[
                migrations.CreateModel(
                    name='Board',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('zone', models.CharField(default='Europe/London', max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                        ('weekday', models.PositiveSmallIntegerField(choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], default=1, verbose_name='weekday')),
                        ('start', models.TimeField(help_text="Local time in the board's zone.", verbose_name='start')),
                        ('length_minutes', models.PositiveSmallIntegerField(default=90, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(1440)], verbose_name='length in minutes')),
                        ('interval_days', models.PositiveSmallIntegerField(default=14, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(366)], verbose_name='days from meeting to meeting')),
                        ('first_date', models.DateField(help_text='Meetings begin on the first such weekday from here on.', verbose_name='first date')),
                        ('holiday_region', models.CharField(blank=True, default='GB-ENG', help_text='Empty where no holidays are observed.', max_length=10, validators=[crb.models.board.validate_holiday_region], verbose_name='holidays of')),
                        ('holiday_policy', models.CharField(choices=[('next_working_day', 'Meets on the next working day, same time'), ('previous_working_day', 'Meets on the working day before'), ('meet_anyway', 'Meets all the same')], db_default='next_working_day', default='next_working_day', max_length=30, verbose_name='on a holiday')),
                        ('cutoff_days', models.PositiveSmallIntegerField(db_default=2, default=2, help_text='Then the agenda is published; what comes later goes to the next meeting.', validators=[django.core.validators.MaxValueValidator(30)], verbose_name='cut-off: working days before the meeting')),
                        ('quorum_count', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1)], verbose_name='quorum: at least this many votes')),
                        ('quorum_share', models.PositiveSmallIntegerField(default=50, validators=[django.core.validators.MaxValueValidator(100)], verbose_name='quorum: per cent of the members who are not recused')),
                        ('hides_votes', models.BooleanField(db_default=True, default=True, verbose_name='votes are hidden until one has voted oneself')),
                        ('consent_count', models.PositiveSmallIntegerField(db_default=3, default=3, help_text='Items on which so many members agree before the meeting, with quorum, no other vote and no question, are offered as one batch. 0: never.', verbose_name='consent: at least this many matching votes')),
                        ('organisations', models.ManyToManyField(blank=True, help_text='Leave empty for the board of all customers without one of their own.', related_name='boards', to='accounts.organisation', verbose_name='only for these customers')),
                    ],
                    options={
                        'verbose_name': 'board',
                        'verbose_name_plural': 'boards',
                        'ordering': ('name',),
                        'constraints': [models.CheckConstraint(condition=models.Q(('interval_days__gte', 1)), name='crb_board_interval_positive'), models.CheckConstraint(condition=models.Q(('quorum_count__gte', 1), ('quorum_share__lte', 100)), name='crb_board_quorum'), models.CheckConstraint(condition=models.Q(('weekday__lte', 6)), name='crb_board_weekday')],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalBoard',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('name', models.CharField(db_index=True, max_length=100, verbose_name='name')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('zone', models.CharField(default='Europe/London', max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                        ('weekday', models.PositiveSmallIntegerField(choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], default=1, verbose_name='weekday')),
                        ('start', models.TimeField(help_text="Local time in the board's zone.", verbose_name='start')),
                        ('length_minutes', models.PositiveSmallIntegerField(default=90, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(1440)], verbose_name='length in minutes')),
                        ('interval_days', models.PositiveSmallIntegerField(default=14, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(366)], verbose_name='days from meeting to meeting')),
                        ('first_date', models.DateField(help_text='Meetings begin on the first such weekday from here on.', verbose_name='first date')),
                        ('holiday_region', models.CharField(blank=True, default='GB-ENG', help_text='Empty where no holidays are observed.', max_length=10, validators=[crb.models.board.validate_holiday_region], verbose_name='holidays of')),
                        ('holiday_policy', models.CharField(choices=[('next_working_day', 'Meets on the next working day, same time'), ('previous_working_day', 'Meets on the working day before'), ('meet_anyway', 'Meets all the same')], db_default='next_working_day', default='next_working_day', max_length=30, verbose_name='on a holiday')),
                        ('cutoff_days', models.PositiveSmallIntegerField(db_default=2, default=2, help_text='Then the agenda is published; what comes later goes to the next meeting.', validators=[django.core.validators.MaxValueValidator(30)], verbose_name='cut-off: working days before the meeting')),
                        ('quorum_count', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1)], verbose_name='quorum: at least this many votes')),
                        ('quorum_share', models.PositiveSmallIntegerField(default=50, validators=[django.core.validators.MaxValueValidator(100)], verbose_name='quorum: per cent of the members who are not recused')),
                        ('hides_votes', models.BooleanField(db_default=True, default=True, verbose_name='votes are hidden until one has voted oneself')),
                        ('consent_count', models.PositiveSmallIntegerField(db_default=3, default=3, help_text='Items on which so many members agree before the meeting, with quorum, no other vote and no question, are offered as one batch. 0: never.', verbose_name='consent: at least this many matching votes')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical board',
                        'verbose_name_plural': 'historical boards',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalBoard_organisations',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('board', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.board')),
                        ('organisation', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.organisation')),
                        ('history', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='crb.historicalboard')),
                        ('m2m_history_id', models.AutoField(primary_key=True, serialize=False)),
                    ],
                    options={
                        'verbose_name': 'HistoricalBoard_organisations',
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Membership',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('board', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='crb.board')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='board_memberships', to=settings.AUTH_USER_MODEL, verbose_name='member')),
                        ('starts_on', models.DateField(verbose_name='from')),
                        ('ends_on', models.DateField(blank=True, help_text='The last day; empty for no end yet.', null=True, verbose_name='until')),
                        ('is_chair', models.BooleanField(default=False, verbose_name='chair')),
                        ('is_deputy', models.BooleanField(default=False, verbose_name='deputy chair')),
                    ],
                    options={
                        'verbose_name': 'membership',
                        'verbose_name_plural': 'memberships',
                        'ordering': ('-is_chair', '-is_deputy', 'user__display_name'),
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_on__isnull', True), ('ends_on__gte', models.F('starts_on')), _connector='OR'), name='crb_membership_term', violation_error_message='The term ends before it begins.'), models.CheckConstraint(condition=models.Q(('is_chair', True), ('is_deputy', True), _negated=True), name='crb_membership_chair_or_deputy', violation_error_message='The chair is not their own deputy.'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('board', '='), ('user', '='), (models.Func(models.F('starts_on'), models.F('ends_on'), models.Value('[]'), function='daterange'), '&&')], name='crb_membership_once', violation_error_message='This person already has a term at that time.'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('is_chair', True)), expressions=[('board', '='), (models.Func(models.F('starts_on'), models.F('ends_on'), models.Value('[]'), function='daterange'), '&&')], name='crb_membership_one_chair', violation_error_message='The board already has a chair at that time.')],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalMembership',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('starts_on', models.DateField(verbose_name='from')),
                        ('ends_on', models.DateField(blank=True, help_text='The last day; empty for no end yet.', null=True, verbose_name='until')),
                        ('is_chair', models.BooleanField(default=False, verbose_name='chair')),
                        ('is_deputy', models.BooleanField(default=False, verbose_name='deputy chair')),
                        ('board', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.board')),
                        ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='member')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical membership',
                        'verbose_name_plural': 'historical memberships',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Absence',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences', to='crb.membership')),
                        ('starts_on', models.DateField(verbose_name='first day away')),
                        ('ends_on', models.DateField(verbose_name='last day away')),
                        ('alternate', models.ForeignKey(blank=True, help_text="Votes in the member's place. Empty if nobody stands in.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='alternate')),
                        ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                        ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded')),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='withdrawn')),
                    ],
                    options={
                        'verbose_name': 'absence',
                        'verbose_name_plural': 'absences',
                        'ordering': ('starts_on', 'pk'),
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='crb_absence_dates'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('withdrawn_at', None)), expressions=[('membership', '='), (models.Func(models.F('starts_on'), models.F('ends_on'), models.Value('[]'), function='daterange'), '&&')], name='crb_absence_once', violation_error_message='An absence is already recorded for that time.')],
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='fff52696cb1f22bdd30dc5858daef86614c4876f', operation='DELETE', pgid='pgtrigger_no_delete_c11b6', table='crb_absence', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalAbsence',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('starts_on', models.DateField(verbose_name='first day away')),
                        ('ends_on', models.DateField(verbose_name='last day away')),
                        ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                        ('recorded_at', models.DateTimeField(blank=True, editable=False, verbose_name='recorded')),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='withdrawn')),
                        ('membership', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.membership')),
                        ('alternate', models.ForeignKey(blank=True, db_constraint=False, help_text="Votes in the member's place. Empty if nobody stands in.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='alternate')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical absence',
                        'verbose_name_plural': 'historical absences',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Meeting',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('board', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='meetings', to='crb.board')),
                        ('kind', models.CharField(choices=[('regular', 'Regular meeting'), ('extraordinary', 'Extraordinary meeting'), ('ballot', 'Ballot without a meeting')], db_default='regular', default='regular', max_length=20, verbose_name='kind')),
                        ('purpose', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was called')),
                        ('deadline', models.DateTimeField(blank=True, null=True, verbose_name='votes until')),
                        ('nominal_on', models.DateField(blank=True, help_text='The day before holidays were minded; empty outside the series.', null=True, verbose_name='day by rhythm')),
                        ('date', models.DateField(verbose_name='date')),
                        ('start', models.TimeField(verbose_name='start')),
                        ('zone', models.CharField(max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                        ('length_minutes', models.PositiveSmallIntegerField(verbose_name='length in minutes')),
                        ('starts_at', models.DateTimeField(editable=False, verbose_name='starts')),
                        ('holiday', models.CharField(blank=True, max_length=100, verbose_name='moved because of')),
                        ('state', django_fsm.FSMField(choices=[('scheduled', 'Scheduled'), ('running', 'Running'), ('closed', 'Closed'), ('cancelled', 'Cancelled')], default='scheduled', max_length=20, protected=True, verbose_name='state')),
                        ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='opened')),
                        ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                        ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                        ('cancel_reason', models.TextField(blank=True, max_length=2000, verbose_name='why it was cancelled')),
                        ('move_reason', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was moved')),
                        ('sequence', models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text='Counts what invitees are told.')),
                        ('agenda_published_at', models.DateTimeField(blank=True, null=True, verbose_name='agenda published')),
                        ('current_item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crb.agendaitem', verbose_name='current item')),
                        ('current_since', models.DateTimeField(blank=True, null=True, verbose_name='current item since')),
                        ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ],
                    options={
                        'verbose_name': 'meeting',
                        'verbose_name_plural': 'meetings',
                        'ordering': ('-starts_at', '-pk'),
                        'indexes': [models.Index(fields=['board', 'state', 'starts_at'], name='crb_meeting_next'), models.Index(fields=['starts_at'], name='crb_meeting_when')],
                        'constraints': [models.UniqueConstraint(fields=('board', 'nominal_on'), name='crb_meeting_once'), models.UniqueConstraint(condition=models.Q(('state', 'running'), models.Q(('kind', 'ballot'), _negated=True)), fields=('board',), name='crb_meeting_one_held'), models.CheckConstraint(condition=models.Q(('state__in', ['scheduled', 'running', 'closed', 'cancelled'])), name='crb_meeting_known_state'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'cancelled'), _negated=True), models.Q(('cancel_reason', ''), _negated=True), _connector='OR'), name='crb_meeting_cancelled_why'), models.CheckConstraint(condition=models.Q(('kind', 'regular'), models.Q(('purpose', ''), _negated=True), _connector='OR'), name='crb_meeting_called_why'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'ballot'), _negated=True), ('deadline__isnull', False), _connector='OR'), name='crb_meeting_ballot_ends')],
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='272f5d13beb7c3eb8210cd6413f63c9e31de43b0', operation='DELETE', pgid='pgtrigger_no_delete_46708', table='crb_meeting', when='BEFORE')), pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{scheduled:running,scheduled:cancelled,running:closed,closed:running}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='048a9c7b99bd0c3f64398a6ccb2629aa53f89fb4', operation='UPDATE', pgid='pgtrigger_legal_moves_99467', table='crb_meeting', when='BEFORE')), pgtrigger.compiler.Trigger(name='only_ballots_reopen', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."state" = \'running\' AND OLD."state" = \'closed\' AND NOT (NEW."kind" = \'ballot\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='4d1aa87f14c0c637d839c4f1bb106d7c73dd36d3', operation='UPDATE', pgid='pgtrigger_only_ballots_reopen_d256f', table='crb_meeting', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalMeeting',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('kind', models.CharField(choices=[('regular', 'Regular meeting'), ('extraordinary', 'Extraordinary meeting'), ('ballot', 'Ballot without a meeting')], db_default='regular', default='regular', max_length=20, verbose_name='kind')),
                        ('purpose', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was called')),
                        ('deadline', models.DateTimeField(blank=True, null=True, verbose_name='votes until')),
                        ('nominal_on', models.DateField(blank=True, help_text='The day before holidays were minded; empty outside the series.', null=True, verbose_name='day by rhythm')),
                        ('date', models.DateField(verbose_name='date')),
                        ('start', models.TimeField(verbose_name='start')),
                        ('zone', models.CharField(max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                        ('length_minutes', models.PositiveSmallIntegerField(verbose_name='length in minutes')),
                        ('starts_at', models.DateTimeField(editable=False, verbose_name='starts')),
                        ('holiday', models.CharField(blank=True, max_length=100, verbose_name='moved because of')),
                        ('state', django_fsm.FSMField(choices=[('scheduled', 'Scheduled'), ('running', 'Running'), ('closed', 'Closed'), ('cancelled', 'Cancelled')], default='scheduled', max_length=20, protected=True, verbose_name='state')),
                        ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='opened')),
                        ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                        ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                        ('cancel_reason', models.TextField(blank=True, max_length=2000, verbose_name='why it was cancelled')),
                        ('move_reason', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was moved')),
                        ('sequence', models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text='Counts what invitees are told.')),
                        ('agenda_published_at', models.DateTimeField(blank=True, null=True, verbose_name='agenda published')),
                        ('current_since', models.DateTimeField(blank=True, null=True, verbose_name='current item since')),
                        ('version', models.PositiveIntegerField(default=1, editable=False)),
                        ('board', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.board')),
                        ('current_item', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.agendaitem', verbose_name='current item')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical meeting',
                        'verbose_name_plural': 'historical meetings',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Attendance',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attendances', to='crb.meeting')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='board_attendances', to=settings.AUTH_USER_MODEL)),
                        ('for_member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                        ('arrived_at', models.DateTimeField(auto_now_add=True, verbose_name='arrived')),
                    ],
                    options={
                        'verbose_name': 'attendance',
                        'verbose_name_plural': 'attendances',
                        'ordering': ('pk',),
                        'constraints': [models.UniqueConstraint(fields=('meeting', 'user'), name='crb_attendance_once')],
                        'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='7a034b514350cab292b4dd27fbd0a135e4d057e1', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e0e61', table='crb_attendance', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='Invitation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='crb.meeting')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='board_invitations', to=settings.AUTH_USER_MODEL)),
                        ('sequence', models.PositiveIntegerField(verbose_name='sequence')),
                        ('sent_at', models.DateTimeField(verbose_name='sent')),
                        ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                        ('declined_at', models.DateTimeField(blank=True, null=True, verbose_name='declined by calendar')),
                    ],
                    options={
                        'verbose_name': 'invitation',
                        'verbose_name_plural': 'invitations',
                        'ordering': ('pk',),
                        'constraints': [models.UniqueConstraint(fields=('meeting', 'user'), name='crb_invitation_once')],
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='d458f611e32e65f8c4bbc4016a95dacca7630a3b', operation='DELETE', pgid='pgtrigger_no_delete_f2cda', table='crb_invitation', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='CalendarFeed',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calendar_feeds', to=settings.AUTH_USER_MODEL)),
                        ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                        ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                        ('last_read_at', models.DateTimeField(blank=True, null=True, verbose_name='last read')),
                        ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked')),
                        ('made_after', models.BigIntegerField(editable=False, null=True)),
                    ],
                    options={
                        'verbose_name': 'calendar address',
                        'verbose_name_plural': 'calendar addresses',
                        'ordering': ('-pk',),
                        'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('user',), name='crb_feed_one_per_person')],
                    },
                ),
                migrations.CreateModel(
                    name='AgendaItem',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='crb.meeting')),
                        ('change', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agenda_items', to='changes.change')),
                        ('path', models.PositiveSmallIntegerField(default=1, editable=False, verbose_name='path')),
                        ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                        ('kind', models.CharField(choices=[('returning', 'Returning with answers'), ('correction', 'Correction of a decision'), ('carried', 'Carried over'), ('new', 'New')], max_length=20, verbose_name='kind')),
                        ('state', django_fsm.FSMField(choices=[('open', 'Open'), ('decided', 'Decided'), ('deferred', 'Deferred'), ('dropped', 'Taken off the agenda')], default='open', max_length=20, protected=True, verbose_name='state')),
                        ('added_at', models.DateTimeField(auto_now_add=True, verbose_name='added')),
                        ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                        ('remark', models.TextField(blank=True, max_length=2000, verbose_name='remark')),
                        ('presenter', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='presenter')),
                        ('time_box', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='time box in minutes')),
                        ('notes', models.TextField(blank=True, db_default='', default='', max_length=10000, verbose_name='speaker notes')),
                        ('late_reason', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was added late')),
                        ('is_consent', models.BooleanField(db_default=False, default=False, verbose_name='consent item')),
                        ('pulled_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='taken out of the consent items by')),
                        ('pulled_at', models.DateTimeField(blank=True, null=True, verbose_name='taken out')),
                        ('pull_reason', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was taken out')),
                        ('seconds_spent', models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name='seconds discussed')),
                        ('discussion', models.TextField(blank=True, db_default='', default='', max_length=20000, verbose_name='discussion')),
                    ],
                    options={
                        'verbose_name': 'agenda item',
                        'verbose_name_plural': 'agenda items',
                        'ordering': ('position', 'pk'),
                        'indexes': [models.Index(fields=['meeting', 'position'], name='crb_item_agenda')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('change',), name='crb_item_one_open'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'decided', 'deferred', 'dropped'])), name='crb_item_known_state')],
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='981500810f94eaaf8884a11ab3ded819c9d8f82d', operation='DELETE', pgid='pgtrigger_no_delete_db9c3', table='crb_agendaitem', when='BEFORE')), pgtrigger.compiler.Trigger(name='legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{open:decided,open:deferred,open:dropped,decided:open}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='5dc461d43ee134f22ba429fea8e93faa045095aa', operation='UPDATE', pgid='pgtrigger_legal_moves_385e3', table='crb_agendaitem', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalAgendaItem',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('path', models.PositiveSmallIntegerField(default=1, editable=False, verbose_name='path')),
                        ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                        ('kind', models.CharField(choices=[('returning', 'Returning with answers'), ('correction', 'Correction of a decision'), ('carried', 'Carried over'), ('new', 'New')], max_length=20, verbose_name='kind')),
                        ('state', django_fsm.FSMField(choices=[('open', 'Open'), ('decided', 'Decided'), ('deferred', 'Deferred'), ('dropped', 'Taken off the agenda')], default='open', max_length=20, protected=True, verbose_name='state')),
                        ('added_at', models.DateTimeField(blank=True, editable=False, verbose_name='added')),
                        ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                        ('remark', models.TextField(blank=True, max_length=2000, verbose_name='remark')),
                        ('time_box', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='time box in minutes')),
                        ('notes', models.TextField(blank=True, db_default='', default='', max_length=10000, verbose_name='speaker notes')),
                        ('late_reason', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was added late')),
                        ('is_consent', models.BooleanField(db_default=False, default=False, verbose_name='consent item')),
                        ('pulled_at', models.DateTimeField(blank=True, null=True, verbose_name='taken out')),
                        ('pull_reason', models.TextField(blank=True, db_default='', default='', max_length=2000, verbose_name='why it was taken out')),
                        ('seconds_spent', models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name='seconds discussed')),
                        ('discussion', models.TextField(blank=True, db_default='', default='', max_length=20000, verbose_name='discussion')),
                        ('meeting', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.meeting')),
                        ('change', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='changes.change')),
                        ('presenter', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='presenter')),
                        ('pulled_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='taken out of the consent items by')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical agenda item',
                        'verbose_name_plural': 'historical agenda items',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='AgendaVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agenda_versions', to='crb.meeting')),
                        ('number', models.PositiveSmallIntegerField(verbose_name='version')),
                        ('published_at', models.DateTimeField(auto_now_add=True, verbose_name='published')),
                        ('published_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                        ('reason', models.TextField(blank=True, max_length=2000, verbose_name='why')),
                        ('entries', models.JSONField(default=list, verbose_name='entries')),
                    ],
                    options={
                        'verbose_name': 'version of an agenda',
                        'verbose_name_plural': 'versions of agendas',
                        'ordering': ('number',),
                        'constraints': [models.UniqueConstraint(fields=('meeting', 'number'), name='crb_agenda_version_once')],
                        'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='21bf2eddbc141ebfe842bb89c070051bcbad02d6', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1e4f0', table='crb_agendaversion', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='Minutes',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='minutes', to='crb.meeting')),
                        ('remarks', models.TextField(blank=True, max_length=20000, verbose_name='remarks')),
                        ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published')),
                        ('published_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                        ('content', models.JSONField(default=dict, verbose_name='content')),
                        ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ],
                    options={
                        'verbose_name': 'minutes',
                        'verbose_name_plural': 'minutes',
                        'ordering': ('-pk',),
                        'triggers': [pgtrigger.compiler.Trigger(name='published_stays', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."published_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='ea101d6bb146b95bed0faedbc0caf61c14957d29', operation='UPDATE', pgid='pgtrigger_published_stays_b91fc', table='crb_minutes', when='BEFORE')), pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='8c9b4c17f2a21f15ef897056a16b2988fd4b91b3', operation='DELETE', pgid='pgtrigger_no_delete_8d1a1', table='crb_minutes', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalMinutes',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('remarks', models.TextField(blank=True, max_length=20000, verbose_name='remarks')),
                        ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published')),
                        ('content', models.JSONField(default=dict, verbose_name='content')),
                        ('version', models.PositiveIntegerField(default=1, editable=False)),
                        ('meeting', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.meeting')),
                        ('published_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical minutes',
                        'verbose_name_plural': 'historical minutes',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Action',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='crb.meeting')),
                        ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='crb.agendaitem')),
                        ('text', models.CharField(max_length=500, verbose_name='action')),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='board_actions', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                        ('due_on', models.DateField(verbose_name='due')),
                        ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded')),
                        ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='done')),
                        ('done_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('dropped_at', models.DateTimeField(blank=True, null=True, verbose_name='dropped')),
                    ],
                    options={
                        'verbose_name': 'action',
                        'verbose_name_plural': 'actions',
                        'ordering': ('due_on', 'pk'),
                        'indexes': [models.Index(condition=models.Q(('done_at', None), ('dropped_at', None)), fields=['owner', 'due_on'], name='crb_action_open')],
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='503f1ea1936cedfa0e7e4bef0a9f0a23258562dc', operation='DELETE', pgid='pgtrigger_no_delete_0a836', table='crb_action', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalAction',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('text', models.CharField(max_length=500, verbose_name='action')),
                        ('due_on', models.DateField(verbose_name='due')),
                        ('recorded_at', models.DateTimeField(blank=True, editable=False, verbose_name='recorded')),
                        ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='done')),
                        ('dropped_at', models.DateTimeField(blank=True, null=True, verbose_name='dropped')),
                        ('meeting', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.meeting')),
                        ('item', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.agendaitem')),
                        ('owner', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                        ('recorded_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('done_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical action',
                        'verbose_name_plural': 'historical actions',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Addendum',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('minutes', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='addenda', to='crb.minutes')),
                        ('text', models.TextField(max_length=10000, verbose_name='addendum')),
                        ('added_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('added_at', models.DateTimeField(auto_now_add=True, verbose_name='added')),
                    ],
                    options={
                        'verbose_name': 'addendum',
                        'verbose_name_plural': 'addenda',
                        'ordering': ('pk',),
                        'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0129950538f2c0471d89b8f8822e2195dc2bca56', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_9d7fd', table='crb_addendum', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='Vote',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='votes', to='crb.agendaitem')),
                        ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='board_votes', to=settings.AUTH_USER_MODEL, verbose_name='member')),
                        ('for_member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                        ('revision', models.PositiveIntegerField(verbose_name='revision of the request')),
                        ('choice', models.CharField(choices=[('accepted', 'Accept'), ('accepted_as_priority', 'Accept as a priority'), ('information_required', 'Ask for information'), ('rejected', 'Reject'), ('abstain', 'Abstain'), ('recuse', 'Recuse')], max_length=30, verbose_name='vote')),
                        ('reason', models.TextField(blank=True, max_length=5000, verbose_name='reason')),
                        ('question', models.TextField(blank=True, max_length=2000, verbose_name='question')),
                        ('category', models.CharField(blank=True, max_length=30, verbose_name='reason category')),
                        ('elsewhere', models.CharField(blank=True, max_length=200, verbose_name='addressed by')),
                        ('at', models.DateTimeField(auto_now_add=True, verbose_name='cast')),
                    ],
                    options={
                        'verbose_name': 'vote',
                        'verbose_name_plural': 'votes',
                        'ordering': ('pk',),
                        'indexes': [models.Index(fields=['item', 'member', '-id'], name='crb_vote_latest')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('choice', 'recuse'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='crb_vote_recused_why')],
                        'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='337bb661c0d7dbb8f3beb8b3e6e8cb9879dba2ee', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b6cee', table='crb_vote', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='BoardOutcome',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('item', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outcome', to='crb.agendaitem')),
                        ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='board_outcome', to='changes.boarddecision')),
                        ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded')),
                        ('casting_vote', models.BooleanField(default=False, verbose_name="by the chair's casting vote")),
                        ('by_consent', models.BooleanField(db_default=False, default=False, verbose_name='by consent')),
                        ('sentence', models.CharField(max_length=500, verbose_name='the vote')),
                        ('tally', models.JSONField(default=dict, verbose_name='tally')),
                        ('promised', models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='what it promised')),
                        ('taken_from', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='taken_back', to='crb.agendaitem', verbose_name='taken back from')),
                    ],
                    options={
                        'verbose_name': 'outcome',
                        'verbose_name_plural': 'outcomes',
                        'ordering': ('pk',),
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='0dd131845d6313657f630f7c03d7b28fc323e344', operation='DELETE', pgid='pgtrigger_no_delete_b3cb5', table='crb_boardoutcome', when='BEFORE')), pgtrigger.compiler.Trigger(name='append_only_but_taken_back', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (NOT (OLD.item_id IS NOT NULL AND NEW.item_id IS NULL AND NEW.taken_from_id = OLD.item_id AND to_jsonb(NEW) - '{item_id,taken_from_id}'::text[] = to_jsonb(OLD) - '{item_id,taken_from_id}'::text[]))", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='815eab1d16f58714c90132ca08be7e3802440386', operation='UPDATE', pgid='pgtrigger_append_only_but_taken_back_7ed16', table='crb_boardoutcome', when='BEFORE'))],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('item__isnull', False), ('taken_from__isnull', True)), models.Q(('item__isnull', True), ('taken_from__isnull', False)), _connector='OR'), name='crb_outcome_of_one_item')],
                    },
                ),
                migrations.CreateModel(
                    name='KeptSeat',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='kept_seats', to='crb.meeting')),
                        ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crb.membership')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who sat there')),
                        ('absent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                        ('is_away', models.BooleanField(default=False, verbose_name='away')),
                        ('is_chair', models.BooleanField(default=False, verbose_name='chair')),
                        ('is_deputy', models.BooleanField(default=False, verbose_name='deputy chair')),
                    ],
                    options={
                        'verbose_name': 'kept seat',
                        'verbose_name_plural': 'kept seats',
                        'ordering': ('pk',),
                        'constraints': [models.UniqueConstraint(fields=('meeting', 'membership'), name='crb_seat_once')],
                        'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5cbb14166d59439881aaebe4e5af178c63a26af5', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0898a', table='crb_keptseat', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalAttendanceMark',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('history_act', models.IntegerField(editable=False, null=True)),
                        ('guest', models.CharField(blank=True, max_length=80, verbose_name='name of the guest')),
                        ('is_presenter', models.BooleanField(default=False, verbose_name='presents')),
                        ('mark', models.CharField(choices=[('present', 'Present'), ('late', 'Late'), ('telephone', 'By telephone'), ('left', 'Left'), ('excused', 'Excused')], max_length=20, verbose_name='mark')),
                        ('at', models.DateTimeField(blank=True, null=True, verbose_name='since')),
                        ('set_at', models.DateTimeField(blank=True, editable=False, verbose_name='marked')),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                        ('meeting', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crb.meeting')),
                        ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                        ('for_member', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                        ('set_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='marked by')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.TextField(null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
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
                        ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attendance_marks', to='crb.meeting')),
                        ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                        ('for_member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='as the alternate of')),
                        ('guest', models.CharField(blank=True, max_length=80, verbose_name='name of the guest')),
                        ('is_presenter', models.BooleanField(default=False, verbose_name='presents')),
                        ('mark', models.CharField(choices=[('present', 'Present'), ('late', 'Late'), ('telephone', 'By telephone'), ('left', 'Left'), ('excused', 'Excused')], max_length=20, verbose_name='mark')),
                        ('at', models.DateTimeField(blank=True, null=True, verbose_name='since')),
                        ('set_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='marked by')),
                        ('set_at', models.DateTimeField(auto_now_add=True, verbose_name='marked')),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                    ],
                    options={
                        'verbose_name': 'mark of attendance',
                        'verbose_name_plural': 'marks of attendance',
                        'ordering': ('pk',),
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('guest', ''), ('user__isnull', False)), models.Q(('user__isnull', True), models.Q(('guest', ''), _negated=True)), _connector='OR'), name='crb_mark_of_whom'), models.CheckConstraint(condition=models.Q(models.Q(('mark__in', ('late', 'left')), _negated=True), ('at__isnull', False), _connector='OR'), name='crb_mark_when'), models.CheckConstraint(condition=models.Q(('mark__in', ['present', 'late', 'telephone', 'left', 'excused'])), name='crb_mark_known')],
                        'triggers': [pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='a9f35235d1b88d9912651b7c33eeb58bc45491eb', operation='DELETE', pgid='pgtrigger_no_delete_77c85', table='crb_attendancemark', when='BEFORE'))],
                    },
                ),
                migrations.CreateModel(
                    name='BoardEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('board', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crb.board')),
                        ('meeting', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crb.meeting')),
                        ('item', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crb.agendaitem')),
                        ('verb', models.CharField(max_length=40, verbose_name='step')),
                        ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='board_events', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                        ('actor_name', models.CharField(blank=True, max_length=150)),
                        ('actor_email', models.EmailField(blank=True, max_length=254)),
                        ('at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                        ('from_state', models.CharField(blank=True, max_length=20)),
                        ('to_state', models.CharField(blank=True, max_length=20)),
                        ('reason', models.TextField(blank=True, verbose_name='why')),
                    ],
                    options={
                        'verbose_name': 'event of a board',
                        'verbose_name_plural': 'events of boards',
                        'ordering': ('pk',),
                        'indexes': [models.Index(fields=['board', '-id'], name='crb_event_board'), models.Index(fields=['meeting', '-id'], name='crb_event_meeting'), models.Index(fields=['actor', '-id'], name='crb_event_actor')],
                        'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ca0f06c9dda3751e04e1fb784483a174bda6a203', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a13c1', table='crb_boardevent', when='BEFORE'))],
                    },
                ),
            ],
        ),
        accounts.operations.KeepHistory(),
        migrations.RunSQL(FUNCTIONS + TRIGGERS + CHANGE_TRIGGER + RIGHTS, BACK),
    ]
