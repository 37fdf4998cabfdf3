"""The page: every state is a URL, and HTML that the server makes."""

from __future__ import annotations

from asyncio import gather, to_thread

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lunacy.paper import Paper
from lunacy.serve.page.address import Address, root_of
from lunacy.serve.page.download import download, suffix_of
from lunacy.serve.page.html import render
from lunacy.serve.page.list_pages import ListPages
from lunacy.serve.page.page_maker import PageMaker, known, to
from lunacy.serve.page.results import results_of
from lunacy.unicode import to_unicode

# Papers that many know, of which the first page shows some that the index has.
_EXAMPLES = "1706.03762 1602.03837 hep-th/9711200 1207.7214 1008.2026 1506.04901 1802.05130 hep-th/9108006".split()
_N_EXAMPLES = 3


def page_routes(maker: PageMaker) -> list[BaseRoute]:
    """The routes of the page, but for the map."""
    pages, lists = _Pages(maker), ListPages(maker)
    change = [Route(path, lists.change, methods=["POST"]) for path in ("/similar", "/list")] if maker.own else []
    return [
        Route("/", pages.home),
        Route("/similar", pages.similar),
        Route("/similar.{suffix}", pages.similar_file),
        Route("/paper/{id:path}", pages.paper),
        Route("/abs/{id:path}", pages.paper),
        Route("/list", lists.page),
        Route("/list.{suffix}", lists.file),
        *([Route("/list/{name:path}", lists.by_name)] if maker.own else []),
        Route("/opensearch.xml", pages.opensearch),
        *change,
    ]


class _Pages:
    """A handler for each page but those of lists."""

    def __init__(self, maker: PageMaker) -> None:
        self._maker = maker

    async def home(self, request: Request) -> Response:
        address = self._maker.address(request)
        if address.first("q"):
            return await self._maker.to_typed(request, address, "/similar")
        found = await self._maker.papers(_EXAMPLES, address.first("index"))
        examples = [paper for paper in found.values() if isinstance(paper, Paper)][:_N_EXAMPLES]
        return await self._maker.page(request, "home.html", address, examples=examples)

    async def similar(self, request: Request) -> Response:
        address, root = self._maker.address(request), root_of(request)
        if not (address.all("id") or address.first("text")):
            return to(address.url(f"{root}/"))
        if address.items != tuple(request.query_params.multi_items()):
            return to(address.url(f"{root}/similar"))
        answer, info = await gather(self._maker.answer(address), self._maker.info(address))
        unlike = await self._maker.papers(address.all("not"), address.first("index"))
        titles = {paper.id: to_unicode(paper.title) for paper in [*answer.papers, *known(unlike)]}
        results = results_of(answer, address, root, info=info, titles=titles)
        shown = [*(paper.id for paper in results.papers), *(hit.id for hit in answer)]
        on_map = self._maker.map_url(request, address)
        return await self._maker.page(
            request, "similar.html", address, shown=shown, answer=answer, results=results, on_map=on_map
        )

    async def similar_file(self, request: Request) -> Response:
        suffix, address = suffix_of(request), self._maker.address(request)
        return await to_thread(download, await self._maker.answer(address), suffix)

    async def paper(self, request: Request) -> Response:
        address = Address.of([("id", request.path_params["id"]), *request.query_params.multi_items()])
        return to(address.url(f"{root_of(request)}/similar"))

    async def opensearch(self, request: Request) -> Response:
        text = render("opensearch.xml", base=f"{request.url.scheme}://{request.url.netloc}{root_of(request)}")
        return Response(text, media_type="application/opensearchdescription+xml")
