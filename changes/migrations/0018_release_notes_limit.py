from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("changes", "0017_acts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="historicalrelease",
            name="notes",
            field=models.TextField(blank=True, max_length=10000, verbose_name="notes"),
        ),
        migrations.AlterField(
            model_name="release",
            name="notes",
            field=models.TextField(blank=True, max_length=10000, verbose_name="notes"),
        ),
    ]
