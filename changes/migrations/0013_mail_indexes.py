from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models

BY_MESSAGE_ID = "post_office_email_message_id"


class Migration(migrations.Migration):
    """What is sought in tables that may be large already; built while people work."""

    atomic = False
    dependencies = [("changes", "0012_mail_and_requesters")]

    operations = [
        AddIndexConcurrently(
            "accesslink",
            models.Index(
                fields=["email"],
                condition=models.Q(email__isnull=False),
                name="changes_accesslink_email",
            ),
        ),
        AddIndexConcurrently(
            "confirmationlink",
            models.Index(
                fields=["email"],
                condition=models.Q(email__isnull=False),
                name="changes_conflink_email",
            ),
        ),
        AddIndexConcurrently(
            "confirmation",
            models.Index(
                fields=["-rated_at"],
                condition=models.Q(rated_at__isnull=False),
                name="changes_confirmation_rated",
            ),
        ),
        # Bounces and replies name the mail that they answer by its Message-ID.
        migrations.RunSQL(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {BY_MESSAGE_ID} "
            "ON post_office_email (message_id);",
            f"DROP INDEX CONCURRENTLY IF EXISTS {BY_MESSAGE_ID};",
        ),
        AddConstraintNotValid(
            "confirmation",
            models.CheckConstraint(
                condition=models.Q(rating__isnull=True) | models.Q(rating__range=(1, 5)),
                name="changes_confirmation_rating",
            ),
        ),
        ValidateConstraint("confirmation", "changes_confirmation_rating"),
    ]
