from typing import ClassVar

from django.db import migrations

from accounts.operations import KeepHistory


class Migration(migrations.Migration):
    """Tables of history, votes and what else is guarded are not emptied at once either."""

    dependencies: ClassVar = [("crb", "0002_live_notify")]

    operations: ClassVar = [KeepHistory()]
