"""The page of the map, and what its script asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lunacy.advice import command
from lunacy.derived.placing import NEAREST
from lunacy.draw.tile import DEEPEST
from lunacy.errors import Busy, ModelError, UsageError
from lunacy.paper import Paper
from lunacy.query import Index
from lunacy.query.map_papers import Placed, in_box, nearest, placed, stands_at
from lunacy.query.map_view import MapReader, MapView
from lunacy.query.reading_lists import papers_of
from lunacy.question import Question
from lunacy.search import LastCommit, Searcher
from lunacy.serve import bounds
from lunacy.serve.api.json_response import json_response
from lunacy.serve.errors import Refused
from lunacy.serve.freshness import is_known, not_modified, version
from lunacy.serve.map import asked
from lunacy.serve.map.facts import outline
from lunacy.serve.map.records import card_record, map_record, placed_record
from lunacy.serve.map.tiles import Tile, Tiles
from lunacy.serve.own_lists import OwnLists
from lunacy.serve.page.address import Address, root_of
from lunacy.serve.page.page_maker import PageMaker
from lunacy.serve.page.typed import read_typed
from lunacy.serve.waiting import in_time

T = TypeVar("T")
_FOR_EVER = "private, max-age=31536000, immutable"


def map_routes(maker: PageMaker) -> list[BaseRoute]:
    """The routes of the map over the service of `maker`."""
    pages = _MapPages(maker)
    return [
        Route("/map", pages.page),
        Route("/map/facts", pages.facts),
        Route("/map/tile/{edition}/{zoom:int}/{x:int}/{y:int}.png", pages.tile),
        Route("/map/near", pages.near),
        Route("/map/papers", pages.papers),
        Route("/map/card", pages.card),
        Route("/map/find", pages.find),
        Route("/map/marks", pages.marks),
    ]


class _MapPages:
    """A handler for each route."""

    def __init__(self, maker: PageMaker) -> None:
        self._maker = maker
        self._service = maker.service
        self._readers = {name: MapReader() for name in maker.service.names}
        self._found: dict[str, tuple[LastCommit, MapView]] = {}
        self._tiles = Tiles()

    async def page(self, request: Request) -> Response:
        """The page; what it is asked beside the index is marked on the map by its script."""
        address, root = self._maker.address(request), root_of(request)
        marked, at = address.minus("at"), address.first("at")
        found = await self._map(address.first("index"))
        return await self._maker.page(
            request,
            "map.html",
            address,
            n_mapped=len(found),
            regions=outline(found.map.regions),
            at=at,
            marks_url=marked.url(f"{root}/map/marks") if marked.minus("index").items else "",
        )

    async def facts(self, request: Request) -> Response:
        """What the script has to know of the map."""
        found = await self._map(_index(request))
        edition = _edition(found)
        tag = f'W/"map-{edition}"'
        if is_known(request, tag):
            return not_modified(tag)
        return json_response(map_record(found, edition), headers={"ETag": tag})

    async def tile(self, request: Request) -> Response:
        """A picture, which stays the same for ever: its edition is part of its address."""
        found = await self._map(_index(request))
        edition, zoom, x, y = (request.path_params[name] for name in ("edition", "zoom", "x", "y"))
        if not (zoom <= DEEPEST and x < 2**zoom and y < 2**zoom):
            raise Refused(404, "NoTile", f"the map has no tile {zoom}/{x}/{y}", f"it has zooms from 0 to {DEEPEST}")
        (colour, ground), months = asked.look(request), asked.months(request)
        if edition != _edition(found):
            raise Refused(404, "OtherMap", "the map has changed since", "load the page again")
        wanted = Tile(edition, zoom, x, y, colour, ground, months)
        span = f"-{months.first}-{months.last}" if months else ""
        headers = {"ETag": f'"{edition}-{zoom}-{x}-{y}-{colour}-{ground}{span}"', "Cache-Control": _FOR_EVER}
        if is_known(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(await self._tiles.draw(found, wanted), headers=headers, media_type="image/png")

    async def near(self, request: Request) -> Response:
        """The paper under the pointer."""
        x, y, radius = (asked.number(request, name) for name in ("x", "y", "radius"))
        months = asked.months(request)
        found = await self._read(request, lambda view, map_: nearest(view, map_, x, y, min(radius, 0.1), months))
        return json_response({"paper": placed_record(found) if found else None})

    async def papers(self, request: Request) -> Response:
        """The papers of a rectangle, or how many they are."""
        box, months = asked.box(request), asked.months(request)
        found = await self._read(request, lambda view, map_: in_box(view, map_, box, months, most=bounds.MAPPED))
        return json_response({"n": found.n, "papers": [placed_record(one) for one in found.papers]})

    async def card(self, request: Request) -> Response:
        """What is told of one paper, and the papers most similar to it."""
        index, identifier = _index(request), request.query_params.get("id", "")
        paper = await in_time(self._service.paper(identifier, index))
        asked_for = Address.of([("id", paper.id), ("index", index), ("top", str(bounds.FOUND))])
        answer = await self._maker.answer(asked_for)
        others = [hit.paper for hit in answer.hits]
        here, near = await self._read(
            request, lambda view, map_: (_where(view, map_, paper), placed(view, map_, others))
        )
        return json_response(card_record(paper, here, near, root_of(request), index))

    async def find(self, request: Request) -> Response:
        """The papers that may be meant by what was typed: by id, link or title, else by words."""
        index, query = _index(request), request.query_params.get("q", "")
        if not query.strip() or len(query) > bounds.NAME:
            raise UsageError(f"q has {len(query):,} characters; give from 1 to {bounds.NAME}")
        typed = await read_typed(self._service, query, index)
        found = await in_time(self._service.papers(typed.papers, index)) if typed.papers else []
        papers = [one for one in found if isinstance(one, Paper)][: bounds.FOUND]
        if not papers:
            papers = await self._by_words(query, index)
        there = await self._read(request, lambda view, map_: placed(view, map_, papers))
        return json_response({"papers": [placed_record(one) for one in there]})

    async def _by_words(self, query: str, index: str) -> list[Paper]:
        has_words = self._service.last_commit(index).has_words
        question = Question(text=query, top=bounds.FOUND, rank="lexical" if has_words else "dense")
        return [hit.paper for hit in await in_time(self._service.ask(question, index))]

    async def marks(self, request: Request) -> Response:
        """The papers that a question asks for, its hits, and where its text stands; or those of a list, by `name`."""
        address, text = self._maker.address(request), ""
        if address.first("name") and self._maker.own is not None:
            papers, hits = await self._listed(self._maker.own, address), []
        else:
            answer = await self._maker.answer(address if address.first("top") else address.set("top", 100))
            papers, hits = list(answer.papers), [hit.paper for hit in answer.hits]
            text = "" if papers else answer.text
        papers, hits = papers[: bounds.MARKED], hits[: bounds.MARKED]
        index = address.first("index")
        near = await self._nearest(text, index) if text else []
        found = await self._read(
            request, lambda view, map_: [placed(view, map_, some) for some in (papers, hits, near)]
        )
        asked_for, hit = ([placed_record(one) for one in some] for some in found[:2])
        place = stands_at(found[2], len(await self._map(index)))
        stands = {"x": place[0], "y": place[1], "text": text} if place else None
        lacking = len(papers) + len(hits) - len(asked_for + hit)
        return json_response({"asked": asked_for, "hits": hit, "stands": stands, "lacking": lacking})

    async def _nearest(self, text: str, index: str) -> list[Paper]:
        """The papers among which a text stands; none where there is no model."""
        try:
            answer = await in_time(self._service.ask(Question(text=text, top=NEAREST), index))
        except (Busy, ModelError):
            return []
        return [hit.paper for hit in answer.hits]

    async def _listed(self, own: OwnLists, address: Address) -> list[Paper]:
        listed = own.require(address.first("name"))
        papers, lacking = await in_time(self._service.call(lambda ix: papers_of(ix, listed), address.first("index")))
        return [paper for paper in papers if paper.id not in lacking]

    async def _map(self, index: str) -> MapView:
        """The map of the last commit; it is opened once. Raises Refused where there is none."""
        commit = self._service.last_commit(index)
        name = index or self._service.names[0]
        if name not in self._found or self._found[name][0] != commit:
            found = await in_time(
                self._service.call(lambda ix: self._with_map(ix, name, lambda _view, one: one), index)
            )
            self._found[name] = commit, found
        return self._found[name][1]

    async def _read(self, request: Request, work: Callable[[Searcher, MapView], T]) -> T:
        """What `work` makes of the index and its map, both of one commit."""
        index = _index(request)
        name = index or self._service.names[0]
        return await in_time(self._service.call(lambda ix: self._with_map(ix, name, work), index))

    def _with_map(self, ix: Index, name: str, work: Callable[[Searcher, MapView], T]) -> T:
        with ix.view() as view:
            found = self._readers[name].read(view)
            if found is None:
                self._found.pop(name, None)
                hint = f"whoever runs the server makes one with: {command('map', '--index', 'DIR')}"
                raise Refused(404, "NoMap", "the index has no map that is up to date", hint)
            return work(view, found)


def _where(view: Searcher, found: MapView, paper: Paper) -> Placed | None:
    return next(iter(placed(view, found, [paper])), None)


def _edition(found: MapView) -> str:
    """What a picture of the map depends on, beside where it is and how it looks."""
    return f"{found.edition}-{version()}"


def _index(request: Request) -> str:
    return request.query_params.get("index", "")
