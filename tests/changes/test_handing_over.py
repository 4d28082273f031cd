"""Whoever leaves with much hands it over by the worker, change by change, with its progress.

Costs 3 s.
"""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import leaving
from accounts.models import User
from changes import lifecycle, tasks
from changes.lifecycle import requesters
from changes.many import handing_over
from changes.models import Change, ManyRun
from expansive_cm.workflow.errors import StepIncomplete
from tests import stories
from tests.crb.test_leaving import address, gone
from tests.mailing import worded
from tests.people import Cast

pytestmark = pytest.mark.django_db

WHY = "She's leaving on Friday."


@pytest.fixture
def changes(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """More than one request hands over, all owned by Sam and asked for by Grace."""
    monkeypatch.setattr(requesters, "AT_ONCE", 2)
    made = [stories.in_review(cast) for _number in range(4)]
    Change.objects.update(owner=cast.support)
    return made


def admin_of(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.administrator)
    return client


def owners() -> list[int]:
    return list(Change.objects.order_by("pk").values_list("owner", flat=True))


def askers() -> list[int]:
    return list(Change.objects.order_by("pk").values_list("requester", flat=True))


def test_much_that_is_owned_goes_one_by_one_after_its_owner_has_left(
    cast: Cast, changes: list[Change]
) -> None:
    """One was taken over meanwhile and stays so; the page says what became of each."""
    who, client = cast.support, admin_of(cast)
    answer = client.post(
        address(who), gone(who, successor=cast.developer.pk), follow=True
    ).content.decode()
    run = ManyRun.objects.get()
    assert f'<a href="{run.get_absolute_url()}">See how far it is</a>' in answer
    assert not User.objects.get(pk=who.pk).is_active
    assert owners() == [who.pk] * 4
    lifecycle.assign(changes[1], actor=cast.success, owner=cast.tester)
    assert "Waiting for the worker" in client.get(run.get_absolute_url()).content.decode()
    tasks.carry_on_acts()
    new, taken = cast.developer.pk, cast.tester.pk
    assert owners() == [new, taken, new, new]
    page = unescape(client.get(run.get_absolute_url()).content.decode())
    assert "3 changes done." in page and "It has another owner than Sam Support by now." in page
    assert "Choose these again" not in page
    event = changes[0].events.get(verb="assign")
    assert event.actor == cast.administrator
    assert worded(to=[cast.developer.email]).exists()
    assert not leaving.left_by(User.objects.get(pk=who.pk))


@pytest.mark.parametrize("how", ["deactivated", "moved"])
def test_many_requests_go_to_a_colleague_whom_they_do_not_stop(
    cast: Cast, changes: list[Change], how: str
) -> None:
    """Whoever approved one of them cannot ask for it; that one waits, with the reason."""
    who = cast.requester
    approved = stories.in_confirmation(cast)
    approver = approved.authorisations.get().recorded_by
    more = {"moved": {"is_active": "on", "organisation": cast.meridian.pk}}.get(how, {})
    answer = admin_of(cast).post(address(who), gone(who, successor=approver.pk, **more))
    assert answer.status_code == 302
    tasks.carry_on_acts()
    assert askers() == [approver.pk] * 4 + [who.pk]
    run = ManyRun.objects.get()
    page = unescape(admin_of(cast).get(run.get_absolute_url()).content.decode())
    assert "4 changes done." in page and "Separation of duties" in page


def test_a_requester_hands_over_many_and_sees_what_became_of_them(
    client: Client, cast: Cast, changes: list[Change]
) -> None:
    """Sent twice it is one run; nobody else reads it."""
    client.force_login(cast.requester)
    page = reverse("changes:hand_over", args=[cast.requester.pk])
    given = {"successor": cast.colleague.pk, "reason": WHY}
    assert "4 open requests" in client.get(page).content.decode()
    answers = [client.post(page, given) for _twice in range(2)]
    run = ManyRun.objects.get()
    assert [one["Location"] for one in answers] == [run.get_absolute_url()] * 2
    other = client.post(page, {**given, "successor": cast.people["approver"].pk})
    assert other.status_code == 409
    assert "are being handed over to Colin Colleague" in other.content.decode()
    tasks.carry_on_acts()
    assert askers() == [cast.colleague.pk] * 4
    assert changes[0].events.get(verb="replace_requester").reason == WHY
    assert "4 changes done." in client.get(run.get_absolute_url()).content.decode()
    for other in (cast.colleague, cast.administrator):
        client.force_login(other)
        assert client.get(run.get_absolute_url()).status_code == 404


def test_one_change_takes_no_more_along_than_one_request_can(
    client: Client, cast: Cast, changes: list[Change]
) -> None:
    """Its form leads to the page for all of them; a form from before is refused."""
    client.force_login(cast.success)
    step = client.get(reverse("changes:replace_requester", args=[changes[0].pk]))
    html = step.content.decode()
    assert 'name="everywhere"' not in html
    assert f'href="{reverse("changes:hand_over", args=[cast.requester.pk])}"' in html
    with pytest.raises(StepIncomplete, match="too many open requests"):
        lifecycle.replace_requester(
            changes[0],
            actor=cast.success,
            successor=cast.colleague,
            reason=WHY,
            everywhere=True,
        )
    assert askers() == [cast.requester.pk] * 4


def test_who_may_no_longer_hand_over_does_not(cast: Cast, changes: list[Change]) -> None:
    """The worker asks again: the administrator has lost the role, the successor has left."""
    given: dict[str, Any] = {"successor": cast.developer, "actor": cast.administrator}
    run = handing_over.ownership(cast.support, reason=WHY, **given)
    assert run is not None
    User.objects.filter(pk=cast.developer.pk).update(is_active=False)
    tasks.carry_on_acts()
    assert {row.reason for row in run.rows.all()} == {
        "The owner must be one of Expansive's own people."
    }
    given["successor"] = cast.tester
    handing_over.ownership(cast.support, reason=WHY, **given)
    cast.administrator.groups.clear()
    tasks.carry_on_acts()
    assert owners() == [cast.support.pk] * 4
