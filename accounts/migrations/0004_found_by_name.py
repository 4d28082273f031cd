"""People are found by the middle of their name and address."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Upper

OpClass = django.contrib.postgres.indexes.OpClass


def named(field: str, name: str) -> AddIndexConcurrently:
    """Index the pieces of a field in capitals, as ``icontains`` asks for them."""
    index = django.contrib.postgres.indexes.GinIndex(
        OpClass(Upper(field), name='gin_trgm_ops'), name=name
    )
    return AddIndexConcurrently(model_name='user', index=index)


class Migration(migrations.Migration):

    atomic = False

    # Which creates the extension for pieces of words.
    dependencies = [('accounts', '0003_history_order'), ('changes', '0001_initial')]

    operations = [
        named('display_name', 'accounts_user_name_trgm'),
        named('email', 'accounts_user_email_trgm'),
    ]
