"""The figures of what was taken back, corrected and done again, beside plain SQL. Costs 3 s."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.figures import shown
from changes.models import Change
from tests import stories
from tests.changes.test_figures import MARCH, on, page, told
from tests.people import Cast


@pytest.fixture
def hard(db: None, cast: Cast, settings: Any) -> list[Change]:
    """One taken back, rolled back twice and reworked; one rejected twice; one rejection undone."""
    settings.OUTCOME_UNDO_SECONDS = 600
    with on(3, 2):
        slipped = stories.in_requirements(cast)
        lifecycle.take_back_board_outcome(slipped, actor=cast.chair, reason="The wrong one.")
    with on(3, 4):
        slipped = stories.requirements_defined(stories.decided(slipped, cast, "accepted"), cast)
        slipped = stories.risk_signed(stories.risk_written(slipped, cast), cast)
    for begun, outcome in ((6, "rolled_back"), (9, "rolled_back"), (12, "succeeded")):
        with on(3, begun):
            slipped = stories.all_passed(stories.reviewed(slipped, cast), cast)
            slipped = stories.deployment_planned(slipped, cast)
        with on(3, begun + 1):
            slipped = stories.carried_out(slipped, cast, outcome)
    with on(3, 14):
        slipped = lifecycle.answer_confirmation(
            slipped, actor=cast.requester, confirmed=False, reason="Not on Sundays."
        )
        slipped = lifecycle.rework(slipped, actor=cast.success, reason="True.")
    with on(3, 16):
        slipped = stories.all_passed(stories.reviewed(slipped, cast), cast)
        slipped = stories.carried_out(stories.deployment_planned(slipped, cast), cast)
    with on(3, 20):
        slipped = lifecycle.answer_confirmation(slipped, actor=cast.requester, confirmed=True)
    with on(3, 3):
        twice = stories.rejected(cast)
        lifecycle.reconsider_decision(twice, actor=cast.chair, reason="It pays.")
    with on(3, 5):
        twice = stories.decided(
            Change.objects.get(pk=twice.pk),
            cast,
            "rejected",
            category="not_strategic",
            reason="No.",
        )
    with on(3, 8):
        undone = stories.rejected(cast)
        lifecycle.take_back_board_outcome(undone, actor=cast.chair, reason="Too soon.")
        undone = Change.objects.get(pk=undone.pk)
    with on(3, 11):
        lifecycle.withdraw(undone, actor=cast.requester, reason="Enough.")
        given_up = stories.draft(cast)
        lifecycle.throw_away(given_up, actor=given_up.raised_by)
    return [slipped, twice, undone]


HARD = {
    "submitted": "3",
    "ended": "3",
    "closed": "33 %",
    "lead-time-code": "18 days",
    "deployments": "4",
    "failed-deployments": "50 %",
    "recovery": "6 days",
    "deployed-again": "75 %",
    "decided": "2",
    "decided-accepted": "50 %",
    "decided-rejected": "50 %",
    "acceptance-to-delivery": "9 days",
    "tested": "4",
    "answers": "2",
}
PLAINLY = {
    "recovery": """
        WITH told AS (SELECT change_id, finished_at, outcome, count(*) FILTER (
          WHERE outcome = 'succeeded') OVER (PARTITION BY change_id ORDER BY id DESC) AS lap
          FROM changes_deployment)
        SELECT extract(epoch FROM max(finished_at) - min(finished_at)) / 86400 FROM told
        GROUP BY change_id, lap HAVING count(*) > 1""",
    "deployment-lead-time": """
        SELECT extract(epoch FROM finished_at - d.recorded_at) / 86400 FROM changes_deployment p
        JOIN changes_development d ON d.id = development_id WHERE outcome = 'succeeded'""",
    "lead-time": """
        SELECT extract(epoch FROM max(at) - min(at)) / 86400 FROM changes_event
        WHERE verb = 'submit' OR to_state = 'closed' AND from_state <> 'closed'
        GROUP BY change_id HAVING count(*) > 1""",
    "acceptance-to-delivery": """
        SELECT extract(epoch FROM min(finished_at) - min(recorded.recorded_at)) / 86400
        FROM changes_deployment JOIN changes_boarddecision recorded USING (change_id)
        WHERE changes_deployment.outcome = 'succeeded' AND taken_back_at IS NULL
        GROUP BY change_id""",
    "stage-requirements": """
        SELECT extract(epoch FROM at - (SELECT max(at) FROM changes_event came
          WHERE came.change_id = went.change_id AND came.to_state = 'requirements'
          AND came.id < went.id)) / 86400
        FROM changes_event went WHERE verb = 'define_requirements'""",
    "stage-board": """
        WITH moved AS (SELECT from_state, at - lag(at) OVER (PARTITION BY change_id ORDER BY id)
          AS took FROM changes_event WHERE from_state <> to_state)
        SELECT extract(epoch FROM took) / 86400 FROM moved WHERE from_state = 'board'""",
}


def asked_plainly(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_what_was_taken_back_corrected_and_done_again_counts_as_it_stands(
    client: Client, cast: Cast, hard: list[Change]
) -> None:
    found = told(page(client, cast.chair))
    assert {name: found[name][0] for name in HARD} == HARD
    client.force_login(cast.chair)
    for name, sql in PLAINLY.items():
        rows = client.get(reverse("changes:figure", args=[name]), MARCH).context["rows"]
        days = sorted(time for *_row, time in rows)
        assert days == sorted(shown.lasting(float(one)) for (one,) in asked_plainly(sql)), name
