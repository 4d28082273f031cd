from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    """Nothing, the product included, may rewrite history."""

    dependencies = [("changes", "0001_initial")]

    operations = append_only(
        "changes_historicalassessment",
        "changes_historicalattachment",
        "changes_historicalauthorisation",
        "changes_historicalboarddecision",
        "changes_historicalchange",
        "changes_historicalchange_services",
        "changes_historicalchange_watchers",
        "changes_historicalchangelink",
        "changes_historicalcomment",
        "changes_historicalconfirmation",
        "changes_historicalconfirmationlink",
        "changes_historicaldeployment",
        "changes_historicaldevelopment",
        "changes_historicaldevelopment_authors",
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
