"""The changes of a release are found at once, and those whose code was complete lately."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAME = 'changes_historicalchange_release_id_0b14e3be'


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('changes', '0002_releases')]

    operations = [
        AddIndexConcurrently(
            model_name='change',
            index=models.Index(
                condition=models.Q(('release__isnull', False)),
                fields=['release', 'id'],
                name='changes_change_release',
            ),
        ),
        AddIndexConcurrently(
            model_name='event',
            index=models.Index(
                condition=models.Q(('from_state', 'testing'), ('to_state', 'deployment')),
                fields=['-id'],
                name='changes_event_code_complete',
            ),
        ),
        migrations.RunSQL(
            f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{NAME}" '
            'ON "changes_historicalchange" ("release_id");',
            f'DROP INDEX CONCURRENTLY IF EXISTS "{NAME}";',
        ),
    ]
