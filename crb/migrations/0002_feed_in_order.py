from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("crb", "0001_first"),
    ]

    operations = [
        migrations.AddField(
            model_name="calendarfeed",
            name="made_after",
            field=models.BigIntegerField(editable=False, null=True),
        ),
    ]
