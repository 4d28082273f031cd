"""The reader of each request is found by kept statements, as Django would find them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from tests.people import Cast


def is_in(client: Client) -> bool:
    """Whether Home opens without a sign-in."""
    return client.get("/").status_code == 200


def test_a_session_ends_with_its_time_its_password_and_its_person(
    client: Client, cast: Cast
) -> None:
    person = cast.support
    client.force_login(person)
    assert is_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

    with time_machine.travel(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE + 60)):
        assert not is_in(client), "its time is over"
    client.cookies[settings.SESSION_COOKIE_NAME] = "another" * 5
    assert not is_in(client), "nobody has this one"
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert is_in(client)

    User.objects.filter(pk=person.pk).update(is_active=False)
    assert not is_in(client), "deactivated"
    User.objects.filter(pk=person.pk).update(is_active=True)
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert is_in(client)
    person.set_password("another one, of many words")
    person.save()
    assert not is_in(client), "with another password"
    assert not Session.objects.filter(pk=cookie).exists()


def test_a_person_is_found_by_key_among_those_asked_for(cast: Cast) -> None:
    person = cast.requester
    assert User.objects.get(pk=person.pk) == User.objects.get(pk=str(person.pk)) == person
    other = Organisation.objects.exclude(pk=person.organisation_id).first()
    assert other is not None
    assert person.organisation
    assert person.organisation.people.get(pk=person.pk) == person
    missing: list[tuple[Any, Any]] = [
        (other.people, person.pk),
        (User.objects, 0),
        (User.objects, 2**63),
        (User.objects, None),
        (User.objects.filter(is_active=False), person.pk),
    ]
    for people, key in missing:
        with pytest.raises(User.DoesNotExist):
            people.get(pk=key)
