"""A connection that ends when its client stops sending or reading; uvicorn would keep it for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from lunacy.serve import bounds

_LOOK_S = 2  # between two looks at a connection


class Connection(H11Protocol):
    """Closed when a request does not come, or an answer is not read, for `HEADER_S` and `SEND_S` seconds.

    Of more than `CONNECTIONS` the one that has asked nothing for the longest time is closed, so that nobody can keep
    others out by asking nothing (uvicorn's limit refuses everybody then).
    How long a request is worked on, and its body awaited, is for the application to bound.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look at it from time to time."""
        super().connection_made(transport)
        self._n_unread = 0  # bytes of the answer that the client has not read
        self._since = self.loop.time()  # when there was progress last
        self._look: asyncio.TimerHandle | None = self.loop.call_later(_LOOK_S, self._look_at)
        if len(self.connections) > bounds.CONNECTIONS:
            idle = [one for one in self.connections if isinstance(one, Connection) and one._is_idle]
            min(idle, key=lambda one: one._since, default=self).transport.abort()  # who does nothing makes room

    @property
    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_idle(self) -> bool:
        return not (self._is_at_work or self.transport.is_closing())

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """That is progress."""
        self._since = self.loop.time()
        super().on_response_complete()

    def _look_at(self) -> None:
        now, n_unread = self.loop.time(), self.transport.get_write_buffer_size()
        if n_unread != self._n_unread or (self._is_at_work and not n_unread):
            self._n_unread, self._since = n_unread, now
        if now - self._since > (bounds.SEND_S if n_unread else bounds.HEADER_S):
            self.transport.abort()
        self._look = self.loop.call_later(_LOOK_S, self._look_at)


def settings() -> dict[str, Any]:
    """Those of `uvicorn.Config` for a server that tells nothing of itself, and lets nobody wait for ever."""
    return {
        "http": Connection,
        "ws": "none",
        "log_config": None,
        "log_level": "critical",  # what fails is logged by `Guard`
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "h11_max_incomplete_event_size": bounds.HEADER_BYTES,
        "timeout_graceful_shutdown": 0,  # what is asked is answered in a fraction of a second, or not at all
    }
