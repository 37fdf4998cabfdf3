"""What every page needs: the address asked for, papers and answers of the service, and the templates."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Sequence
from dataclasses import replace

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lunacy.answer import Answer, Info
from lunacy.errors import LunacyError
from lunacy.paper import Paper
from lunacy.query.lists import PREFIX
from lunacy.query.service import Service
from lunacy.serve import bounds
from lunacy.serve.own_lists import OwnLists
from lunacy.serve.page.address import Address, root_of
from lunacy.serve.page.form import form_of
from lunacy.serve.page.html import render
from lunacy.serve.page.shelf import Shelf, lists_in, shelf_of
from lunacy.serve.page.typed import read_typed
from lunacy.serve.parameters import question_of
from lunacy.serve.waiting import in_time

_MANY = 50  # papers; to show them takes so long that others would wait for it


class PageMaker:
    """Makes the pages over one service, and over the person's own lists, if there are any to be shown."""

    def __init__(self, service: Service, own: OwnLists | None) -> None:
        self.service = service
        self.own = own
        self.chosen = ""  # the list to which a paper was added last

    def address(self, request: Request) -> Address:
        """What is asked; the first index need not be named."""
        return Address.of(request.query_params.multi_items()).minus("index", self.service.names[0])

    async def to_typed(self, request: Request, address: Address, path: str) -> Response:
        """To the URL of what was typed, where a line `list:NAME` is a list if there are any."""
        lines = address.first("q").splitlines()
        lists = [line.strip() for line in lines if self.own is not None and line.strip().startswith(PREFIX)]
        rest = "\n".join(line for line in lines if line.strip() not in lists)
        typed = await read_typed(self.service, rest, address.first("index"))
        items = [*address.minus("q").items, *(("id", one) for one in [*lists, *typed.papers]), ("text", typed.text)]
        return to(Address.of(items).url(f"{root_of(request)}{path}"))

    async def page(
        self, request: Request, template: str, address: Address, *, shown: Sequence[str] = (), **values: object
    ) -> Response:
        """`template`, which shows the papers with the ids `shown`."""
        info = await self.info(address)
        form = form_of(address, self.service.names, info)
        shelf = self._shelf(shown, root_of(request), address.first("index"))
        values |= {"root": root_of(request), "form": form, "info": info, "own": shelf, "n_papers": len(shown)}
        values["map_url"] = self.map_url(request, Address.of([("index", address.first("index"))]))
        return HTMLResponse(
            await to_thread(render, template, **values) if len(shown) > _MANY else render(template, **values)
        )

    def map_url(self, request: Request, address: Address) -> str:
        """Where what `address` asks is marked on the map; "" where the index has none."""
        try:
            has_map = self.service.last_commit(address.first("index")).has_map
        except LunacyError:
            has_map = False
        return address.url(f"{root_of(request)}/map") if has_map else ""

    def _shelf(self, shown: Sequence[str], root: str, index: str) -> Shelf | None:
        """None where there are no lists of one's own. A file that cannot be read must not spoil the page."""
        if self.own is None:
            return None
        try:
            return shelf_of(self.own.read(), shown, root, index, self.chosen)
        except LunacyError as error:
            return Shelf(problem=str(error))

    async def answer(self, address: Address) -> Answer:
        """The answer to what `address` asks. Raises as `question_of` and `Service.ask`."""
        items, notes, most = await self._without_lists(address)
        default_rank = self.service.best_ranking(address.first("index"))
        asked = question_of(QueryParams(items), default_rank=default_rank, most_ids=most)
        answer = await in_time(self.service.ask(asked.question, asked.index))
        return replace(answer, notes=(*notes, *answer.notes)) if notes else answer

    async def _without_lists(self, address: Address) -> tuple[list[tuple[str, str]], list[str], int]:
        """The items of `address` with the papers of a list in its place, notes on them, and how many may be asked for.

        Of a list, those that the index lacks are left out.
        """
        if self.own is None or not lists_in(address):
            return list(address.items), [], bounds.IDS
        notes: list[str] = []
        ids = await self.own.expand(self.service, address.all("id"), notes.append, address.first("index"))
        return [*(("id", one) for one in ids), *address.minus("id").items], notes, bounds.LISTED

    async def info(self, address: Address) -> Info | None:
        """None where the index cannot be read: a page that says so needs no figures."""
        try:
            return await in_time(self.service.info(address.first("index")))
        except LunacyError:
            return None

    async def papers(self, ids: Sequence[str], index: str) -> dict[str, Paper | LunacyError]:
        """The paper of each of `ids`; where the index lacks it, the error that says so."""
        if not ids:
            return {}
        found = await in_time(self.service.papers(ids, index))
        return dict(zip(ids, found, strict=True))


def to(url: str) -> Response:
    """There, by GET."""
    return RedirectResponse(url, status_code=303)


def known(found: dict[str, Paper | LunacyError]) -> list[Paper]:
    """The papers that were found."""
    return [one for one in found.values() if isinstance(one, Paper)]
