from typing import ClassVar

from django.db import migrations

from accounts.operations import KeepHistory, append_only


class Migration(migrations.Migration):
    """What was authorised, decided and said stays; nothing that is guarded is emptied at once."""

    dependencies: ClassVar = [("changes", "0004_sent_form")]

    operations: ClassVar = [
        KeepHistory(),
        append_only("changes_authorisation"),
        append_only("changes_boarddecision"),
        append_only("changes_comment"),
    ]
