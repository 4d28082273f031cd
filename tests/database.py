"""The database of a test run: who prepares it, and who must let go of it in the end."""

from collections.abc import Iterator

import pytest

from tests.browser import end_streams


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let no listener hold the tests' database when it is dropped."""
    yield
    end_streams()
