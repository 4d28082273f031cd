"""A bounded number of threads with a short queue before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Full(Exception):
    """Every thread is taken and the queue is full: come again in a moment."""


class Lane:
    """Threads for one kind of work. What waits, waits in the event loop and can be given up."""

    def __init__(self, name: str, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = asyncio.Semaphore(threads)
        self._most = threads + queue
        self._present = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits here."""
        return not self._present

    async def run(
        self, work: Callable[..., T], *args: Any, unclaimed: Callable[[T], None] | None = None
    ) -> T:
        """Do this in a thread, in turn.

        A caller who is cancelled while waiting gives up the turn. Work that has begun goes on to
        its end and keeps its thread until then; its result goes to ``unclaimed``.
        Raises: Full at once if too many wait.
        """
        if self._present >= self._most:
            raise Full
        self._present += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._present -= 1
            raise
        done = asyncio.get_running_loop().run_in_executor(self._executor, work, *args)
        done.add_done_callback(self._leave)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if unclaimed is not None:
                done.add_done_callback(lambda one: _hand_over(one, unclaimed))
            raise

    def _leave(self, done: "asyncio.Future[Any]") -> None:
        self._present -= 1
        self._free.release()
        if not done.cancelled():
            done.exception()  # a caller who has gone does not ask for it

    def shut(self) -> None:
        """Let the threads end once what runs has ended."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _hand_over(done: "asyncio.Future[T]", unclaimed: Callable[[T], None]) -> None:
    if not done.cancelled() and done.exception() is None:
        unclaimed(done.result())
