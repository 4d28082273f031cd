"""The change calendar finds the meetings of its days at once."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('crb', '0002_feed_in_order')]

    operations = [
        AddIndexConcurrently(
            model_name='meeting',
            index=models.Index(fields=['starts_at'], name='crb_meeting_when'),
        ),
    ]
