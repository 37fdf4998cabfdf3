"""The page: every state is a URL, and HTML that the server makes."""

from __future__ import annotations

from asyncio import gather, to_thread
from collections.abc import Sequence

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from lunacy.answer import Answer, Info
from lunacy.errors import LunacyError, UsageError
from lunacy.paper import Paper
from lunacy.query.service import Service
from lunacy.serve import bounds
from lunacy.serve.page.address import Address, root_of
from lunacy.serve.page.download import download
from lunacy.serve.page.form import form_of
from lunacy.serve.page.html import render
from lunacy.serve.page.results import EXPORTS, results_of
from lunacy.serve.page.typed import read_typed
from lunacy.serve.parameters import question_of
from lunacy.serve.waiting import in_time
from lunacy.unicode import to_unicode

# Papers that many know, of which the first page shows some that the index has.
_EXAMPLES = "1706.03762 1602.03837 hep-th/9711200 1207.7214 1008.2026 1506.04901 1802.05130 hep-th/9108006".split()
_N_EXAMPLES = 3
_MANY = 50  # papers; to show them takes so long that others would wait for it


def page_routes(service: Service) -> list[BaseRoute]:
    """The routes of the page over `service`."""
    pages = _Pages(service)
    return [
        Route("/", pages.home),
        Route("/similar", pages.similar),
        Route("/similar.{suffix}", pages.similar_file),
        Route("/paper/{id:path}", pages.paper),
        Route("/abs/{id:path}", pages.paper),
        Route("/list", pages.reading_list),
        Route("/list.{suffix}", pages.list_file),
        Route("/opensearch.xml", pages.opensearch),
    ]


class _Pages:
    """A handler for each page of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def home(self, request: Request) -> Response:
        address = self._address(request)
        if address.first("q"):
            return await self._read(request, address, "/similar")
        index = address.first("index")
        found = await self._papers(_EXAMPLES, index)
        examples = [paper for paper in found.values() if isinstance(paper, Paper)][:_N_EXAMPLES]
        return await self._page(request, "home.html", address, examples=examples)

    def _address(self, request: Request) -> Address:
        """What is asked; the first index need not be named."""
        return Address.of(request.query_params.multi_items()).minus("index", self._service.names[0])

    async def _read(self, request: Request, address: Address, path: str) -> Response:
        """To the URL of what was typed."""
        typed = await read_typed(self._service, address.first("q"), address.first("index"))
        items = [*address.minus("q").items, *(("id", one) for one in typed.papers), ("text", typed.text)]
        return _to(Address.of(items).url(f"{root_of(request)}{path}"))

    async def similar(self, request: Request) -> Response:
        address = self._address(request)
        if not (address.all("id") or address.first("text")):
            return _to(address.url(f"{root_of(request)}/"))
        if address.items != tuple(request.query_params.multi_items()):
            return _to(address.url(f"{root_of(request)}/similar"))
        answer, info = await gather(self._answer(address), self._info(address))
        unlike = await self._papers(address.all("not"), address.first("index"))
        titles = {paper.id: to_unicode(paper.title) for paper in [*answer.papers, *_known(unlike)]}
        results = results_of(answer, address, root_of(request), info=info, titles=titles)
        values = {"answer": answer, "results": results}
        return await self._page(request, "similar.html", address, n_papers=len(answer) + len(answer.papers), **values)

    async def similar_file(self, request: Request) -> Response:
        suffix, address = _suffix(request), self._address(request)
        return await to_thread(download, await self._answer(address), suffix)

    async def paper(self, request: Request) -> Response:
        address = Address.of([("id", request.path_params["id"]), *request.query_params.multi_items()])
        return _to(address.url(f"{root_of(request)}/similar"))

    async def reading_list(self, request: Request) -> Response:
        address = self._address(request)
        if address.first("q"):
            return await self._read(request, address, "/list")
        found = await self._papers(_bounded(address.all("id")), address.first("index"))
        root = root_of(request)
        ids = Address.of([*(("id", paper.id) for paper in _known(found)), ("index", address.first("index"))])
        exports = [(name, ids.url(f"{root}/list.{suffix}")) for suffix, name in EXPORTS.items()]
        listed = [(one, paper, address.minus("id", one).url(f"{root}/list")) for one, paper in found.items()]
        return await self._page(
            request,
            "list.html",
            address,
            listed=listed,
            n_papers=len(_known(found)),
            exports=exports,
            similar_url=ids.url(f"{root}/similar"),
        )

    async def list_file(self, request: Request) -> Response:
        suffix, address = _suffix(request), self._address(request)
        found = await self._papers(_bounded(address.all("id")), address.first("index"))
        return await to_thread(download, _known(found), suffix)

    async def opensearch(self, request: Request) -> Response:
        text = render("opensearch.xml", base=f"{request.url.scheme}://{request.url.netloc}{root_of(request)}")
        return Response(text, media_type="application/opensearchdescription+xml")

    async def _page(
        self, request: Request, template: str, address: Address, *, n_papers: int = 0, **values: object
    ) -> Response:
        info = await self._info(address)
        form = form_of(address, self._service.names, info)
        values |= {"root": root_of(request), "form": form, "info": info, "n_papers": n_papers}
        return HTMLResponse(
            await to_thread(render, template, **values) if n_papers > _MANY else render(template, **values)
        )

    async def _answer(self, address: Address) -> Answer:
        default_rank = self._service.best_ranking(address.first("index"))
        asked = question_of(QueryParams(list(address.items)), default_rank=default_rank)
        return await in_time(self._service.ask(asked.question, asked.index))

    async def _info(self, address: Address) -> Info | None:
        """None where the index cannot be read: a page that says so needs no figures."""
        try:
            return await in_time(self._service.info(address.first("index")))
        except LunacyError:
            return None

    async def _papers(self, ids: Sequence[str], index: str) -> dict[str, Paper | LunacyError]:
        """The paper of each of `ids`; where the index lacks it, the error that says so."""
        if not ids:
            return {}
        found = await in_time(self._service.papers(ids, index))
        return dict(zip(ids, found, strict=True))


def _to(url: str) -> Response:
    return RedirectResponse(url, status_code=303)


def _suffix(request: Request) -> str:
    suffix = str(request.path_params["suffix"])
    if suffix not in EXPORTS:
        raise HTTPException(404)
    return suffix


def _bounded(ids: list[str]) -> list[str]:
    if len(ids) > bounds.IDS:
        raise UsageError(f"id has {len(ids):,} values; a list holds at most {bounds.IDS}")
    return ids


def _known(found: dict[str, Paper | LunacyError]) -> list[Paper]:
    return [one for one in found.values() if isinstance(one, Paper)]
