from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    """Nothing, the product included, may rewrite history."""

    dependencies = [("crb", "0001_initial")]

    operations = append_only(
        "crb_historicalagendaitem",
        "crb_historicalboard",
        "crb_historicalboard_organisations",
        "crb_historicalmeeting",
        "crb_historicalmembership",
    )
