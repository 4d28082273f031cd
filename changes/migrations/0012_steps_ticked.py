import django.contrib.postgres.fields
from django.db import migrations, models

from accounts.operations import AllAtOnce

TICKED = {
    'name': 'ticked',
    'field': django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), blank=True, help_text='By their number in the plan, from 1; history says when and by whom.', null=True, size=None, verbose_name='steps ticked as done'),
}


class Migration(migrations.Migration):

    dependencies = [
        ('changes', '0011_found_by_pull_request'),
    ]

    operations = [
        AllAtOnce(
            operations=[
                migrations.AddField(model_name='execution', **TICKED),
                migrations.AddField(model_name='historicalexecution', **TICKED),
            ],
        ),
    ]
