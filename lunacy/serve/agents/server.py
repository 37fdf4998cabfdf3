"""The tools for agents by the Model Context Protocol, over standard input and output or HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import orjson
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.types import ASGIApp

from lunacy import __version__, render
from lunacy.answer import Info
from lunacy.errors import Busy, LunacyError, ModelError, NotAnId, StoreError, UnknownCategory, UnknownPaper
from lunacy.query.service import Service
from lunacy.serve import bounds
from lunacy.serve.agents.list_resources import add_list_resources
from lunacy.serve.agents.tools import Tools
from lunacy.serve.own_lists import OwnLists

_MOST_CATEGORIES = 6
_HELLO_S = 0.2  # in which a client's first message is answered: loading a model takes the interpreter from it
_READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_HINTS: dict[type[LunacyError], str] = {
    NotAnId: "look for it by its words with search_text",
    UnknownPaper: "leave it out, or give its title and abstract to search_text; index_info tells what the index holds",
    UnknownCategory: "index_info lists the largest categories",
    StoreError: "the index must be mended by whoever keeps it; tell the user",
    ModelError: "texts cannot be asked for now; similar_papers and get_paper still answer for ids",
}
_OF_LISTS = (
    " The user keeps reading lists, which index_info names: list:NAME stands for all papers of one, wherever an id may."
)
_CRASH = "lunacy failed, and its operator finds the reason on its standard error; ask for something else"


class AgentTool(Tool):
    """A tool that forgives what agents write, and whose errors say what to do next."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """The result, as JSON and as its text. Raises ToolError for all that can be foreseen, and what Tool raises."""
        arguments = {name: value for name, value in arguments.items() if value is not None}
        self._require_known(arguments)
        try:
            result = await super().run(arguments, context)
        except ToolError as error:
            raise _told(error) from error.__cause__
        if not convert_result:
            return result
        return CallToolResult(
            content=[TextContent(type="text", text=orjson.dumps(result).decode())], structured_content=result
        )

    def _require_known(self, arguments: Mapping[str, Any]) -> None:
        """Raises ToolError for a parameter that there is not: it would be passed over in silence."""
        known = list(self.parameters["properties"])
        for name in arguments:
            if name not in known:
                near = get_close_matches(name, known, 1)
                meant = f"; did you mean {near[0]}?" if near else f"; those that there are: {', '.join(known)}"
                raise ToolError(f"{self.name} has no parameter {name[:40]!r}{meant}")


def create_server(service: Service, own: OwnLists | None = None) -> MCPServer[None]:
    """A server of the tools, and of the resource `paper://ID`, over `service`.

    `own`: the reading lists that the agent may read and add to. Its lifespan starts to load the models. Raises
    LunacyError where an index cannot be read.
    """
    tools = Tools(service, own)
    functions: tuple[Callable[..., Awaitable[Any]], ...] = (
        tools.similar_papers,
        tools.search_text,
        tools.get_paper,
        tools.index_info,
    )

    @asynccontextmanager
    async def warmed(_server: MCPServer[None]) -> AsyncIterator[None]:
        asyncio.get_running_loop().call_later(_HELLO_S, service.warm)
        yield

    server: MCPServer[None] = MCPServer(
        "lunacy",
        title="lunacy: similar arXiv papers",
        version=__version__,
        instructions=_instructions(
            {name: service.info(name).result() for name in service.names}, has_lists=own is not None
        ),
        tools=[
            *(_tool(one, _READ_ONLY, takes_index=len(service.names) > 1) for one in functions),
            *([_tool(tools.add_to_list, _ADDS)] if own is not None else []),
        ],
        log_level="ERROR",
        lifespan=warmed,
        subscriptions=False,  # the lists of tools and resources never change
    )

    @server.resource("paper://{+id}", name="paper", description="A paper, by its arXiv id", mime_type="text/markdown")
    async def paper(id: str) -> str:  # noqa: A002 (as the template says it)
        try:
            found = await tools.paper(id)
        except (NotAnId, UnknownPaper) as error:
            raise ResourceNotFoundError(str(error)) from None
        except LunacyError as error:
            raise ResourceError(str(error)) from None
        return "".join(render.papers([found], "md"))

    if own is not None:
        add_list_resources(server, service, own)
    return server


def run_stdio(server: MCPServer[None]) -> None:
    """Answer on standard output what comes on standard input, until its end."""
    try:
        asyncio.run(server.run_stdio_async())
    except* BrokenPipeError:
        pass  # the client is gone


@asynccontextmanager
async def http_app(service: Service, path: str, own: OwnLists | None = None) -> AsyncIterator[ASGIApp]:
    """An application that answers at `path`, by streamable HTTP; it ends in the task in which it began.

    Without sessions, and each answer is one piece of JSON: any number of processes may stand behind one address. Who
    may ask (Host, Origin, token) is for the application around it to say. Raises as `create_server`.
    """
    server = await asyncio.to_thread(create_server, service, own)
    app = server.streamable_http_app(
        streamable_http_path=path,
        json_response=True,
        stateless_http=True,
        max_request_body_size=bounds.BODY_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    async with server.session_manager.run():
        yield app


def _tool(function: Callable[..., Awaitable[Any]], annotations: ToolAnnotations, *, takes_index: bool = False) -> Tool:
    """The tool, with schemas that say nothing twice."""
    tool = AgentTool.from_function(function, annotations=annotations)
    tool.parameters = _plain(tool.parameters)
    if not takes_index:
        tool.parameters["properties"].pop("index", None)
    tool.fn_metadata.output_schema = _of_answer(_plain(tool.fn_metadata.output_schema))
    return tool


def _plain(schema: Any, definitions: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """In one piece, without what pydantic makes of the names and docstrings of classes, and without empty defaults."""
    if isinstance(schema, list):
        return [_plain(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    schema = dict(schema)
    definitions = schema.pop("$defs", definitions)
    unsaid = {"title"} | ({"description"} if "properties" in schema else set())
    unsaid |= set() if schema.get("default") else {"default"}
    kept = {name: one for name, one in schema.items() if name not in unsaid or isinstance(one, dict)}
    return {name: _plain(one, definitions) for name, one in kept.items()}


def _of_answer(schema: Any, *, is_part: bool = False) -> Any:
    """The schema of an answer with the names and kinds of its parts alone: the rest is seen in the first answer."""
    if not isinstance(schema, dict):
        return schema
    unsaid = {"required", "additionalProperties"} | ({"items"} if schema.get("items") == {"type": "string"} else set())
    unsaid |= {"type"} if is_part and "properties" in schema else set()
    return {name: _of_answer(one, is_part=True) for name, one in schema.items() if name not in unsaid}


def _told(error: ToolError) -> ToolError:
    """The error in words that an agent can act on."""
    cause = error.__cause__
    if isinstance(cause, LunacyError):
        said = " ".join(str(cause).split())
        hint = next((hint for kind, hint in _HINTS.items() if isinstance(cause, kind)), "")
        if isinstance(cause, Busy) and "ask again" not in said:
            hint = f"ask again in {cause.retry_after_s} seconds"
        return ToolError(f"{said}{' ' if said.endswith('?') else '; '}{hint}" if hint else said)
    if isinstance(cause, ValidationError):
        return ToolError("; ".join(map(_fault, cause.errors())))
    return UnexpectedToolError(_CRASH)


def _fault(fault: ErrorDetails) -> str:
    """What is wrong with one parameter, as pydantic found it, and what is right."""
    where, kind, given = ".".join(map(str, fault["loc"])), fault["type"], fault["input"]
    limits = fault.get("ctx", {})
    if kind == "missing":
        return f"{where} is missing"
    if kind.endswith(("too_long", "too_short")):
        unit = "characters" if isinstance(given, str) else "values"
        wanted = f"at most {limits['max_length']:,}" if kind.endswith("long") else "at least 1"
        return f"{where} has {len(given):,} {unit}; give {wanted}" if given else f"{where} is empty; give {wanted}"
    if kind in ("less_than_equal", "greater_than_equal"):
        wanted = f"at most {limits['le']}" if kind.startswith("less") else f"at least {limits['ge']}"
        return f"{where} is {given}; ask for {wanted}"
    return f"{where} is {given!r:.40}; {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _instructions(indexes: Mapping[str, Info], *, has_lists: bool) -> str:
    """What an agent should know before the first call."""
    held = "; ".join(_held(name, info, is_named=len(indexes) > 1) for name, info in indexes.items())
    if len(indexes) > 1:
        held += " (choose by the parameter index; the first is the default)"
    return (
        f"Finds arXiv papers by similarity of title and abstract. It holds {held}, and nothing else: no full texts, "
        "no citations, no other publishers. To find what to read beside some papers, give all of them to "
        "similar_papers in one call. For a topic or a draft, use search_text. To judge the hits, ask with "
        "abstracts=true, or give up to 20 ids to get_paper. The score is a cosine." + (_OF_LISTS if has_lists else "")
    )


def _held(name: str, info: Info, *, is_named: bool) -> str:
    summary = info.summary
    named = f"in {name} " if is_named else ""
    main = ", ".join(name for name, _n in summary.largest[:_MOST_CATEGORIES])
    dates = f"posted {summary.first_posted[:7] or '?'} to {summary.last_posted[:7] or '?'}"
    return f"{named}{summary.n_papers:,} papers {dates}, mainly {main or '?'}"
