"""What comes to the board to be corrected; and every outcome is of one item, old ones too."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crb', '0004_taken_back_outcomes'),
    ]

    operations = [
        ValidateConstraint(model_name='boardoutcome', name='crb_outcome_of_one_item'),
        migrations.AlterField(
            model_name='agendaitem',
            name='kind',
            field=models.CharField(choices=[('returning', 'Returning with answers'), ('correction', 'Correction of a decision'), ('carried', 'Carried over'), ('new', 'New')], max_length=20, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='historicalagendaitem',
            name='kind',
            field=models.CharField(choices=[('returning', 'Returning with answers'), ('correction', 'Correction of a decision'), ('carried', 'Carried over'), ('new', 'New')], max_length=20, verbose_name='kind'),
        ),
    ]
