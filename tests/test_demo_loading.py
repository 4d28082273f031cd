"""Where the demonstration may be loaded, and what a load that fails leaves: nothing."""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from post_office.models import PRIORITY, Email
from simple_history.models import HistoricalChanges

from accounts.models import User
from changes.lifecycle import core
from changes.models import Change, Deployment
from crb.models import BoardOutcome
from expansive_cm.demo import loader
from expansive_cm.demo.behind import written_behind
from expansive_cm.demo.diary import Diary, Entry
from expansive_cm.post.rows import blank
from tests.asked import in_full
from tests.people import Cast


def test_there_is_no_demonstration_in_production(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="in demo mode only"):
        call_command("load_demo")
    with pytest.raises(CommandError, match="in demo mode only"):
        call_command("demo_logins")


def test_a_database_in_use_is_left_alone(cast: Cast) -> None:
    people = User.objects.count()
    with pytest.raises(CommandError, match="The database is in use"):
        call_command("load_demo")
    out = io.StringIO()
    call_command("load_demo", if_empty=True, stdout=out)
    assert out.getvalue() == "The database is in use; no demo data were loaded.\n"
    assert User.objects.count() == people


@dataclass
class Asked:
    """How often somebody's roles were asked for, by whose."""

    roles: Counter[str] = field(default_factory=Counter)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if 'FROM "auth_group" INNER JOIN "accounts_user_groups"' in in_full(sql):
            self.roles[str(params)] += 1
        return execute(sql, params, many, context)


def test_a_load_says_how_much_and_reads_what_does_not_change_once(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the first deployment, in which most kinds of steps are taken; 3 s."""
    everything = Diary.__iter__

    def first_months(diary: Diary) -> Iterator[Entry]:
        return takewhile(lambda _: not Deployment.objects.exists(), everything(diary))

    monkeypatch.setattr(Diary, "__iter__", first_months)
    out, asked = io.StringIO(), Asked()
    with connection.execute_wrapper(asked):
        call_command("load_demo", stdout=out)
    assert Deployment.objects.exists() and BoardOutcome.objects.exists()
    assert out.getvalue().startswith(f"Loaded {Change.objects.count()} changes in ")
    assert len(asked.roles) > 40 and max(asked.roles.values()) == 1


def test_a_load_that_fails_leaves_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int, title: str) -> None:
        if Change.objects.exists():
            raise KeyboardInterrupt

    before, roles, read = timezone.now, User.__dict__["roles"], core.read_locked
    insert = QuerySet.__dict__["_insert"]
    with pytest.raises(KeyboardInterrupt):
        loader.load(stop)
    assert loader.is_empty()
    assert not User.objects.exists()
    assert timezone.now is before
    assert User.__dict__["roles"] is roles
    assert core.read_locked is read
    assert "save" not in HistoricalChanges.__dict__
    assert QuerySet.__dict__["_insert"] is insert


def test_what_is_written_behind_is_found_as_it_was_and_numbered_without_a_gap(db: None) -> None:
    def written(subject: str) -> Email:
        email = blank("somebody@customer.example", headers={}, priority=PRIORITY.medium)
        email.subject = subject
        email.save()
        return email

    with written_behind():
        first, second = written("First"), written("Second")
        first.subject = "Never saved"
        found = Email.objects.order_by("pk").values_list("pk", "subject", "created")
        assert list(found) == [
            (first.pk, "First", first.created),
            (second.pk, "Second", second.created),
        ]
        third = written("Third")
    fourth = written("Fourth")
    assert list(Email.objects.order_by("pk").values_list("subject", flat=True)) == [
        "First",
        "Second",
        "Third",
        "Fourth",
    ]
    assert [one.pk - first.pk for one in (second, third, fourth)] == [1, 2, 3]


def test_what_is_written_behind_is_not_written_after_a_failure(db: None) -> None:
    with pytest.raises(KeyError), written_behind():
        blank("somebody@customer.example", headers={}, priority=PRIORITY.medium).save()
        raise KeyError
    assert not Email.objects.exists()
