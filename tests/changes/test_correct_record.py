"""What is on record of an execution or a deployment is put right, and history keeps what it said.

Costs 3 s.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from changes import corrections, lifecycle, messages, permissions, plain, story
from changes.corrections import Carried
from changes.models import Change, Notice
from changes.states import State
from changes.views import as_file
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.mailing import last_row, told
from tests.people import Cast

WHY = "We read the wrong clock."
KINDS = sorted(corrections.KINDS)
BY = {"execution": "support", "deployment": "release_manager"}


def made(kind: str, cast: Cast) -> Carried:
    """A finished one, of a change that goes on."""
    change = stories.in_documentation(cast) if kind == "execution" else stories.deployed(cast)
    return corrections.finished(change, kind)[0]


def address(record: Carried) -> str:
    kind = corrections.kind_of(record)
    return f"{record.change.get_absolute_url()}{kind}s/{record.pk}/correct/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def minute(moment: datetime | None) -> str:
    assert moment is not None
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def words(record: Carried, **more: Any) -> dict[str, Any]:
    """What the page would send with nothing but the words corrected."""
    return {
        "started_at": minute(record.started_at),
        "finished_at": minute(record.finished_at),
        "notes": "Went otherwise.",
        "reason": WHY,
        "seen": corrections.state_of(record),
        **more,
    }


def send(person: User, record: Carried, **more: Any) -> int:
    return signed_in(person).post(address(record), words(record, **more)).status_code


def correct(record: Carried, actor: User, **more: Any) -> Carried:
    act = getattr(lifecycle, f"correct_{corrections.kind_of(record)}")
    given = {
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "notes": "Went otherwise.",
        "reason": WHY,
        **more,
    }
    found: Carried = act(record, actor=actor, **given)
    return found


def read(person: User, change: Change, path: str = "") -> str:
    return signed_in(person).get(f"{change.get_absolute_url()}{path}").content.decode()


def said_plainly(change: Change) -> bool:
    """Whether a customer without an account is told of corrected times."""
    told = plain.happened(Change.objects.get(pk=change.pk))
    return "We corrected our record of when it was done." in [str(one.text) for one in told]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_put_right_and_everybody_reads_what_is_true(cast: Cast, kind: str) -> None:
    record, since = made(kind, cast), last_row()
    change, person = record.change, cast.people[BY[kind]]
    before, version, notices = record.notes, change.version, Notice.objects.count()
    assert address(record) in read(person, change)
    assert before in signed_in(person).get(address(record)).content.decode()
    began = timezone.now() - timedelta(hours=3)
    assert send(person, record, started_at=minute(began)) == 302
    kept_end = record.finished_at
    record.refresh_from_db()
    assert minute(record.started_at) == minute(began) and record.notes == "Went otherwise."
    assert record.finished_at == kept_end, "what was not touched stays to the microsecond"
    newest = record.history.latest()
    assert newest.history_change_reason == f"corrected the record of the {kind}: {WHY}"
    assert (newest.history_user, record.history.order_by("-history_id")[1].notes) == (
        person,
        before,
    )
    event = change.events.get(verb=f"correct_{kind}")
    assert event.data == {"record": record.pk, "corrected": ["started_at", "notes"]}
    assert (event.actor, event.is_internal) == (person, False)
    change.refresh_from_db(fields=["version"])
    assert change.version == version, "no open page becomes stale"
    assert (Notice.objects.count(), told(since)) == (notices, []), "nobody is told"
    for reader in (cast.success, cast.requester):
        page = read(reader, change)
        assert "Went otherwise." in page and f"Corrected the record of the {kind}" in page
        assert (WHY in page) == (reader == cast.success)
        timeline = page[page.index(f"Corrected the record of the {kind}") :]
        assert before not in timeline, "what was recorded reads as it is true"
        assert "Corrected since: Went otherwise." in timeline, "who recorded it said other words"
        told_change = story.load(reader, change.pk, with_talk=True)
        as_pdf = str(as_file.in_words(told_change, reader, timezone.now()))
        assert "Went otherwise." in as_pdf
        assert (WHY in as_pdf) == (reader == cast.success) and "'Corrected'" in as_pdf
    assert before in read(cast.auditor, change, "history/")
    assert address(record) not in read(cast.auditor, change)


@pytest.mark.parametrize("kind", KINDS)
def test_who_corrects_it(cast: Cast, kind: str) -> None:
    record = made(kind, cast)
    may = {"execution": {"support", "success"}, "deployment": {"release_manager"}}[kind]
    client = Client()
    for name, person in cast.people.items():
        sees = person not in (cast.stranger_customer, cast.stranger_approver, cast.nobody)
        client.force_login(person)
        expected = 200 if name in may else 403 if sees else 404
        assert client.get(address(record)).status_code == expected, name
        asked = getattr(permissions, f"can_correct_{kind}")
        assert bool(asked(person, record.change)) == (name in may), name
    assert Client().get(address(record)).status_code == 302
    other = stories.submitted(cast)
    path = address(record).replace(record.change.reference, other.reference)
    assert path != address(record)
    assert signed_in(cast.people[BY[kind]]).get(path).status_code == 404
    with pytest.raises(StepForbidden):
        correct(record, cast.developer)


def test_who_lost_the_role_corrects_nothing(cast: Cast) -> None:
    record = made("execution", cast)
    cast.support.groups.clear()
    assert send(cast.support, record) == 403
    with pytest.raises(StepForbidden):
        correct(record, cast.support)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finished_is_recorded_first(cast: Cast, kind: str) -> None:
    if kind == "execution":
        change = stories.started(stories.plan(stories.in_execution(cast), cast), cast)
        record: Any = change.execution
    else:
        change = stories.deployment_planned(stories.in_deployment(cast), cast)
        record = change.deployment
    person = cast.people[BY[kind]]
    assert address(record) not in read(person, change)
    assert signed_in(person).get(address(record)).status_code == 409
    with pytest.raises(StepIllegal):
        correct(record, person, finished_at=timezone.now(), started_at=timezone.now())


def test_after_the_close_and_of_an_earlier_round_too(cast: Cast) -> None:
    closed = stories.closed(cast)
    (record,) = corrections.finished(closed, "execution")
    assert "The change has ended" in signed_in(cast.support).get(address(record)).content.decode()
    assert send(cast.support, record) == 302
    assert Change.objects.get(pk=closed.pk).state == State.CLOSED
    assert not said_plainly(closed), "its words alone were corrected"
    sooner = timezone.now() - timedelta(days=3)
    times = {"started_at": minute(sooner), "finished_at": minute(sooner)}
    assert send(cast.support, record, **times) == 302
    assert said_plainly(closed)
    again = stories.executed(stories.rolled_back(cast), cast)
    first, second = corrections.finished(again, "execution")
    assert send(cast.success, first, notes="The first was stopped.") == 302
    told = corrections.retold(Change.objects.get(pk=again.pk))
    client, counts = signed_in(cast.success), []
    for _time in range(3):
        with CaptureQueriesContext(connection) as found:
            assert client.get(again.get_absolute_url()).status_code == 200
        counts.append(len(found))
        correct(first, cast.success, notes=f"It was stopped for the {len(counts)}. time.")
    assert counts[1] == counts[2], "its page costs no more queries for it"
    events = again.events.filter(verb="record_execution").order_by("pk")
    assert told == {events[0].pk: "The first was stopped."} and second.notes == "Went as written."


def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(cast: Cast) -> None:
    record = made("execution", cast)
    now = timezone.now()
    wrong: tuple[tuple[str, Any], ...] = (
        ("started_at", minute(now + timedelta(hours=2))),
        ("started_at", minute(now - timedelta(days=4000))),
        ("started_at", "1926-13-01T00:00"),
        ("finished_at", minute(now + timedelta(hours=2))),
        ("finished_at", minute(now - timedelta(hours=2))),
        ("finished_at", ""),
        ("notes", " "),
        ("notes", "x" * 5001),
        ("reason", ""),
        ("reason", "x" * 5001),
    )
    client = signed_in(cast.support)
    for field, value in wrong:
        typed = {"notes": "Typed at length.", field: value}
        answer = client.post(address(record), words(record, **typed))
        assert answer.status_code == 400, (field, value)
        assert list(answer.context["form"].errors) == [field], (field, value)
        assert field == "notes" or "Typed at length." in answer.content.decode()
    same = client.post(address(record), words(record, notes=record.notes))
    assert same.status_code == 400 and "Nothing in it is different." in same.content.decode()
    for missing in ({"notes": " "}, {"reason": " "}, {"finished_at": now + timedelta(hours=1)}):
        with pytest.raises(StepIncomplete):
            correct(record, cast.support, **missing)
    assert not record.change.events.filter(verb="correct_execution").exists()
    record.refresh_from_db()
    assert record.notes == "Went as written."


def test_another_window_and_the_same_form_twice(cast: Cast) -> None:
    record = made("execution", cast)
    assert send(cast.success, record, notes="First.") == 302
    client = signed_in(cast.support)
    answer = client.post(address(record), words(record, notes="Second.", seen=""))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"{cast.success} has corrected this record" in page
    assert "First." in page and "Second." in page, "both what it says now and what was typed"
    with pytest.raises(ChangeStale):
        correct(record, cast.support, seen="")
    token = {"csrfmiddlewaretoken": "a" * 64}
    form = words(record, notes="Second.", seen=answer.context["seen"], **token)
    for _time in range(2):
        assert client.post(address(record), form).status_code == 302
    assert record.change.events.filter(verb="correct_execution").count() == 2
    assert "Corrected 2 times, last" in read(cast.success, record.change)


def test_a_mistake_on_a_stale_page_hides_not_that_it_is_stale(cast: Cast) -> None:
    record, client = made("execution", cast), signed_in(cast.support)
    assert send(cast.success, record, notes="First.") == 302
    answer = client.post(address(record), words(record, reason="", seen=""))
    assert answer.status_code == 400
    again = words(record, notes="Second.", seen=answer.context["seen"])
    assert client.post(address(record), again).status_code == 409


def test_an_hour_that_comes_twice_stays_as_it_was(cast: Cast) -> None:
    """When the clocks go back nobody can type which of two moments is meant; nobody has to."""
    cast.support.time_zone = "Europe/Berlin"
    cast.support.save()
    record = made("execution", cast)
    twice = datetime.fromisoformat("2026-10-25T01:30:20+00:00")
    once = twice + timedelta(hours=4)
    type(record).objects.filter(pk=record.pk).update(started_at=twice, finished_at=once)
    record.refresh_from_db()
    with time_machine.travel(once + timedelta(days=1)):
        sent = {"started_at": "2026-10-25T02:30", "finished_at": "2026-10-25T06:00"}
        assert send(cast.support, record, **sent) == 302
    record.refresh_from_db()
    assert record.started_at == twice
    assert record.finished_at == datetime.fromisoformat("2026-10-25T05:00:00+00:00")


def test_a_mail_that_is_worded_later_has_the_new_words(cast: Cast) -> None:
    change = stories.rolled_back(cast)
    (record,) = corrections.finished(change, "execution")
    correct(record, cast.support)
    waiting = Notice.objects.filter(event__verb="record_execution")
    letters = [messages.again(one) for one in waiting.select_related("event", "person", "change")]
    said = [letter.context["event"].reason for letter in letters if letter is not None]
    assert said and set(said) == {"Went otherwise."}
