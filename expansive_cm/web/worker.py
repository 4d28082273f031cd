"""gunicorn's ASGI worker, with the bounds that it lacks when no proxy stands before it."""

import asyncio
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

HEAD_SECONDS = 20.0
"""So long a new connection may take to send its first request's headers."""
LINGER_SECONDS = 60.0
"""So long a connection that is over may take to read what was sent last."""


class Connection(ASGIProtocol):
    """One connection. One that says nothing, or takes nothing, does not stay."""

    def connection_made(self, transport: Any) -> None:
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        self.worker.connections.add(self)
        if self.worker.nr_conns > self.cfg.worker_connections:
            transport.abort()
            return
        self.worker.loop.call_later(HEAD_SECONDS, self._end_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.worker.connections.discard(self)
        super().connection_lost(exc)

    def _end_if_silent(self) -> None:
        if self.req_count <= 1 and self._awaiting_request and self.transport is not None:
            self.transport.abort()

    def end_if_idle(self) -> None:
        """Close a connection that is kept for a next request."""
        if self._awaiting_request:
            self._close_transport()

    def _close_transport(self) -> None:
        transport = self.transport
        super()._close_transport()
        if transport is not None:
            self.worker.loop.call_later(LINGER_SECONDS, transport.abort)


gasgi.ASGIProtocol = Connection  # the worker names its class nowhere else


class Worker(gasgi.ASGIWorker):
    """A process of the web server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: set[Connection] = set()

    async def _shutdown(self) -> None:
        """Stop at once where nobody waits for an answer."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(0)
        for connection in tuple(self.connections):
            connection.end_if_idle()
        await super()._shutdown()
