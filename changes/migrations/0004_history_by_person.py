from django.db import migrations

from accounts.append_only import index_by_person


class Migration(migrations.Migration):
    """Auditors ask what one person did, over many years of history."""

    atomic = False
    dependencies = [("changes", "0003_list_indexes")]

    operations = index_by_person(
        "changes_historicalassessment",
        "changes_historicalattachment",
        "changes_historicalauthorisation",
        "changes_historicalboarddecision",
        "changes_historicalchange",
        "changes_historicalchangelink",
        "changes_historicalcomment",
        "changes_historicalconfirmation",
        "changes_historicalconfirmationlink",
        "changes_historicaldeployment",
        "changes_historicaldevelopment",
        "changes_historicaldocumentation",
        "changes_historicalexecution",
        "changes_historicalpeerreview",
        "changes_historicalquestion",
        "changes_historicalrelease",
        "changes_historicalrequirements",
        "changes_historicalreview",
        "changes_historicalriskassessment",
        "changes_historicalservice",
        "changes_historicalstagingtest",
    )
