from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did, over many years of history."""

    atomic = False
    dependencies = [("accounts", "0003_append_only_history")]

    operations = index_by_person(
        "accounts_historicalemaildomain",
        "accounts_historicalorganisation",
        "accounts_historicalsuccessteam",
        "accounts_historicaluser",
    )
