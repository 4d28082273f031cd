"""Comments are found by their words, files by their names, changes by their numbers elsewhere."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper

GinIndex = django.contrib.postgres.indexes.GinIndex
OpClass = django.contrib.postgres.indexes.OpClass


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('changes', '0009_history_order')]

    operations = [
        AddIndexConcurrently(
            model_name='comment',
            index=GinIndex(
                django.contrib.postgres.search.SearchVector('body', config='english'),
                name='changes_comment_words',
            ),
        ),
        AddIndexConcurrently(
            model_name='attachment',
            index=GinIndex(
                OpClass(Upper('name'), name='gin_trgm_ops'), name='changes_attachment_name_trgm'
            ),
        ),
        AddIndexConcurrently(
            model_name='change',
            index=models.Index(
                fields=['external_id'],
                condition=models.Q(('external_id', ''), _negated=True),
                name='changes_change_external',
            ),
        ),
        AddIndexConcurrently(
            model_name='documentation',
            index=models.Index(Upper('reference'), name='changes_documentation_number'),
        ),
    ]
