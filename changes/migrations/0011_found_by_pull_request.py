import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations

from accounts.operations import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('changes', '0010_no_index_twice'),
    ]

    operations = [
        AddIndexBeside(
            model_name='development',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('reference'), 'gin_trgm_ops'), name='changes_development_ref_trgm'),
        ),
    ]
