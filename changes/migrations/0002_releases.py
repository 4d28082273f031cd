"""Releases have a code freeze and an end; a change is meant for one before it is deployed."""

import django.db.models.deletion
from django.db import migrations, models

FREEZE = models.DateField(
    blank=True,
    help_text='The code freeze. In a frozen release nothing joins or leaves without a reason.',
    null=True,
    verbose_name='code complete',
)
FROZEN = models.DateTimeField(blank=True, null=True, verbose_name='frozen')
CANCELLED = models.DateTimeField(blank=True, null=True, verbose_name='cancelled')
VERSION = models.PositiveIntegerField(default=1, editable=False)
NOTES = models.TextField(blank=True, max_length=5000, verbose_name='notes')


def of_history(**options):
    return migrations.AddField(
        model_name='historicalchange',
        name='release',
        field=models.ForeignKey(
            blank=True,
            db_constraint=False,
            help_text='With which one it is meant to go out.',
            null=True,
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name='+',
            to='changes.release',
            verbose_name='release',
            **options,
        ),
    )


class Migration(migrations.Migration):
    """Columns without a value, or with one for all rows, which no row is rewritten for.

    Their indexes follow.
    """

    dependencies = [('changes', '0001_first')]

    operations = [
        migrations.AddField(
            model_name='change',
            name='release',
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text='With which one it is meant to go out.',
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='changes',
                to='changes.release',
                verbose_name='release',
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[of_history(db_index=False)], state_operations=[of_history()]
        ),
        *[
            migrations.AddField(model_name=model, name=name, field=field.clone())
            for model in ('release', 'historicalrelease')
            for name, field in (
                ('freeze_on', FREEZE),
                ('frozen_at', FROZEN),
                ('cancelled_at', CANCELLED),
                ('version', VERSION),
            )
        ],
        migrations.AlterField(model_name='release', name='notes', field=NOTES),
        migrations.AlterField(model_name='historicalrelease', name='notes', field=NOTES.clone()),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(
                condition=models.Q(('freeze_on', None))
                | models.Q(('freeze_on__lte', models.F('planned_on'))),
                name='changes_release_freeze_first',
                violation_error_message='The code is complete before the release, or that day.',
            ),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(
                condition=models.Q(('released_at', None)) | models.Q(('cancelled_at', None)),
                name='changes_release_one_end',
                violation_error_message='What was released cannot be cancelled.',
            ),
        ),
    ]
