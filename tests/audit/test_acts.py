"""One act is one entry of the history, with all that it changed. About 4 s."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.acts import Act, acts_of
from audit.describe import Entry, FieldChange
from changes import lifecycle
from changes.models import Change, Service
from crb import lifecycle as board
from expansive_cm.workflow.acts import acting, current
from tests.crb.conftest import Table, seven
from tests.people import Cast
from tests.stories import draft, in_authorisation, in_confirmation, submitted


@pytest.fixture
def auditor(client: Client, cast: Cast) -> Client:
    client.force_login(cast.auditor, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def table(cast: Cast) -> Table:
    return seven(cast)


def page_of(client: Client, change: Change) -> Any:
    return client.get(reverse("audit:change_history", args=[change.pk]))


def fields(act: Act) -> list[tuple[str, dict[str, tuple[str, str]]]]:
    """The records of an act, each with its fields before and after."""
    return [
        (part.what, {str(one.label): (one.before, one.after) for one in part.fields})
        for part in act.parts
    ]


def test_a_step_is_one_entry(auditor: Client, cast: Cast) -> None:
    change = in_authorisation(cast)
    answer = page_of(auditor, change)
    acts = answer.context["acts"]
    assert [act.main.why.split(":")[0] for act in acts] == [
        "reviewed the change",
        "assessed the change",
        "submitted the request",
        "saved a draft",
    ]
    (first, moved), (second, written) = fields(acts[0])
    assert (first, moved["State"]) == (str(change), ("Customer success review", "Authorisation"))
    assert second == f"Customer success review of {change.reference}"
    assert written["Findings"] == ("–", "Harmless.")
    assert answer.content.decode().count("reviewed the change: Harmless.") == 1


def test_the_persons_words_may_be_missing_from_a_record(auditor: Client, cast: Cast) -> None:
    newest = page_of(auditor, in_confirmation(cast)).context["acts"][0]
    assert newest.why == "documented the change: Rooms can be booked around the clock."
    assert [part.what.split(" of ")[0] for part in newest.parts[1:]] == [
        "Documentation",
        "Confirmation",
        "Confirmation link",
        "Link to a change",
    ]


def test_what_is_saved_twice_in_one_act_is_told_once(client: Client, cast: Cast) -> None:
    client.force_login(cast.support, backend="django.contrib.auth.backends.ModelBackend")
    change = draft(cast)
    lifecycle.edit(
        change, actor=cast.support, title="Other", services=[Service.objects.create(name="Assets")]
    )
    newest = page_of(client, change).context["acts"][0]
    ((_what, changed),) = fields(newest)
    assert changed == {
        "Title": (change.title, "Other"),
        "Affected services": ("–", "Assets"),
    }


def test_acts_apart_stay_apart(auditor: Client, cast: Cast) -> None:
    change, other = submitted(cast), submitted(cast)
    moment = timezone.now() + timedelta(minutes=1)

    def save(one: Change, who: Any, why: str, seconds: float) -> None:
        one._history_date = moment + timedelta(seconds=seconds)
        one._history_user, one._change_reason = who, why
        one.title += "."
        one.save()

    save(change, cast.support, "edited", 0)
    save(change, cast.support, "edited", 5)
    save(change, cast.success, "edited", 5.1)
    save(change, cast.success, "assigned", 5.2)
    save(other, cast.success, "assigned", 5.3)
    acts = auditor.get("/history/").context["acts"][:5]
    assert [len(act.parts) for act in acts] == [1, 1, 1, 1, 1]
    assert [act.main.why for act in acts] == ["assigned", "assigned", "edited", "edited", "edited"]


def saved(one: Change, who: Any, why: str, seconds: float = 0) -> None:
    """Save a change so many seconds from now."""
    one._history_date = timezone.now() + timedelta(minutes=1, seconds=seconds)
    one._history_user, one._change_reason = who, why
    one.title += "."
    one.save()


def test_of_rows_without_an_act_those_of_one_moment_are_one(auditor: Client, cast: Cast) -> None:
    change = submitted(cast)
    for seconds in (0, 0.5, 3):
        saved(change, cast.support, "edited", seconds)
    acts = page_of(auditor, change).context["acts"][:3]
    titles = [act.main.fields[0].before for act in acts]
    assert [act.why for act in acts] == ["edited", "edited", "submitted the request"]
    assert titles[:2] == [f"{change.title[:-1]}", f"{change.title[:-3]}"]


def test_two_acts_of_one_moment_stay_two(auditor: Client, table: Table) -> None:
    """By one person, on one item, for the same reason."""
    item = table.item()
    with time_machine.travel(timezone.now(), tick=False):
        for minutes in (5, 10):
            board.plan_item(item, actor=table.chair, time_box=minutes)
    acts = page_of(auditor, item.change).context["acts"][:2]
    boxes = [act.main.fields[0] for act in acts]
    assert [(act.why, act.main.by) for act in acts] == [("planned", str(table.chair))] * 2
    assert [(one.before, one.after) for one in boxes] == [("5", "10"), ("–", "5")]


def test_an_act_that_takes_long_is_one(auditor: Client, cast: Cast) -> None:
    change = submitted(cast)
    title = change.title
    with acting():
        saved(change, cast.support, "edited", 0)
        with acting():
            saved(change, cast.support, "moved", 5)
    saved(change, cast.support, "moved", 5)
    second, first = page_of(auditor, change).context["acts"][:2]
    assert (first.whys, second.whys) == (("edited", "moved"), ("moved",))
    assert fields(first) == [(f"{change.reference} {title}..", {"Title": (title, f"{title}..")})]


def test_of_one_act_others_tell_what_they_did_themselves(auditor: Client, cast: Cast) -> None:
    change, other = submitted(cast), submitted(cast)
    with acting():
        saved(change, cast.support, "edited")
        saved(other, cast.support, "edited")
        saved(change, cast.support, "edited")
        saved(change, None, "followed")
    acts = auditor.get("/history/").context["acts"][:3]
    assert [(act.main.by, act.main.url, len(act.main.fields)) for act in acts] == [
        ("", change.get_absolute_url(), 1),
        (str(cast.support), change.get_absolute_url(), 1),
        (str(cast.support), other.get_absolute_url(), 1),
    ]


def test_acts_at_once_do_not_mix() -> None:
    """Rows of two transactions are numbered as they come."""

    def row(within: int, number: int) -> Entry:
        return Entry(
            at=timezone.now(),
            by="Cora Chair",
            act="created",
            icon="plus",
            tone="green",
            what="Board",
            url="",
            why="planned",
            record=("crb.board", number),
            within=within,
            both=False,
            fields=[FieldChange("Number", "", str(number))],
        )

    acts = acts_of([row(2, 4), row(1, 3), row(2, 2), row(1, 1)])
    assert [[part.record[1] for part in act.parts] for act in acts] == [[2, 4], [1, 3]]


def test_what_is_undone_within_an_act_leaves_it_whole(auditor: Client, cast: Cast) -> None:
    change = submitted(cast)
    with acting():
        with transaction.atomic():
            saved(Change.objects.get(pk=change.pk), cast.support, "tried")
            transaction.set_rollback(True)
        saved(change, cast.support, "edited", 0)
        saved(change, cast.support, "edited", 5)
    acts = page_of(auditor, change).context["acts"][:2]
    assert [act.why for act in acts] == ["edited", "submitted the request"]


def test_what_is_written_in_bulk_belongs_to_its_act(auditor: Client, cast: Cast) -> None:
    """Whether something else was written before it, or not."""
    change = submitted(cast)
    for first in (True, False):
        with acting():
            if not first:
                saved(change, cast.support, "edited")
            change._history_user, change._change_reason = cast.support, "in bulk"
            rows = Change.history.bulk_history_create([change])
            saved(change, cast.support, "edited", 5)
        written = change.history.order_by("-history_id")[: 3 - first]
        assert len({row.history_act or row.pk for row in written}) == len(rows) == 1
    acts = page_of(auditor, change).context["acts"][:3]
    assert [act.whys for act in acts[:2]] == [("edited", "in bulk"), ("in bulk", "edited")]
    assert acts[2].why == "submitted the request"


def test_the_boards_outcome_and_what_the_change_makes_of_it_are_one(
    auditor: Client, table: Table
) -> None:
    item = table.running_item()
    for member in table.members[1:5]:
        board.cast_vote(item, actor=member, choice="accepted")
    board.record_outcome(item, actor=table.chair, outcome="accepted", reason="It helps.")
    newest, before = page_of(auditor, item.change).context["acts"][:2]
    kinds = [part.what.split(" of ")[0] for part in newest.parts]
    assert kinds == [str(item.change), "Board decision", "Agenda item"]
    assert newest.whys == (
        "recorded the board's outcome: It helps.",
        "recorded the outcome: Accepted",
    )
    assert "outcome" not in before.why


def test_what_an_administrator_saves_at_once_is_one(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator)
    url = reverse("admin:accounts_organisation_change", args=[cast.harbour.pk])
    data = {"name": cast.harbour.name, "success_team": cast.care_team.pk, "is_active": "on"}
    data |= {"domains-TOTAL_FORMS": "0", "domains-INITIAL_FORMS": "0", "_save": "Save"}
    with time_machine.travel(timezone.now(), tick=False):
        for approvers in ([], [cast.approver.pk]):
            answer = client.post(url, {**data, "reason": "Asked.", "approvers": approvers})
            assert answer.status_code == 302
        second, first = client.get("/history/").context["acts"][:2]
    approver, nobody = str(cast.approver), "–"
    assert [fields(act)[0][1] for act in (first, second)] == [
        {"Authorised approvers": (approver, nobody)},
        {"Authorised approvers": (nobody, approver)},
    ]


def test_what_follows_once_it_is_stored_is_no_part(
    db: None, django_capture_on_commit_callbacks: Any
) -> None:
    seen: list[object] = []
    with django_capture_on_commit_callbacks(execute=True), acting():
        transaction.on_commit(lambda: seen.append(current()))
        assert current() is not None
    assert seen == [None]
