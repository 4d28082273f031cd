"""How the tests are shared among the workers: as xdist does it, which forgets what is done.

xdist counts after each test what a worker has left, through every test that it has ever been
given: with thousands of them that is most of what the process does which was started by hand.
It also fails where one worker ends while another, in the place of one before, has yet to begin.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling


class Sharing(LoadGroupScheduling):
    """Gives each worker the next tests, those of a group together."""

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Note that a test is done, and forget the group of which it was the last."""
        test = self.registered_collections[node][item_index]
        group = self._split_scope(test)
        given = self.assigned_work[node]
        given[group][test] = True
        if all(given[group].values()):
            del given[group]
        self._reschedule(node)

    def _reschedule(self, node: Any) -> None:
        """Give a worker more; one that still looks for its tests asks when it has found them."""
        if node in self.registered_collections:
            super()._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing | None:
    """Share them like this where groups stay together."""
    return Sharing(config, log) if config.getoption("dist") == "loadgroup" else None
