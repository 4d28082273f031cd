from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did."""

    atomic = False
    dependencies = [("crb", "0005_append_only_history")]

    operations = index_by_person(
        "crb_historicalabsence", "crb_historicalaction", "crb_historicalminutes"
    )
