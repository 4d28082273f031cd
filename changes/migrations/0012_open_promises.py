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
    """Open promises are found without reading every change there ever was."""

    atomic = False
    dependencies = [("changes", "0011_access_by_person")]
    operations = [
        AddIndexConcurrently(
            "change",
            models.Index(
                fields=["due_on", "id"],
                condition=models.Q(("state__in", OPEN), models.Q(("promise", ""), _negated=True)),
                name="changes_change_promised",
            ),
        )
    ]
