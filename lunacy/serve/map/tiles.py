"""Tiles, drawn in threads beside the one that answers questions, and kept for whoever looks next."""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections import OrderedDict
from dataclasses import dataclass, field

from lunacy.cores import n_cores
from lunacy.draw.palette import Colour, Ground
from lunacy.query.map_view import MapView, Months
from lunacy.serve import bounds


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile, and how it looks."""

    edition: str
    zoom: int
    x: int
    y: int
    colour: Colour
    ground: Ground
    months: Months | None


@dataclass(slots=True)
class Tiles:
    """Draws tiles, as many at a time as there are cores, and keeps the last ones."""

    _kept: OrderedDict[Tile, bytes] = field(default_factory=OrderedDict, init=False)
    _n_bytes: int = field(default=0, init=False)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(n_cores()), init=False)

    async def draw(self, found: MapView, wanted: Tile) -> bytes:
        """The PNG of a tile of `found`."""
        if (known := self._kept.get(wanted)) is not None:
            self._kept.move_to_end(wanted)
            return known
        async with self._free:
            made = await to_thread(
                found.tile,
                wanted.zoom,
                wanted.x,
                wanted.y,
                colour=wanted.colour,
                ground=wanted.ground,
                months=wanted.months,
            )
        self._keep(wanted, made)
        return made

    def _keep(self, wanted: Tile, made: bytes) -> None:
        if wanted not in self._kept:
            self._n_bytes += len(made)
        self._kept[wanted] = made
        while self._n_bytes > bounds.TILES_BYTES:
            _oldest, content = self._kept.popitem(last=False)
            self._n_bytes -= len(content)
