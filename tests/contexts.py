"""Contexts of the browser, which tests use one after another.

A page in a context of its own costs the browser 0.45 s of processor time: a process is begun for
it, which knows no style, script or font yet. The next page in one that has shown the product
before costs 0.13 s. So a test's contexts are tidied up and lent again; what cannot be taken back
(a clock, a script for every page) ends a context with its test.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

LASTING = {
    "page": "add_init_script add_locator_handler expose_binding expose_function once "
    "route_from_har route_web_socket set_default_navigation_timeout set_default_timeout "
    "set_extra_http_headers",
    "context": "add_init_script expose_binding expose_function grant_permissions once "
    "route_from_har route_web_socket set_default_navigation_timeout set_default_timeout "
    "set_extra_http_headers set_geolocation set_offline",
    "clock": "fast_forward install pause_at resume run_for set_fixed_time set_system_time",
}
"""What a test may do to a context that the next test would notice."""
EMPTY = "/healthz"
"""A page of the product's origin without script: another origin would be another process."""


class Contexts:
    """The contexts of one browser that wait for the next test.

    ``open_one`` makes another, with scripts or without them.
    """

    def __init__(self, open_one: Callable[[bool], Any]) -> None:
        self._open_one = open_one
        self._waiting: dict[bool, list[Any]] = {True: [], False: []}
        self._scripts: dict[Any, bool] = {}
        self._spoilt: set[Any] = set()
        self._listening: dict[Any, list[tuple[Any, str, Any]]] = {}

    def lend(
        self, width: int, height: int, follow: Callable[[Any], None], *, scripts: bool = True
    ) -> Any:
        """Return a context with one page of this size, as if new, after ``follow`` has seen it."""
        waiting = self._waiting[scripts]
        context = waiting.pop() if waiting else self._open_one(scripts)
        self._scripts[context] = scripts
        [page] = context.pages
        page.set_viewport_size({"width": width, "height": height})
        follow(context)
        for one in (page, context):
            one.on = self._noting(context, one)
        for kind, one in _watched(context, page):
            for name in LASTING[kind].split():
                setattr(one, name, self._spoiling(context, getattr(one, name)))
        return context

    def take_back(self, context: Any) -> None:
        """Tidy up after a test, for the next; or end what cannot be tidied up."""
        from playwright.sync_api import Error

        scripts = self._scripts.pop(context)
        for one, event, heard in self._listening.pop(context, []):
            one.remove_listener(event, heard)
        if context in self._spoilt or not context.pages:
            self._spoilt.discard(context)
            context.close()
            return
        try:
            _tidy(context)
        except Error:  # its server or its process is gone
            context.close()
        else:
            self._waiting[scripts].append(context)

    def close(self) -> None:
        """End those that wait."""
        for waiting in self._waiting.values():
            while waiting:
                waiting.pop().close()

    def _noting(self, context: Any, one: Any) -> Callable[[str, Any], None]:
        listen = one.on

        def note(event: str, heard: Any) -> None:
            self._listening.setdefault(context, []).append((one, event, heard))
            listen(event, heard)

        return note

    def _spoiling(self, context: Any, act: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(act)
        def spoil(*given: Any, **named: Any) -> Any:
            self._spoilt.add(context)
            return act(*given, **named)

        return spoil


def _watched(context: Any, page: Any) -> Iterator[tuple[str, Any]]:
    yield from (("page", page), ("context", context), ("clock", page.clock))


def _tidy(context: Any) -> None:
    """Leave one page without a trace of what it showed, in its process."""
    page, *others = context.pages
    for kind, one in _watched(context, page):
        for name in LASTING[kind].split():
            delattr(one, name)
    del page.on, context.on
    for one in others:
        one.close()
    page.unroute_all(behavior="ignoreErrors")
    context.unroute_all(behavior="ignoreErrors")
    context.clear_cookies()
    page.goto(EMPTY)
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    page.emulate_media(
        media="null",
        color_scheme="light",
        reduced_motion="no-preference",
        forced_colors="none",
        contrast="no-preference",
    )
    page.mouse.move(-1, -1)
    session = context.new_cdp_session(page)
    session.send("Page.resetNavigationHistory")
    session.detach()
