"""The tools for agents as a part of the web server: the SDK takes a second to import, so that the first agent waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.util import find_spec

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lunacy.errors import MissingExtra
from lunacy.query.service import Service
from lunacy.serve.own_lists import OwnLists

PATH = "/mcp"


class AgentEndpoint:
    """An ASGI application that serves the tools over `service` by streamable HTTP, from the first request on."""

    def __init__(self, service: Service, own: OwnLists | None = None) -> None:
        self._service = service
        self._own = own
        self._started: asyncio.Future[ASGIApp] | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def route(self) -> Route:
        """Where it stands. There is no GET: the server has nothing to say of its own accord."""
        return Route(PATH, endpoint=self, methods=["POST"])

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """To be entered in the lifespan of the application around it: at its end, nothing goes on."""
        yield
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises MissingExtra without the SDK, LunacyError where an index cannot be read."""
        if find_spec("mcp") is None:
            raise MissingExtra("the SDK of the Model Context Protocol", "mcp")
        if self._started is None or (self._started.done() and self._started.exception()):
            self._started = asyncio.get_running_loop().create_future()
            self._running = asyncio.create_task(self._run(self._started))
        app = await asyncio.shield(self._started)
        await app(scope, receive, send)

    async def _run(self, started: asyncio.Future[ASGIApp]) -> None:
        """In a task of its own, as it must end where it began."""
        try:
            http_app = await asyncio.to_thread(_imported)
            async with http_app(self._service, PATH, self._own) as app:
                started.set_result(app)
                await asyncio.Event().wait()  # until it is cancelled
        except Exception as error:
            if started.done():
                self._started = None  # the next request starts it anew
                raise
            started.set_exception(error)


def _imported() -> Callable[[Service, str, OwnLists | None], AbstractAsyncContextManager[ASGIApp]]:
    from lunacy.serve.agents.server import http_app

    return http_app
