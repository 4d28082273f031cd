from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    """Nothing, the product included, may rewrite the history of links to changes."""

    dependencies = [("changes", "0009_access_and_mail_files")]

    operations = append_only("changes_historicalaccesslink")
