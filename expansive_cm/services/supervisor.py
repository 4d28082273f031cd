"""Keeps the product's processes running and stops them in the right order.

Honcho, the usual choice, ends everything when one part ends, stops all parts at once and kills
what takes over five seconds: a worker would lose its task and PostgreSQL its clients. Here a
part that ends is started again, and the databases stop after everything that uses them, which
stops at once.
"""

import signal
import time
from collections.abc import Callable
from threading import Event

from expansive_cm.services.processes import Child, Registry, stop

RESTARTS_ALLOWED = 5
RESTART_WINDOW_SECONDS = 60
LOOK_EVERY_SECONDS = 0.5


class Supervisor:
    """Children in the order of their start."""

    def __init__(self, registry: Registry, say: Callable[[str, str], None]) -> None:
        self.registry = registry
        self.say = say
        self.children: list[Child] = []
        self.asked_to_stop = Event()
        self.hurried = False

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop; twice is urgent."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self.ask_to_stop())

    def ask_to_stop(self) -> None:
        """Let `watch` return. The second time, processes are no longer waited for."""
        self.hurried = self.asked_to_stop.is_set()
        self.asked_to_stop.set()

    def start(self, child: Child) -> Child:
        """Start one more child."""
        self.children.append(child)
        child.start(self.registry, self.say)
        return child

    def watch(self, others: list[Child]) -> bool:
        """Start again whatever ends, databases included, until somebody wants to stop.

        Returns False when a child could not be kept running.
        """
        while not self.asked_to_stop.wait(LOOK_EVERY_SECONDS):
            if not self.look_after(others):
                return False
        return True

    def look_after(self, others: list[Child]) -> bool:
        """Start again what has ended; False when that does not help any more."""
        for child in [*others, *self.children]:
            status = child.ended()
            if status is None:
                continue
            if self.too_often(child):
                self.say("run", f"{child.name} keeps ending (status {status}).")
                return False
            self.say("run", f"{child.name} ended (status {status}): starting it again.")
            child.start(self.registry, self.say)
        return True

    def too_often(self, child: Child) -> bool:
        """Whether starting it once more would only be a loop."""
        since = time.monotonic() - RESTART_WINDOW_SECONDS
        return sum(1 for start in child.starts if start > since) > RESTARTS_ALLOWED

    def stop(self, tell: Callable[[str], None]) -> None:
        """Stop the children, all at once: none of them uses another."""
        # One that could not be made, as on a full disk, has no process.
        living = [one for one in reversed(self.children) if one.process and one.ended() is None]
        for child in living:
            tell(child.name)
        stop(*(child.identity() for child in living), hurried=lambda: self.hurried)
        for child in living:
            child.stop()
        for child in self.children:
            child.release()
        self.children = []
