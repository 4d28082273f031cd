from typing import ClassVar

from django.db import migrations

from accounts.operations import KeepHistory


class Migration(migrations.Migration):
    """Rows of history are numbered in the order of writing, across all tables.

    Not one transaction: each table is locked for its own moment only, and a second try goes on
    where the first one ended.
    """

    atomic = False

    dependencies: ClassVar = [("accounts", "0002_never_emptied")]

    operations: ClassVar = [KeepHistory()]
