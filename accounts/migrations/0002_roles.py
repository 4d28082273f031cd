from django.db import migrations


def create_roles(apps, schema_editor):
    from accounts.roles import Role

    group = apps.get_model("auth", "Group")
    for role in Role.values:
        group.objects.get_or_create(name=role)


class Migration(migrations.Migration):
    """Each role is a group; the groups exist from the first start."""

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
