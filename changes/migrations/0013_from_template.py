"""A change knows the template that it came from, and a link may say that it is a copy."""

import django.db.models.deletion
from django.db import migrations, models

KINDS = models.CharField(
    choices=[
        ('successor_of', 'Successor of'),
        ('enabled_by', 'Enabled by'),
        ('duplicates', 'Duplicates'),
        ('conflicts_with', 'Conflicts with'),
        ('copy_of', 'Copy of'),
    ],
    max_length=20,
    verbose_name='kind of link',
)


def of_history(**options):
    return migrations.AddField(
        model_name='historicalchange',
        name='template',
        field=models.ForeignKey(
            blank=True,
            db_constraint=False,
            null=True,
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name='+',
            to='changes.changetemplate',
            verbose_name='template',
            **options,
        ),
    )


class Migration(migrations.Migration):
    """Columns without a value, which no row is rewritten for; their indexes follow."""

    dependencies = [('changes', '0012_templates')]

    operations = [
        migrations.AddField(
            model_name='change',
            name='template',
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='changes',
                to='changes.changetemplate',
                verbose_name='template',
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[of_history(db_index=False)], state_operations=[of_history()]
        ),
        migrations.AlterField(model_name='changelink', name='kind', field=KINDS),
        migrations.AlterField(model_name='historicalchangelink', name='kind', field=KINDS),
    ]
