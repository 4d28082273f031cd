from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    """What was imported, when and by whom is history too."""

    dependencies = [("changes", "0005_imports")]

    operations = append_only("changes_historicalimportrun")
