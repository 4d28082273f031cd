"""Steps of a plan are ticked while it is executed. Costs 2 s."""

import pytest
from django.test import Client

from changes import lifecycle
from changes.models import Change, Execution
from tests import stories
from tests.people import Cast

PLAN = "1. Close the shop\n\n- Switch the flag\n  * Look at the logs\nOpen the shop"


@pytest.fixture
def change(cast: Cast) -> Change:
    begun = stories.started(stories.plan(stories.in_execution(cast), cast, steps=PLAN), cast)
    return Change.objects.get(pk=begun.pk)


def executor(change: Change) -> Client:
    client = Client()
    client.force_login(Execution.objects.get(change=change).executor)
    return client


def tick(client: Client, change: Change, number: object, done: str = "yes", **more: str) -> int:
    address = f"{change.get_absolute_url()}tick_step/"
    return client.post(address, {"number": number, "done": done}, headers=more).status_code


def test_the_executor_ticks_one_after_the_other(change: Change) -> None:
    client, address = executor(change), f"{change.get_absolute_url()}record_execution/"
    page = client.get(address)
    texts = ["Close the shop", "Switch the flag", "Look at the logs", "Open the shop"]
    assert [text for _number, text, _done in page.context["plan_steps"]] == texts
    assert "0 of 4 done" in page.content.decode()

    assert tick(client, change, 2) == tick(client, change, 2) == 302
    assert tick(client, change, 1, **{"HX-Request": "true"}) == 200
    assert "2 of 4 done" in client.get(address).content.decode()
    assert tick(client, change, 2, "no") == 302
    record = Execution.objects.get(change=change)
    assert record.ticked == [1]
    told = list(
        record.history.order_by("history_id").values_list("history_change_reason", flat=True)
    )
    assert told[-3:] == [
        "step 2 of the plan: done",
        "step 1 of the plan: done",
        "step 2 of the plan: not done yet",
    ]
    version = Change.objects.get(pk=change.pk).version
    assert version == change.version, "no open page is stale by it"
    lifecycle.record_execution(
        change, actor=record.executor, outcome="succeeded", notes="Went well."
    )
    client.force_login(record.executor)
    assert "1 of 4" in client.get(change.get_absolute_url()).content.decode()
    assert tick(client, change, 3) == 409
    assert Execution.objects.get(change=change).ticked == [1]


def test_the_page_says_which_steps_of_a_long_plan_cannot_be_ticked(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{change.get_absolute_url()}record_execution/"
    assert "can be ticked" not in executor(change).get(address).content.decode()
    monkeypatch.setattr("changes.models.configuration.MOST_STEPS", 3)
    page = executor(change).get(address).content.decode()
    assert "The first 3 steps can be ticked; 1 more stands in the plan." in page


def test_nobody_else_ticks_and_nothing_but_steps(change: Change, cast: Cast) -> None:
    client = executor(change)
    for wrong in ("0", "5", "-1", "x", "", "9" * 30):
        assert tick(client, change, wrong) in (400, 409)
    assert tick(client, change, 1, "perhaps") == 400
    for name, person in cast.people.items():
        if person.pk != Execution.objects.get(change=change).executor_id:
            client.force_login(person)
            assert tick(client, change, 1) in (403, 404, 409), name
            page = client.get(f"{change.get_absolute_url()}record_execution/")
            assert "plan-steps" not in page.content.decode(), name
    assert not Execution.objects.get(change=change).ticked
