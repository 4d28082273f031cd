from typing import ClassVar

from django.db import migrations

from accounts.operations import NumberActs


class Migration(migrations.Migration):
    """Rows of history know the act that they were written in.

    Not one transaction: each table is locked for its own moment only, and a second try goes on
    where the first one ended.
    """

    atomic = False

    dependencies: ClassVar = [("accounts", "0004_found_by_name")]

    operations: ClassVar = [NumberActs()]
