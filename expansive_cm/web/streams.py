"""An answer that goes on for as long as somebody looks at a page."""

from collections.abc import AsyncGenerator, Callable

from django.http import StreamingHttpResponse

OFFERED = "expansive_cm.streams"
"""In the environment of a request whose server can hold such an answer open."""


class EventStream(StreamingHttpResponse):
    """Server-Sent Events: Django decides and answers, then the event loop sends what follows.

    ``events`` is called in the event loop, once, unless nobody waits any more. ``over`` is called
    once in any case, when the stream has ended or is not wanted.
    """

    def __init__(
        self, events: Callable[[], AsyncGenerator[bytes, None]], over: Callable[[], None]
    ) -> None:
        super().__init__((), content_type="text/event-stream")
        self.events = events
        self.over = over
        # Nobody on the way may keep it or hold it back.
        self["Cache-Control"] = "no-store, no-transform"
        self["X-Accel-Buffering"] = "no"
