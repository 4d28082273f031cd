from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

OPEN = [
    "authorisation",
    "board",
    "confirmation",
    "deployment",
    "development",
    "documentation",
    "execution",
    "information_required",
    "not_confirmed",
    "requirements",
    "review",
    "risk_assessment",
    "rolled_back",
    "submitted",
    "testing",
]


class Migration(migrations.Migration):
    """What has been open the longest is found without reading what ended long ago."""

    atomic = False
    dependencies = [("changes", "0006_append_only_imports")]
    operations = [
        AddIndexConcurrently(
            "change",
            models.Index(
                fields=["state_since", "id"],
                condition=models.Q(("state__in", OPEN)),
                name="changes_change_oldest",
            ),
        )
    ]
