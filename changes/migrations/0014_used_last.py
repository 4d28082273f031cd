"""What somebody used last is found at once, and so are the templates they began with."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAME = 'changes_historicalchange_template_id_4e98e2a4'


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('changes', '0013_from_template')]

    operations = [
        AddIndexConcurrently(
            model_name='documentation',
            index=models.Index(fields=['recorded_by', '-id'], name='changes_documentation_by'),
        ),
        AddIndexConcurrently(
            model_name='execution',
            index=models.Index(fields=['recorded_by', '-id'], name='changes_execution_by'),
        ),
        AddIndexConcurrently(
            model_name='change',
            index=models.Index(
                condition=models.Q(('template__isnull', False)),
                fields=['raised_by', '-id'],
                name='changes_change_from_template',
            ),
        ),
        migrations.RunSQL(
            f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{NAME}" '
            'ON "changes_historicalchange" ("template_id");',
            f'DROP INDEX CONCURRENTLY IF EXISTS "{NAME}";',
        ),
    ]
