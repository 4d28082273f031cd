from django.db import migrations

from accounts.operations import append_only

BY_MESSAGE_ID = "post_office_email_message_id"


class Migration(migrations.Migration):
    """Nothing may rewrite a received message; the mail that one answers is found by its name."""

    dependencies = [("changes", "0001_initial")]

    operations = [
        append_only("changes_rawmail"),
        # Bounces and replies name the mail that they answer by its Message-ID.
        migrations.RunSQL(
            f"CREATE INDEX {BY_MESSAGE_ID} ON post_office_email (message_id);",
            f"DROP INDEX {BY_MESSAGE_ID};",
        ),
    ]
