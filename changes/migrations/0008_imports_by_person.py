from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did; imports are part of it."""

    atomic = False
    dependencies = [("changes", "0007_longest_open")]

    operations = index_by_person("changes_historicalimportrun")
