"""A release that comes after the day promised: why, who is told, and what its customer reads.

3 s of processor time.
"""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes import lifecycle, plain
from changes.models import Change, Release
from expansive_cm.workflow.errors import StepIncomplete
from tests import stories
from tests.mailing import last_row, mail_to, told
from tests.people import Cast

pytestmark = pytest.mark.django_db
WHY, TOLD = "Otters ate the cable of the lab.", "Another team has to finish its part first."


def late_release(days: int = 500) -> Release:
    planned = timezone.localdate() + timedelta(days=days)
    return Release.objects.create(name=f"late {days}", planned_on=planned)


def day(when: date | None) -> str:
    assert when is not None
    return f"{when:%-d %B %Y}"


def test_the_form_says_so_asks_why_and_the_customer_reads_what_is_meant_for_them(
    client: Client, cast: Cast
) -> None:
    change, late = stories.in_deployment(cast), late_release()
    lifecycle.assign(change, actor=cast.success, owner=cast.success)
    change = Change.objects.get(pk=change.pk)
    client.force_login(cast.release_manager)
    address = reverse("changes:plan_deployment", args=[change.pk])
    html = client.get(address).content.decode()
    assert "late 500, planned for" in html and ": later than promised" in html
    assert f"Promised by {day(change.due_on)}." in html
    sent = {"seen": change.version, "release": late.pk, "rollback_plan": "Put 4.11 back."}
    answer = client.post(address, {**sent, "told": TOLD})
    html = answer.content.decode()
    assert answer.status_code == 400 and "Put 4.11 back." in html and TOLD in html
    assert f"planned for {day(late.planned_on)}, after {day(change.due_on)}" in html
    since = last_row()
    assert client.post(address, {**sent, "told": TOLD, "reason": WHY}).status_code == 302
    change = Change.objects.get(pk=change.pk)
    assert (change.late_reason, change.late_told) == (WHY, TOLD)
    assert (change.history.first().late_reason, change.events.latest("pk").reason) == (WHY, WHY)
    # Owner and customer, each in their words; whoever planned it knows.
    mine = mail_to(cast.success.email)
    assert mine.pk > since and "Planned later than promised" in mine.subject
    assert WHY in mine.message and TOLD in mine.message and day(change.due_on) in mine.message
    theirs = mail_to(cast.requester.email)
    assert (
        theirs.pk > since and TOLD in theirs.message and "later than we promised" in theirs.message
    )
    for name, person in (("colleague", cast.release_manager), ("customer", cast.requester)):
        client.force_login(person)
        for page in (change.get_absolute_url(), reverse("changes:home"), reverse("changes:list")):
            text = client.get(page).content.decode()
            assert name == "colleague" or "Otters" not in text, page
        text = client.get(change.get_absolute_url()).content.decode()
        assert TOLD in text and ("Otters" in text) == (name == "colleague")
    status = plain.status_of(change, cast.requester).promise
    assert status.startswith("We promised it by ") and status.endswith(TOLD)
    client.force_login(cast.release_manager)
    assert WHY in client.get(reverse("changes:promises")).content.decode()
    # The plan is changed in nothing that was promised: nobody is asked, nor told, again.
    since, plan = last_row(), {"actor": cast.release_manager, "rollback_plan": "Switch back."}
    change = lifecycle.plan_deployment(change, release=late, **plan)
    assert "beyond" not in change.events.latest("pk").data and change.late_reason == WHY
    change = lifecycle.plan_deployment(change, release=stories.release(), **plan)
    assert (change.late_reason, change.late_told) == ("", "")
    assert plain.status_of(change, cast.requester).promise.startswith("We promise it by")


def test_nobody_is_told_what_is_no_longer_so_or_theirs(cast: Cast) -> None:
    change, manager = stories.in_development(cast), cast.release_manager
    change = lifecycle.assign(change, actor=cast.success, owner=cast.support)
    since, late = last_row(), late_release()
    with pytest.raises(StepIncomplete, match="the day promised") as refused:
        lifecycle.assign_release(change, actor=manager, release=late)
    assert refused.value.missing == ["reason"]
    change = lifecycle.assign_release(change, actor=manager, release=late, reason=WHY)
    change = lifecycle.assign(change, actor=cast.success, owner=cast.success)
    assert not [one for one in told(since) if "later" in one[1]], "who was the owner then"
    since = last_row()
    change = lifecycle.assign_release(change, actor=manager, release=late_release(501), reason=WHY)
    lifecycle.assign_release(change, actor=manager, release=stories.release())
    assert not [one for one in told(since) if "later" in one[1]], "it is in time again"
