"""What is executed or deployed when is found at once, however much there is."""

from django.contrib.postgres.indexes import GistIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('changes', '0004_windows')]

    operations = [
        AddIndexConcurrently(
            model_name='execution',
            index=GistIndex(
                models.Func('window_start', 'window_end', function='tstzrange'),
                name='changes_execution_when',
            ),
        ),
        AddIndexConcurrently(
            model_name='deployment',
            index=models.Index(
                condition=models.Q(('started_at__isnull', False)),
                fields=['started_at'],
                name='changes_deployment_begun',
            ),
        ),
    ]
