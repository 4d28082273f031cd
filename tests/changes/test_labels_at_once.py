"""Labels while two people do something with the same ones. Costs 2 s."""

import threading
from typing import Any

import pytest

from changes import lifecycle
from changes.lifecycle import labels
from changes.models import ChangeLabel, Label
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete
from tests.changes.test_standard_at_once import somebody_waits
from tests.concurrently import at_once
from tests.people import Cast
from tests.stories import submitted
from tests.worker import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """The cast, committed, so that other connections see it."""
    return cast


def test_nothing_breaks_where_two_meet(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [submitted(cast) for _number in range(2)]

    def put(number: int, name: str) -> Label:
        return lifecycle.label(changes[number], actor=cast.support, name=name)

    made = at_once(lambda: put(0, "Rollout"), lambda: put(1, "ROLLOUT"))
    assert len({one.pk for one in made}) == Label.objects.count() == 1, made
    assert ChangeLabel.objects.count() == 2

    one, two, three = (put(0, name) for name in ("One", "Two", "Three"))

    def keep(label: Label, name: str, *, is_active: bool = True) -> Label:
        return lifecycle.keep_label(
            label, actor=cast.administrator, name=name, colour="red", is_active=is_active
        )

    named = at_once(lambda: keep(one, "Four"), lambda: keep(two, "four"))
    assert sorted(type(answer).__name__ for answer in named) == ["Label", "StepIncomplete"], named

    merged = at_once(
        lambda: lifecycle.merge_label(one, actor=cast.administrator, into=two),
        lambda: lifecycle.merge_label(two, actor=cast.administrator, into=one),
    )
    [refused] = [answer for answer in merged if isinstance(answer, Exception)]
    assert isinstance(refused, (StepIllegal, StepIncomplete))
    assert Label.objects.exclude(merged_into=None).count() == 1

    # It is found in use, and has ended when it is put on: whoever ends it was first.
    found, save = threading.Event(), labels.save

    def save_late(*arguments: Any, **why: Any) -> Any:
        saved = save(*arguments, **why)
        found.set()
        wait_until(somebody_waits)
        return saved

    monkeypatch.setattr(labels, "save", save_late)

    def put_then() -> Label:
        assert found.wait(60)
        return put(1, "Three")

    ended, refusal = at_once(lambda: keep(three, "Three", is_active=False), put_then)
    assert not ended.is_active
    assert isinstance(refusal, StepIncomplete), refusal
    assert "has ended" in str(refusal)
    assert not ChangeLabel.objects.filter(change=changes[1], label=three).exists()
