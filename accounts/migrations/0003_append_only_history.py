from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    """Nothing, the product included, may rewrite history."""

    dependencies = [("accounts", "0002_roles")]

    operations = append_only(
        "accounts_historicalemaildomain",
        "accounts_historicalorganisation",
        "accounts_historicalorganisation_approvers",
        "accounts_historicalsuccessteam",
        "accounts_historicalsuccessteam_members",
        "accounts_historicaluser",
        "accounts_historicaluser_groups",
    )
