from django.db import migrations, models

from accounts.operations import AllAtOnce

FIELD = models.CharField(choices=[('ballot', 'The board votes first, in a ballot that is opened at once'), ('review', 'Its chair or deputy may let them go ahead, and the board reviews them')], db_default='ballot', default='ballot', max_length=10, verbose_name='emergency changes')


class Migration(migrations.Migration):

    dependencies = [
        ('crb', '0002_index_of_recusals'),
    ]

    operations = [
        AllAtOnce(
            [
                migrations.AddField(model_name='board', name='emergencies', field=FIELD),
                migrations.AddField(model_name='historicalboard', name='emergencies', field=FIELD.clone()),
            ],
        ),
    ]
