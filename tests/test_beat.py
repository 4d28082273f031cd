"""What beat starts: one bad board, ballot, mail or mailbox stops nothing but itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from celery.worker.request import Request

from changes import dispatch
from expansive_cm.celery import app

FLOWS: dict[str, list[tuple[str, str]]] = {
    "changes.tasks.send_queued_mail": [
        ("changes.lifecycle.unnoted_refusals", "changes.lifecycle.note_refusal")
    ],
    "changes.tasks.fetch_mail": [("MAILBOXES", "changes.mail_in.fetching.fetch")],
    "changes.tasks.send_digests": [("changes.digest.due", "changes.digest.send")],
    "changes.tasks.send_reminders": [
        ("changes.reminders.due_reminders", "changes.lifecycle.send_reminder"),
        ("changes.reminders.due_escalations", "changes.lifecycle.escalate"),
        ("changes.reminders.unasked", "changes.lifecycle.ask_at_new_address"),
    ],
    "changes.tasks.remind_of_standard_changes": [
        ("changes.standard.due_reminders", "changes.lifecycle.remind_of_standard")
    ],
    "changes.tasks.settle_promises": [
        ("changes.reminders.unsettled_promises", "changes.lifecycle.settle_promise")
    ],
    "changes.tasks.tell_of_forecasts": [
        ("changes.reminders.untold_moves", "changes.lifecycle.tell_of_forecast"),
        ("changes.forecast_mail.to_gather", "changes.forecast_mail.gather"),
    ],
    "changes.tasks.send_promise_digests": [
        ("changes.promise_digest.due", "changes.promise_digest.send")
    ],
    "changes.tasks.tell_of_unheld_parts": [
        ("changes.unheld.settled", "changes.lifecycle.forget_told_part"),
        ("changes.unheld.untold", "changes.lifecycle.tell_of_unheld"),
    ],
    "changes.tasks.carry_on_imports": [
        ("changes.importing.runs.unfinished", "changes.importing.runs.carry_on")
    ],
    "changes.tasks.carry_on_acts": [("changes.many.runs.unfinished", "changes.many.runs.carry_on")],
    "crb.tasks.fill_agendas": [
        ("crb.queries.boards_to_dissolve", "crb.lifecycle.dissolve_board"),
        ("crb.queries.active_boards", "crb.lifecycle.fill_agenda"),
    ],
    "crb.tasks.send_invitations": [("crb.queries.active_boards", "crb.lifecycle.send_invitations")],
    "crb.tasks.settle_ballots": [("crb.queries.ballots_to_settle", "crb.lifecycle.settle_ballot")],
    "crb.tasks.remind_of_actions": [
        ("crb.reminders.due_reminders", "crb.lifecycle.remind_of_action")
    ],
    "crb.tasks.tell_of_missing_leads": [
        ("crb.without_lead.stuck_boards", "crb.lifecycle.tell_of_missing_lead"),
        ("crb.without_quorum.stuck_boards", "crb.lifecycle.tell_of_missing_quorum"),
    ],
    "crb.tasks.publish_agendas": [
        ("crb.queries.due_agendas", "crb.lifecycle.publish_agenda"),
        ("crb.queries.orders_to_settle", "crb.lifecycle.settle_finished_order"),
    ],
    "crb.tasks.schedule_meetings": [
        ("crb.queries.active_boards", "crb.lifecycle.schedule_meetings"),
        ("crb.queries.boards_to_dissolve", "crb.lifecycle.dissolve_board"),
        ("crb.queries.active_boards", "crb.lifecycle.fill_agenda"),
    ],
}
"""For each task: what asks for the keys, and what is done for each of them."""
KEYS = [(1, "first"), (2, "second"), (3, "third")]


def task_named(name: str) -> Callable[[], None]:
    module, _dot, attribute = name.rpartition(".")
    found: Callable[[], None] = getattr(import_module(module), attribute)
    return found


def replace(monkeypatch: Any, settings: Any, name: str, value: Any) -> None:
    """Put something in the place of a function, or of a setting."""
    module, _dot, attribute = name.rpartition(".")
    if not module:
        setattr(settings, attribute, value())
    else:
        monkeypatch.setattr(import_module(module), attribute, value)


def failing(done: list[Any]) -> Callable[..., None]:
    """Note what is done; fail for all but the last key."""

    def act(*arguments: Any, **_options: Any) -> None:
        key = arguments if isinstance(arguments[0], int) else arguments[0]
        done.append(key)
        if key != KEYS[-1]:
            raise RuntimeError(key)

    return act


def test_every_task_of_beat_is_tried_here() -> None:
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == FLOWS.keys()


@pytest.mark.parametrize("task", FLOWS)
def test_a_failure_stops_nothing_but_itself(
    monkeypatch: Any, settings: Any, caplog: Any, task: str
) -> None:
    monkeypatch.setattr(dispatch, "deliver_due", lambda: False)
    done: dict[str, list[Any]] = {act: [] for _ask, act in FLOWS[task]}
    for ask, act in FLOWS[task]:
        replace(monkeypatch, settings, ask, lambda *_a, **_o: list(KEYS))
        replace(monkeypatch, settings, act, failing(done[act]))
    task_named(task)()
    assert done == dict.fromkeys(done, KEYS)
    assert caplog.text.count("RuntimeError") >= 2 * len(done), "and somebody sees it"


def test_mail_that_cannot_be_sent_does_not_keep_refusals_from_being_noted(
    monkeypatch: Any, settings: Any
) -> None:
    def deliver() -> bool:
        raise RuntimeError

    monkeypatch.setattr(dispatch, "deliver_due", deliver)
    done: list[Any] = []
    ((ask, act),) = FLOWS["changes.tasks.send_queued_mail"]
    replace(monkeypatch, settings, ask, lambda *_a, **_o: list(KEYS))
    replace(monkeypatch, settings, act, failing(done))
    with pytest.raises(RuntimeError):
        task_named("changes.tasks.send_queued_mail")()
    assert done == KEYS


class Sent:
    """A message from the broker, as far as a worker reads it before it runs the task."""

    delivery_info: ClassVar[dict[str, Any]] = {}
    properties: ClassVar[dict[str, Any]] = {}
    payload = ([], {}, {})
    body = b""
    content_type, content_encoding = "application/json", "utf-8"

    def __init__(self, headers: dict[str, Any]) -> None:
        self.headers = headers

    def ack_log_error(self, *_args: Any) -> None:
        """Say that it is done with."""


def request(task: str, sent: datetime) -> Request:
    """What a worker makes of an entry that beat sent when its own clock said so."""
    (entry,) = [one for one in app.conf.beat_schedule.values() if one["task"] == task]
    expires = sent + timedelta(seconds=entry["options"]["expires"])
    headers = {"id": str(uuid4()), "task": task, "expires": expires.isoformat(), "lang": "py"}
    return Request(Sent(headers), app=app, task=task_named(task), utc=True)


@pytest.mark.parametrize("minutes", [-50, -30, -2, 0, 2, 50])
@pytest.mark.parametrize("task", FLOWS)
def test_clocks_that_differ_drop_nothing(task: str, minutes: int) -> None:
    """Beat may be fast or slow, by nearly an hour, and the worker still takes what it sends."""
    assert not request(task, datetime.now(UTC) + timedelta(minutes=minutes)).revoked()


def test_what_is_dropped_for_its_age_is_said(caplog: Any) -> None:
    task = "changes.tasks.send_reminders"
    assert request(task, datetime.now(UTC) - timedelta(hours=2)).revoked()
    assert "send_reminders was dropped" in caplog.text
    assert "the clocks of beat and worker differ" in caplog.text
