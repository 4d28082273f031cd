from django.db import migrations, models

from accounts.operations import AddIndexBeside


class Migration(migrations.Migration):

    atomic = False  # the index is built while people go on working

    dependencies = [
        ('changes', '0026_emergency'),
    ]

    operations = [
        AddIndexBeside(
            model_name='change',
            index=models.Index(condition=models.Q(('emergency_reason', ''), _negated=True), fields=['-id'], name='changes_change_emergency'),
        ),
    ]
