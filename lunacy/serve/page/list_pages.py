"""Reading lists: the one that an address holds, and the named ones of the person whose server this is."""

from __future__ import annotations

from asyncio import to_thread
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from lunacy.errors import NotAnId, UsageError
from lunacy.library import ReadingList
from lunacy.paper import Paper, squeeze_spaces
from lunacy.query.lists import PREFIX
from lunacy.query.reading_lists import papers_of
from lunacy.serve import bounds
from lunacy.serve.page.address import Address, root_of
from lunacy.serve.page.download import download, suffix_of
from lunacy.serve.page.page_maker import PageMaker, known, to
from lunacy.serve.page.results import EXPORTS
from lunacy.serve.page.shelf import list_url
from lunacy.serve.page.typed import read_typed
from lunacy.serve.waiting import in_time

_SHOWN = 100  # papers of a list at first, and more at a time
_FIELDS = ("list", "add", "q", "remove")  # of a form that changes a list


class ListPages:
    """A handler for each page of lists."""

    def __init__(self, maker: PageMaker) -> None:
        self._maker = maker

    async def page(self, request: Request) -> Response:
        """The list that the address holds or names."""
        address, root = self._maker.address(request), root_of(request)
        if address.first("q"):
            return await self._maker.to_typed(request, address, "/list")
        if address.first("name") and self._maker.own is not None:
            return await self._named(request, address, self._maker.own.require(address.first("name")))
        if self._maker.own is not None and not address.all("id"):
            return await self._maker.page(request, "lists.html", address)
        found = await self._maker.papers(_bounded(address.all("id")), address.first("index"))
        ids = Address.of([*(("id", paper.id) for paper in known(found)), ("index", address.first("index"))])
        return await self._maker.page(
            request,
            "list.html",
            address,
            shown=[paper.id for paper in known(found)],
            listed=[(one, paper, address.minus("id", one).url(f"{root}/list")) for one, paper in found.items()],
            exports=[(name, ids.url(f"{root}/list.{suffix}")) for suffix, name in EXPORTS.items()],
            similar_url=ids.url(f"{root}/similar"),
        )

    async def _named(self, request: Request, address: Address, listed: ReadingList) -> Response:
        root, index = root_of(request), address.first("index")
        top = address.first("top")[:9]
        n = min(int(top) if top.isdecimal() else _SHOWN, len(listed.ids))
        papers, lacking = await self._papers_of(listed, index, n)
        more = Address.of([("name", listed.name), ("index", index), ("top", str(n + _SHOWN))])
        own = Address.of([("name", listed.name), ("index", index)])
        return await self._maker.page(
            request,
            "named.html",
            address,
            shown=[paper.id for paper in papers],
            listed=listed,
            papers=papers,
            lacking=lacking,
            entries={one.id: one for one in listed.entries},
            exports=[(name, own.url(f"{root}/list.{suffix}")) for suffix, name in EXPORTS.items()],
            similar_url=Address.of([("id", f"{PREFIX}{listed.name}"), ("index", index)]).url(f"{root}/similar"),
            more_url=f"{more.url(f'{root}/list')}#hit-{n + 1}" if n < len(listed.ids) else "",
            on_map=self._maker.map_url(request, own),
        )

    async def _papers_of(self, listed: ReadingList, index: str, n: int | None = None) -> tuple[list[Paper], set[str]]:
        """The first `n` papers of a list, and the ids of those that the index lacks."""
        first = ReadingList(listed.name, listed.ids[:n], listed.dismissed, listed.entries)
        papers, lacking = await in_time(self._maker.service.call(lambda ix: papers_of(ix, first), index))
        return papers, set(lacking)

    async def file(self, request: Request) -> Response:
        """The same as a file."""
        suffix, address = suffix_of(request), self._maker.address(request)
        index = address.first("index")
        if address.first("name") and self._maker.own is not None:
            listed = self._maker.own.require(address.first("name"))
            papers, _lacking = await self._papers_of(listed, index)
            return await to_thread(download, papers, suffix, listed.name)
        found = await self._maker.papers(_bounded(address.all("id")), index)
        return await to_thread(download, known(found), suffix)

    async def by_name(self, request: Request) -> Response:
        """To the one address that a list has."""
        index = self._maker.address(request).first("index")
        return to(list_url(request.path_params["name"], root_of(request), index))

    async def change(self, request: Request) -> Response:
        """Put papers on a list, or take them off; then back to where the form was."""
        own, address, root = self._maker.own, self._maker.address(request), root_of(request)
        assert own is not None  # else there is no such route
        index, given = address.first("index"), _fields(await request.body())
        name = squeeze_spaces(given["list"][0]) if len(given["list"]) == 1 else ""
        if given["remove"]:
            await own.remove(name, given["remove"])
        else:
            typed = await read_typed(self._maker.service, "\n".join(given["q"]), index)
            if typed.text:
                said = f"{typed.text[:60]!r} is neither an id or a link, nor the title of a paper in the index"
                raise NotAnId(f"{said}; nothing was added")
            await own.add(self._maker.service, name, [*given["add"], *typed.papers], index)
            self._maker.chosen = name
        if request.url.path.endswith("/similar"):
            return to(address.url(f"{root}/similar"))
        return to(
            list_url(name, root, index) if name in own.read() else Address.of([("index", index)]).url(f"{root}/list")
        )


def _fields(body: bytes) -> dict[str, list[str]]:
    """The values of each of `_FIELDS`. Raises UsageError for what no form of the page sends."""
    try:
        found = parse_qs(body.decode(), max_num_fields=bounds.LISTED + len(_FIELDS), errors="strict")
    except ValueError:
        raise UsageError("the form cannot be read, or names too many papers; nothing was changed") from None
    if any(len(value) > bounds.TEXT for values in found.values() for value in values):
        raise UsageError(f"give at most {bounds.TEXT:,} characters")
    return {name: found.get(name, []) for name in _FIELDS}


def _bounded(ids: list[str]) -> list[str]:
    if len(ids) > bounds.IDS:
        raise UsageError(f"id has {len(ids):,} values; a list holds at most {bounds.IDS}")
    return ids
