"""What takes away that at which a whole file looks comes last in its file, whatever the seed.

Otherwise the next test would have to start it again: the product takes seconds for that.
"""

from itertools import groupby

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put it there once pytest-randomly and pytest-django have ordered everything."""
    files = [list(tests) for _file, tests in groupby(items, lambda item: item.path)]
    items[:] = [item for tests in files for item in sorted(tests, key=is_the_end)]


def is_the_end(item: pytest.Item) -> bool:
    """Whether a test takes away what the others of its file look at."""
    return item.get_closest_marker("ends_it") is not None
