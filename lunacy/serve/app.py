"""The whole server: routes, and what stands before them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from lunacy.errors import LunacyError
from lunacy.serve.agents.endpoint import AgentEndpoint
from lunacy.serve.api.routes import api_routes
from lunacy.serve.errors import Refused, told
from lunacy.serve.map.routes import map_routes
from lunacy.serve.own_lists import OwnLists
from lunacy.serve.page.page_maker import PageMaker
from lunacy.serve.page.pages import page_routes
from lunacy.serve.security import Guard

if TYPE_CHECKING:
    from lunacy.query.service import Service

_STATIC = Path(__file__).parent / "page" / "static"


def create_app(
    service: Service, *, allowed_hosts: Sequence[str] = (), token: str = "", lists: Path | None = None
) -> Starlette:
    """The server for the indexes of `service`.

    `allowed_hosts`: names in the header Host, beside those of loopback. `token`: asked of everybody, unless "".
    `lists`: the file of the reading lists that whoever asks may see and change; None where others may ask.
    """
    own = OwnLists(lists) if lists is not None else None
    agents = AgentEndpoint(service, own)
    maker = PageMaker(service, own)
    static = Mount("/static", StaticFiles(directory=_STATIC), name="static")
    routes: list[BaseRoute] = [*api_routes(service), *page_routes(maker), *map_routes(maker), agents.route, static]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, allowed_hosts=allowed_hosts, token=token, is_own=own is not None)],
        exception_handlers=dict.fromkeys((LunacyError, Refused, HTTPException), _told),
        lifespan=lambda _app: agents.stopped(),
    )
    app.router.redirect_slashes = False
    return app


async def _told(request: Request, error: Exception) -> Response:
    return told(request, error)
