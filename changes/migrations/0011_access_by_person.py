from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did."""

    atomic = False
    dependencies = [("changes", "0010_append_only_access")]

    operations = index_by_person("changes_historicalaccesslink")
