"""Contexts of the browser, which tests use one after another.

A page in a context of its own costs the browser 0.45 s of processor time: a process is begun for
it, which knows no style, script or font yet. The next page in one that has shown the product
before costs 0.13 s. So a test's contexts are tidied up and lent again; what cannot be taken back
(a clock) ends a context with its test.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NamedTuple

LASTING = {
    "page": "add_locator_handler expose_binding expose_function once "
    "route_from_har route_web_socket set_default_navigation_timeout set_default_timeout "
    "set_extra_http_headers",
    "context": "expose_binding expose_function grant_permissions once "
    "route_from_har route_web_socket set_default_navigation_timeout set_default_timeout "
    "set_extra_http_headers set_geolocation",
    "clock": "fast_forward install pause_at resume run_for set_fixed_time set_system_time",
}
"""What a test may do to a context that the next test would notice."""


def _listen_no_longer(one: Any, _came: None, event: str, heard: Any) -> None:
    one.remove_listener(event, heard)


def _take_script_away(_one: Any, script: Any, *_given: Any, **_named: Any) -> None:
    script.close()


def _go_online(context: Any, *_given: Any) -> None:
    context.set_offline(False)


UNDONE: dict[str, dict[str, Callable[..., None]]] = {
    "page": {"on": _listen_no_longer, "add_init_script": _take_script_away},
    "context": {
        "on": _listen_no_longer,
        "add_init_script": _take_script_away,
        "set_offline": _go_online,
    },
}
"""What a test may do to a context that is taken back after it, and how."""
EMPTY = "/healthz"
"""A page of the product's origin without script: another origin would be another process."""


class Kind(NamedTuple):
    """What a context is, as long as it lasts: with scripts, and acted on once they are there."""

    scripts: bool = True
    whole: bool = True


class Contexts:
    """The contexts of one browser that wait for the next test; ``open_one`` makes another."""

    def __init__(self, open_one: Callable[[Kind], Any]) -> None:
        self._open_one = open_one
        self._waiting: dict[Kind, list[Any]] = defaultdict(list)
        self._kinds: dict[Any, Kind] = {}
        self._spoilt: set[Any] = set()
        self._to_undo: dict[Any, list[Callable[[], Any]]] = {}

    def lend(self, width: int, height: int, follow: Callable[[Any], None], kind: Kind) -> Any:
        """Return a context with one page of this size, as if new, after ``follow`` has seen it."""
        waiting = self._waiting[kind]
        context = waiting.pop() if waiting else self._open_one(kind)
        self._kinds[context] = kind
        self._to_undo[context] = []
        [page] = context.pages
        page.set_viewport_size({"width": width, "height": height})
        follow(context)
        for name, one in _watched(context, page):
            for act in LASTING[name].split():
                setattr(one, act, self._spoiling(context, getattr(one, act)))
            for act, undo in UNDONE.get(name, {}).items():
                setattr(one, act, self._noting(context, one, getattr(one, act), undo))
        return context

    def take_back(self, context: Any) -> None:
        """Tidy up after a test, for the next; or end what cannot be tidied up."""
        from playwright.sync_api import Error

        kind, to_undo = self._kinds.pop(context), self._to_undo.pop(context)
        if context in self._spoilt or not context.pages:
            self._spoilt.discard(context)
            context.close()
            return
        try:
            _tidy(context, to_undo)
        except Error:  # its server or its process is gone
            context.close()
        else:
            self._waiting[kind].append(context)

    def close(self) -> None:
        """End those that wait."""
        for waiting in self._waiting.values():
            while waiting:
                waiting.pop().close()

    def _noting(
        self, context: Any, one: Any, act: Callable[..., Any], undo: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Return ``act`` such that ``undo`` gets what it gave back, and what it was given."""

        @wraps(act)
        def do(*given: Any, **named: Any) -> Any:
            came = act(*given, **named)
            self._to_undo[context].append(lambda: undo(one, came, *given, **named))
            return came

        return do

    def _spoiling(self, context: Any, act: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(act)
        def spoil(*given: Any, **named: Any) -> Any:
            self._spoilt.add(context)
            return act(*given, **named)

        return spoil


def _watched(context: Any, page: Any) -> Iterator[tuple[str, Any]]:
    yield from (("page", page), ("context", context), ("clock", page.clock))


def _tidy(context: Any, to_undo: list[Callable[[], Any]]) -> None:
    """Leave one page without a trace of what it showed, in its process."""
    page, *others = context.pages
    for kind, one in _watched(context, page):
        for name in [*LASTING[kind].split(), *UNDONE.get(kind, {})]:
            delattr(one, name)
    for undo in to_undo:
        undo()
    for one in others:
        one.close()
    page.unroute_all(behavior="ignoreErrors")
    context.unroute_all(behavior="ignoreErrors")
    context.clear_cookies()
    page.goto(EMPTY, wait_until="commit")
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
