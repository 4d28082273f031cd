"""One act is one entry of the history, with all that it changed."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.acts import Act
from changes import lifecycle
from changes.models import Change, Service
from tests.people import Cast
from tests.stories import draft, in_authorisation, in_confirmation, submitted


@pytest.fixture
def auditor(client: Client, cast: Cast) -> Client:
    client.force_login(cast.auditor, backend="django.contrib.auth.backends.ModelBackend")
    return client


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
