"""The user's reading lists as resources: their names, the papers of each, and what is new for it."""

from __future__ import annotations

from asyncio import wrap_future
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import ResourceSecurity

from lunacy import render
from lunacy.errors import LunacyError, UsageError
from lunacy.query.reading_lists import papers_of
from lunacy.query.service import Service
from lunacy.serve.own_lists import OwnLists

_ANY_NAME = ResourceSecurity(exempt_params={"name"})  # no path: it is looked up among the names that there are


def add_list_resources(server: MCPServer[None], service: Service, own: OwnLists) -> None:
    """Add `lunacy://lists`, `lunacy://lists/NAME` and `lunacy://new/NAME`, over the first index of `service`."""

    @server.resource("lunacy://lists", name="lists", description="The user's reading lists", mime_type="text/markdown")
    async def lists() -> str:
        async with _told():
            rows = [f"- {_link(one.name)}: {len(one.ids):,}\n" for one in own.read().values()]
            return "".join(rows) or "There are none.\n"

    @server.resource(
        "lunacy://lists/{+name}",
        name="list",
        description="A reading list, by its name",
        mime_type="text/markdown",
        security=_ANY_NAME,
    )
    async def papers(name: str) -> str:
        async with _told():
            listed = own.require(name)
            found, _lacking = await wrap_future(service.call(lambda ix: papers_of(ix, listed)))
            notes = {one.id: one.note for one in listed.entries}
            return "".join(render.paper_list(found, "md", notes))

    @server.resource(
        "lunacy://new/{+name}",
        name="new",
        description="New papers that matter for a reading list, since the user's last digest",
        mime_type="text/markdown",
        security=_ANY_NAME,
    )
    async def new(name: str) -> str:
        async with _told():
            digest = await own.digest(service, name)
            return "".join(render.digests([digest], "md"))


def _link(name: str) -> str:
    """The name, and where the list is."""
    return f"{render.harmless(name)} (lunacy://lists/{quote(name)})"


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Errors in the words of the protocol."""
    try:
        yield
    except UsageError as error:
        raise ResourceNotFoundError(str(error)) from None
    except LunacyError as error:
        raise ResourceError(str(error)) from None
