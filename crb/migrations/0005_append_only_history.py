from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    """Nothing, the product included, may rewrite the history of absences, actions and minutes."""

    dependencies = [("crb", "0004_board_meeting_minutes")]

    operations = append_only(
        "crb_historicalabsence", "crb_historicalaction", "crb_historicalminutes"
    )
