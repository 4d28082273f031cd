from django.db import migrations

from accounts.append_only import append_only

TABLES = (
    "changes_historicalincomingmail",
    "changes_historicalproposedanswer",
    "changes_historicaldeliveryproblem",
    "changes_historicalcontactattempt",
)


class Migration(migrations.Migration):
    """Nothing, the product included, may rewrite the history of mail; nor a received message."""

    dependencies = [("changes", "0013_mail_indexes")]

    operations = append_only(*TABLES, "changes_rawmail")
