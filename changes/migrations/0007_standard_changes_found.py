"""What began with a template, and what was authorised as a standard change, is found at once."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAME = 'changes_historicalauthorisation_standard_id_855e72b7'


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('changes', '0006_standard_changes')]

    operations = [
        AddIndexConcurrently(
            model_name='change',
            index=models.Index(
                condition=models.Q(('closed_at__isnull', False), ('template__isnull', False)),
                fields=['-closed_at'],
                name='changes_change_template_ended',
            ),
        ),
        AddIndexConcurrently(
            model_name='authorisation',
            index=models.Index(
                condition=models.Q(('standard__isnull', False)),
                fields=['standard', '-id'],
                name='changes_authorisation_standard',
            ),
        ),
        migrations.RunSQL(
            f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{NAME}" '
            'ON "changes_historicalauthorisation" ("standard_id");',
            f'DROP INDEX CONCURRENTLY IF EXISTS "{NAME}";',
        ),
    ]
