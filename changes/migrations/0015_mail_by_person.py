from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did."""

    atomic = False
    dependencies = [("changes", "0014_append_only_mail")]

    operations = index_by_person(
        "changes_historicalincomingmail",
        "changes_historicalproposedanswer",
        "changes_historicaldeliveryproblem",
        "changes_historicalcontactattempt",
    )
