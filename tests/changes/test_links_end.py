"""A mailed link ends with what gave it meaning, whichever kind it is and however it ends."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from changes import access_links, lifecycle
from changes.models import AccessLink, Change, ConfirmationLink
from tests import stories
from tests.mailing import deliver, link_in, mail_to, worded
from tests.people import Cast
from tests.remembered import remembered

RIGHT = "grace.right@harbour.example"


def replaced(cast: Cast, change: Change) -> None:
    lifecycle.replace_requester(
        change, actor=cast.success, successor=cast.colleague, reason="She leaves."
    )


def deactivated(cast: Cast, change: Change) -> None:
    cast.requester.is_active = False
    cast.requester.save()


def corrected(cast: Cast, change: Change) -> None:
    cast.requester.email = RIGHT
    cast.requester.save()


def revoked(cast: Cast, change: Change) -> None:
    lifecycle.revoke_links(change, actor=cast.success, person=cast.requester)


def expired(cast: Cast, change: Change) -> None:
    AccessLink.objects.update(expires_at=timezone.now())
    ConfirmationLink.objects.update(expires_at=timezone.now())


ENDS = [replaced, deactivated, corrected, revoked, expired]


def page_link(mail: Email) -> str:
    found = re.search(r"/r/[\w-]{20,}/", mail.message)
    assert found
    return found.group()


LINKS: dict[str, tuple[Callable[[Cast], Change], Callable[[Email], str], dict[str, str]]] = {
    "to the change": (
        stories.in_confirmation,
        page_link,
        {"act": "write", "body": "I am not Grace."},
    ),
    "to the question": (
        stories.in_confirmation,
        link_in,
        {"meets_need": "yes", "as_expected": "yes"},
    ),
    "to what follows the answer": (
        stories.further_wished,
        link_in,
        {"act": "successor", "title": "The gym too", "description": "Please."},
    ),
    "to the rating": (stories.closed, link_in, {"act": "rate", "rating": "1"}),
}


@remembered
def mailed(cast: Cast, kind: str) -> Change:
    """The change that a link of this kind is about, with its mail worded."""
    change = LINKS[kind][0](cast)
    worded()
    return change


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_that_has_ended_shows_and_does_nothing(
    client: Client, cast: Cast, kind: str
) -> None:
    _make, find, sent = LINKS[kind]
    change = mailed(cast, kind)
    mails = worded(to=cast.requester.email).filter(message__contains="/confirm/")
    link = find(mails[0])
    assert client.get(link).status_code == 200
    for ends in ENDS:
        with transaction.atomic():
            if not change.is_final or ends is not replaced:
                ends(cast, Change.objects.get(pk=change.pk))
            else:
                Change.objects.filter(pk=change.pk).update(requester=cast.colleague)
            before = left_by(change)
            assert client.get(link).status_code == 404, ends
            seen = {"seen": Change.objects.get(pk=change.pk).version}
            assert client.post(link, {**sent, **seen}).status_code == 404, ends
            assert left_by(change) == before, ends
            transaction.set_rollback(True)
        as_before(cast)


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_that_has_expired_stays_so_when_the_clock_is_set_back(
    client: Client, cast: Cast, kind: str
) -> None:
    _make, link_of, _said = LINKS[kind]
    mailed(cast, kind)
    link = link_of(mail_to(cast.requester.email))
    assert client.get(link).status_code == 200
    kept = AccessLink if kind == "to the change" else ConfirmationLink
    end = max(kept.objects.values_list("expires_at", flat=True))
    with time_machine.travel(end + timedelta(minutes=30)):
        assert client.get(link).status_code == 404
    with time_machine.travel(end - timedelta(minutes=30)):
        assert client.get(link).status_code == 404


def as_before(cast: Cast) -> None:
    """Forget, after a rollback, whom it has made others, and how often a dead link was tried."""
    cast.requester.refresh_from_db()
    cache.clear()


def left_by(change: Change) -> Any:
    """What anybody could have done to a change."""
    row = Change.objects.get(pk=change.pk)
    return row.state, row.version, row.events.count(), Change.objects.count()


@pytest.mark.parametrize("ends", [replaced, deactivated, corrected, revoked])
def test_a_link_that_ends_while_somebody_answers_is_refused(
    cast: Cast, ends: Callable[[Cast, Change], None]
) -> None:
    from expansive_cm.workflow.errors import ChangeStale, StepForbidden

    change = stories.in_confirmation(cast)
    link = ConfirmationLink.objects.get()
    ends(cast, Change.objects.get(pk=change.pk))
    requester = Change.objects.get(pk=change.pk).requester
    with pytest.raises((ChangeStale, StepForbidden)):
        lifecycle.answer_confirmation(change, actor=requester, confirmed=True, link=link)


def test_mail_that_waits_goes_to_the_corrected_address(client: Client, cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    corrected(cast, change)
    deliver()
    assert not Email.objects.filter(to="grace.requester@harbour.example").exists()
    mail = mail_to(RIGHT)
    assert client.get(link_in(mail)).status_code == 200
    assert client.get(page_link(mail)).status_code == 200


def test_mail_without_a_notice_follows_its_reader_too(cast: Cast) -> None:
    from changes import outbox

    mail = outbox.compose(cast.requester, "digest", {"changes": []}, tag="CR", headers={})
    outbox.put([mail])
    corrected(cast, stories.draft(cast))
    User.objects.filter(pk=cast.requester.pk).update(email=RIGHT)
    deliver()
    mail.refresh_from_db()
    assert mail.to == [RIGHT]


def test_a_revoked_link_is_not_mailed_again(client: Client, cast: Cast, settings: Any) -> None:
    """What happens meanwhile joins the mail that waits; its link is a new one then."""
    settings.MAIL_BURST_SECONDS = 120
    change = stories.in_review(cast)
    worded(to=cast.requester.email)
    revoked(cast, change)
    lifecycle.comment(change, actor=cast.success, body="Nearly there.")
    assert client.get(page_link(mail_to(cast.requester.email))).status_code == 200


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_does_not_come_back_with_its_reader_or_their_address(
    client: Client, cast: Cast, kind: str
) -> None:
    """Meanwhile others may have read their mail."""
    _make, link_of, _said = LINKS[kind]
    mailed(cast, kind)
    link = link_of(mail_to(cast.requester.email))
    for field, other in (("is_active", False), ("email", RIGHT)):
        with transaction.atomic():
            assert client.get(link).status_code == 200
            before = getattr(cast.requester, field)
            for value in (other, before):
                setattr(cast.requester, field, value)
                cast.requester.save()
            assert client.get(link).status_code == 404, field
            transaction.set_rollback(True)
        as_before(cast)


@pytest.mark.parametrize("kind", LINKS)
def test_a_clock_set_back_brings_no_link_back_either(client: Client, cast: Cast, kind: str) -> None:
    """Its reader left and came back by a clock that stood before the mail went out."""
    _make, link_of, _said = LINKS[kind]
    mailed(cast, kind)
    link = link_of(mail_to(cast.requester.email))
    assert client.get(link).status_code == 200
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        for there in (False, True):
            cast.requester.is_active = there
            cast.requester.save()
    assert client.get(link).status_code == 404


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_mailed_after_they_came_back_works_by_any_clock(
    client: Client, cast: Cast, kind: str
) -> None:
    """The clock was ahead when its reader left and came back, and was put right since."""
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        for there in (False, True):
            cast.requester.is_active = there
            cast.requester.save()
    make, link_of, _said = LINKS[kind]
    make(cast)
    assert client.get(link_of(mail_to(cast.requester.email))).status_code == 200


def test_a_mail_that_is_worded_anew_goes_on_with_its_newest_link(cast: Cast) -> None:
    change = stories.submitted(cast)
    mail = mail_to(cast.requester.email)
    for _again in range(2):
        newest = access_links.issue(change, cast.requester, actor=None)[1]
        AccessLink.objects.filter(pk=newest.pk).update(email=mail)
    assert access_links.unsent_in(mail) == newest
