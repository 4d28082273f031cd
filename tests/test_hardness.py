"""Tests beside which something else works are marked by what they use."""

from typing import Any

import pytest


def is_marked(request: pytest.FixtureRequest) -> bool:
    """Whether the test that asks is a hard one."""
    return request.node.get_closest_marker("hard") is not None


def test_one_that_works_alone_is_not(request: pytest.FixtureRequest, db: None) -> None:
    assert not is_marked(request)


@pytest.mark.django_db(transaction=True)
def test_one_that_commits_is(request: pytest.FixtureRequest) -> None:
    assert is_marked(request)


def test_one_with_a_server_is(request: pytest.FixtureRequest, live_server: Any) -> None:
    assert is_marked(request)
