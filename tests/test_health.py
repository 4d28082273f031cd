"""/healthz depends on nothing, /readyz on the database and its migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client

from expansive_cm import health


@contextmanager
def no_database() -> Iterator[None]:
    with mock.patch.object(health, "connection") as connection:
        connection.cursor.side_effect = OperationalError("down")
        yield


def test_healthz_needs_no_database(client: Client) -> None:
    # pytest-django refuses every query here, as this test has not asked for a database.
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"alive\n")
    assert response["Cache-Control"] == "no-store"


def test_health_is_answered_for_any_host_name_and_without_tls(client: Client) -> None:
    response = client.get("/healthz", headers={"host": "10.1.2.3:8000"})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_are_for_reading(client: Client, path: str) -> None:
    response = client.post(path)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.django_db
def test_readyz_answers_when_database_and_migrations_are_there(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (200, b"ready\n")


def test_readyz_says_that_the_database_is_gone(client: Client) -> None:
    with no_database():
        response = client.get("/readyz")
    assert response.status_code == 503
    assert b"database does not answer" in response.content


@pytest.mark.django_db
def test_readyz_says_that_migrations_are_missing(client: Client) -> None:
    with mock.patch.object(health, "pending_migrations", return_value=True):
        response = client.get("/readyz")
    assert response.status_code == 503
    assert b"migrate" in response.content


@pytest.mark.django_db
def test_readyz_says_that_nothing_can_be_written(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.content == b"Nothing can be written to the database.\n"
    assert response["Retry-After"]


@pytest.mark.django_db
def test_readyz_writes_seldom(client: Client, django_assert_num_queries: Any) -> None:
    client.get("/readyz")
    with django_assert_num_queries(1):
        assert client.get("/readyz").status_code == 200
