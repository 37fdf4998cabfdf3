"""The page: each state is a URL, and HTML that the server makes."""

from __future__ import annotations

from asyncio import wrap_future
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from lunacy.query.service import Service
from lunacy.question import Question
from lunacy.serve.address import Address
from lunacy.serve.entry import read_entry
from lunacy.serve.html import render

Handler = Callable[[Request], Awaitable[Response]]


def page_routes(service: Service) -> list[BaseRoute]:
    """The routes of the page over `service`."""

    async def home(request: Request) -> Response:
        address = Address.of(request.query_params.multi_items())
        if typed := address.first("q"):
            entry = await read_entry(service, typed, address.first("index"))
            items = [*address.minus("q").items, *(("id", one) for one in entry.papers), ("text", entry.text)]
            return RedirectResponse(Address.of(items).url("/similar"), status_code=303)
        return HTMLResponse(render("home.html"))

    async def similar(request: Request) -> Response:
        address = Address.of(request.query_params.multi_items())
        question = Question(papers=address.all("id"), text=address.first("text"), together=True)
        answer = await wrap_future(service.ask(question, address.first("index")))
        return HTMLResponse(render("similar.html", answer=answer))

    return [Route("/", home), Route("/similar", similar)]
