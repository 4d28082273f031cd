"""Where the demonstration may be loaded, and what a load that fails leaves: nothing."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from simple_history.models import HistoricalChanges

from accounts.models import User
from changes.lifecycle import core
from changes.models import Change
from expansive_cm.demo import loader
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


def test_a_load_that_fails_leaves_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int, title: str) -> None:
        if Change.objects.exists():
            raise KeyboardInterrupt

    before, roles, read = timezone.now, User.__dict__["roles"], core.read_locked
    with pytest.raises(KeyboardInterrupt):
        loader.load(stop)
    assert loader.is_empty()
    assert not User.objects.exists()
    assert timezone.now is before
    assert User.__dict__["roles"] is roles
    assert core.read_locked is read
    assert "save" not in HistoricalChanges.__dict__
