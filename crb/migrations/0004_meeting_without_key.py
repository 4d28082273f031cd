from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Meetings are few, a few dozen a year and board: the index is built in no time."""

    dependencies = [
        ('crb', '0003_emergencies'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='meeting', name='crb_meeting_once'),
        migrations.AddConstraint(
            model_name='meeting',
            constraint=models.UniqueConstraint(condition=Q(('nominal_on__isnull', False)), fields=('board', 'nominal_on'), name='crb_meeting_once'),
        ),
    ]
