from typing import ClassVar

from django.db import migrations

from accounts.operations import KeepHistory


class Migration(migrations.Migration):
    """Tables of history are not emptied at once either."""

    dependencies: ClassVar = [("accounts", "0001_initial")]

    operations: ClassVar = [KeepHistory()]
