"""Which tests are hard to keep steady: those that wait for what others do at the same time.

They are marked as they are collected, by what they use, so that no list is kept by hand. Choose
them with `-m hard`; `make test-hard` runs them again and again on a busy machine.
"""

import pytest

BESIDE_IT = {"live_server", "browser", "transactional_db", "smtp_server"}
"""Fixtures with which something else works beside the test: a server, a browser, a worker."""
OF_ITS_OWN = {"threading", "subprocess", "at_once", "running_worker"}
"""What a file has imported that starts threads or processes by itself."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them before `-m` chooses."""
    for item in items:
        if is_hard(item):
            item.add_marker(pytest.mark.hard)


def is_hard(item: pytest.Item) -> bool:
    """Whether something else works at the same time as the test."""
    database = item.get_closest_marker("django_db")
    commits = bool(
        database and (database.kwargs.get("transaction") or database.args[:1] == (True,))
    )
    fixtures = set(getattr(item, "fixturenames", ()))
    module = vars(getattr(item, "module", object))
    return commits or bool(fixtures & BESIDE_IT) or bool(OF_ITS_OWN & module.keys())
