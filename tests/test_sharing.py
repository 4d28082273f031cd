"""How the tests are shared among the workers, also when workers end before their time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.sharing import Sharing, modules_of

TESTS = [f"test_it.py::test_{number}" for number in range(8)]


class Worker:
    """A worker as the scheduler knows it: it runs what it is sent when it is told to."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[int] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.sent += numbers

    def shutdown(self) -> None:
        self.shutting_down = True


def ready(sharing: Sharing, worker: Any) -> None:
    """The worker has found its tests."""
    sharing.add_node_collection(worker, TESTS)
    if sharing.collection_is_completed:
        sharing.schedule()


def test_a_test_that_ends_each_worker_leaves_none_of_the_others_out() -> None:
    options = SimpleNamespace(loadscopereorder=True)
    config: Any = SimpleNamespace(option=options, getvalue=lambda _name: ["popen", "popen"])
    sharing: Any = Sharing(config)
    first, second, third = Worker("gw0"), Worker("gw1"), Worker("gw2")
    for worker in (first, second):
        sharing.add_node(worker)
    for worker in (first, second):
        ready(sharing, worker)
    done = []
    for worker in (first, second):
        number = worker.sent.pop(0)
        sharing.mark_test_complete(worker, number)
        done.append(number)

    ended = [sharing.remove_node(first)]
    sharing.add_node(third)
    ended.append(sharing.remove_node(second))
    ready(sharing, third)
    for number in third.sent:
        sharing.mark_test_complete(third, number)

    assert all(ended)
    assert sorted([*done, *third.sent]) == list(range(len(TESTS)))


def test_the_files_that_were_asked_for_are_known_as_modules() -> None:
    asked = ["tests/audit", "tests/test_sharing.py::test_it", "tests/nowhere.py"]
    root = Path(__file__).resolve().parents[1]
    where = SimpleNamespace(dir=root)
    config: Any = SimpleNamespace(args=asked, invocation_params=where, rootpath=root)
    found = list(modules_of(config))
    assert found == [*sorted(found[:-1]), "tests.test_sharing"]
    assert "tests.audit.test_history" in found
    config.args = ["tests"]
    assert {*found, "tests.crb.test_pages"} < set(modules_of(config))
