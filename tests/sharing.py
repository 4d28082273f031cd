"""How the tests are shared among the workers: as xdist does it, which forgets what is done.

xdist counts after each test what a worker has left, through every test that it has ever been
given: with thousands of them that is most of what the process does which was started by hand.
It also fails where one worker ends while another, in the place of one before, has yet to begin.
"""

import importlib
from collections.abc import Iterator
from contextlib import suppress
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


# --- Who prepares which files -----------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Let every second worker begin with the last file.

    In a fresh clone pytest writes each test file anew, so that what is asserted explains itself,
    and keeps that beside it: so each worker does it for half of them, and reads the other half.
    """
    worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
    if int(worker.removeprefix("gw")) % 2:
        for module in reversed(list(modules_of(session.config))):
            # What cannot be imported, or skips itself, says so when its turn comes.
            with suppress(Exception, pytest.skip.Exception):
                importlib.import_module(module)


def modules_of(config: pytest.Config) -> Iterator[str]:
    """Give the names of the modules with the tests that were asked for, in order."""
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        for file in sorted(path.rglob("test_*.py")) if path.is_dir() else [path]:
            if file.is_file() and file.is_relative_to(config.rootpath):
                yield ".".join(file.relative_to(config.rootpath).with_suffix("").parts)
