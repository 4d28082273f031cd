import datetime

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce, Upper

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
EARLIEST, LATEST = datetime.date.min, datetime.date.max
INDEXES = [
    models.Index(fields=["state_since", "id"], name="changes_change_since"),
    models.Index(fields=["updated_at", "id"], name="changes_change_updated"),
    models.Index(Upper("title"), models.F("id"), name="changes_change_title"),
    models.Index(Coalesce("risk", 0), models.F("id"), name="changes_change_risk_key"),
    models.Index(Coalesce("due_on", LATEST), models.F("id"), name="changes_change_due"),
    models.Index(Coalesce("due_on", EARLIEST), models.F("id"), name="changes_change_due_down"),
    models.Index(
        fields=["state", "state_since", "id"],
        condition=models.Q(("state__in", OPEN)),
        name="changes_change_queue",
    ),
    models.Index(
        fields=["due_on", "id"],
        condition=models.Q(("due_on__isnull", False), ("state__in", OPEN)),
        name="changes_change_late",
    ),
]


class Migration(migrations.Migration):
    """An index for every order of the list and for what waits; built while people work."""

    atomic = False
    dependencies = [("changes", "0002_append_only_history")]
    operations = [AddIndexConcurrently("change", index) for index in INDEXES]
