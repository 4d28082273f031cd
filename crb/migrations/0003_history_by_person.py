from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did, over many years of history."""

    atomic = False
    dependencies = [("crb", "0002_append_only_history")]

    operations = index_by_person(
        "crb_historicalagendaitem",
        "crb_historicalboard",
        "crb_historicalmeeting",
        "crb_historicalmembership",
    )
