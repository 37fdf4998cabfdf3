"""The map as one looks at it: tiles, and which papers lie where. It holds no index, so any thread may ask it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lunacy.advice import command
from lunacy.arrays import Rows
from lunacy.derived.map import BITS, Map, tile_code
from lunacy.draw.palette import GROUPS, Colour, Ground, Kinds, colours, groups_of, years_of
from lunacy.draw.tile import draw_tile, inks_of, palette, tile_pixels
from lunacy.errors import UsageError
from lunacy.search import Searcher

Places = npt.NDArray[np.int64]  # positions of papers among `Map.points`
_SQUARES = 3  # at most, in a row, by which a box is covered


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the map: from 0, left and at the top, to 1."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Months:
    """From which month to which, each 12 * year + month - 1; papers whose month is not known are in none."""

    first: int
    last: int


class MapView:
    """One map, ready to be drawn and asked."""

    def __init__(self, found: Map) -> None:
        self.map = found
        self._codes = found.points.codes
        self.groups: Kinds = groups_of(found.categories)[found.points.category]  # (n,)
        self._months = found.points.month
        self.inks = inks_of(self._codes)
        known = self._months[self._months > 0]
        self.months = Months(int(known.min()), int(known.max())) if len(known) else Months(0, 0)
        known_by = zlib.crc32(repr((found.categories, found.regions)).encode())
        for column in (self._codes, found.points.category, self._months):
            known_by = zlib.crc32(column.data, known_by)
        self.edition = f"{known_by:08x}"  # changes with what there is to be seen

    def __len__(self) -> int:
        return len(self._codes)

    @cached_property
    def n_groups(self) -> npt.NDArray[np.int64]:
        """How many papers each group of `GROUPS` has."""
        return np.bincount(self.groups, minlength=len(GROUPS))

    def tile(self, zoom: int, x: int, y: int, *, colour: Colour, ground: Ground, months: Months | None = None) -> bytes:
        """The PNG of a tile of zoom 0 to `DEEPEST`; `months`: with papers of these alone."""
        here = self._within(zoom, x, y)
        codes, kinds = self._codes[here], self._kinds(colour)[here]
        if months is not None:
            wanted = np.flatnonzero(_are_in(self._months[here], months))
            codes, kinds = codes[wanted], kinds[wanted]
        return draw_tile(codes, kinds, zoom, self.inks[zoom], colour=colour, ground=ground)

    def picture(self, zoom: int, *, colour: Colour, ground: Ground) -> npt.NDArray[np.uint8]:
        """The whole map as its tiles of one zoom show it: red, green, blue and alpha, (s, s, 4)."""
        side = range(2**zoom)
        tiles = [[self._pixels(zoom, x, y, colour) for x in side] for y in side]
        return np.asarray(palette(colour, ground)[np.block(tiles)])

    def _pixels(self, zoom: int, x: int, y: int, colour: Colour) -> npt.NDArray[np.uint8]:
        here = self._within(zoom, x, y)
        return tile_pixels(self._codes[here], self._kinds(colour)[here], zoom, self.inks[zoom])

    def _kinds(self, colour: Colour) -> Kinds:
        return self.groups if colour == "archive" else self._years

    @cached_property
    def _years(self) -> Kinds:
        return years_of(self._months, self.months.first, self.months.last)

    def _within(self, zoom: int, x: int, y: int) -> slice:
        """Where the papers of a tile are."""
        first = tile_code(zoom, x, y)
        last = first + 4 ** (BITS - zoom) - 1
        start = np.searchsorted(self._codes, np.uint32(first), side="left")
        return slice(int(start), int(np.searchsorted(self._codes, np.uint32(last), side="right")))

    def in_box(self, box: Box, months: Months | None = None) -> Places:
        """The papers in a box, its borders among it, in the order of `Map.points`."""
        side = max(box.right - box.left, box.bottom - box.top, 2.0**-BITS)
        zoom = int(min(max(np.floor(np.log2((_SQUARES - 1) / side)), 0), BITS))
        last = 2**zoom - 1
        columns = range(max(int(box.left * 2**zoom), 0), min(int(box.right * 2**zoom), last) + 1)
        rows = range(max(int(box.top * 2**zoom), 0), min(int(box.bottom * 2**zoom), last) + 1)
        found = [self._in_square(self._within(zoom, x, y), box, months) for y in rows for x in columns]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *found]))

    def _in_square(self, here: slice, box: Box, months: Months | None) -> Places:
        x, y = self.map.points.x[here], self.map.points.y[here]
        inside = (x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom)
        if months is not None:
            inside &= _are_in(self._months[here], months)
        return np.asarray(np.flatnonzero(inside) + here.start)

    def nearest(self, x: float, y: float, radius: float, months: Months | None = None) -> int | None:
        """The paper that is nearest to a place, no farther than `radius`."""
        near = self.in_box(Box(x - radius, y - radius, x + radius, y + radius), months)
        squares = (self.map.points.x[near] - x) ** 2 + (self.map.points.y[near] - y) ** 2
        if not len(near) or squares.min() > radius**2:
            return None
        return int(near[squares.argmin()])

    def places(self, rows: Rows | Sequence[int]) -> Places:
        """Where the papers at `rows` of the index are among `Map.points`, (n,); -1 for one that is not on the map."""
        wanted = np.asarray(rows, np.int64)
        found = np.full(len(wanted), -1, np.int64)
        known = wanted < len(self._by_row)
        found[known] = self._by_row[wanted[known]]
        return found

    @cached_property
    def _by_row(self) -> npt.NDArray[np.int32]:
        rows = self.map.points.rows
        found = np.full(int(rows.max()) + 1 if len(rows) else 0, -1, np.int32)
        found[rows] = np.arange(len(rows), dtype=np.int32)
        return found

    def legend(self, colour: Colour, ground: Ground) -> list[tuple[str, str]]:
        """What the colours mean: the groups that have papers, the largest first, or the years; each with its colour."""
        hexadecimal = [f"#{bytes(one).hex()}" for one in colours(colour, ground)]
        if colour == "archive":
            order = np.argsort(-self.n_groups, kind="stable").tolist()
            return [(GROUPS[group].name, hexadecimal[group]) for group in order if self.n_groups[group]]
        first, last = self.months.first, self.months.last
        years = sorted({*range(-(-first // 60) * 5, last // 12 + 1, 5), first // 12, last // 12})
        kinds = years_of(np.clip(np.array(years) * 12, first, last).astype(np.uint16), first, last)
        return [(str(year), hexadecimal[kind]) for year, kind in zip(years, kinds.tolist(), strict=True)]

    def group(self, place: int) -> int:
        """The group of a paper, as a position in `GROUPS`."""
        return int(self.groups[place])


class MapReader:
    """Opens the map of an index, and keeps it as long as it is that of the last commit."""

    def __init__(self) -> None:
        self._last: MapView | None = None

    def read(self, view: Searcher) -> MapView | None:
        """The map of what is pinned; None where there is none."""
        found = view.map()
        last = self._last
        if found is None or last is None or last.map is not found:
            last = self._last = None if found is None else MapView(found)
        return last

    def require(self, view: Searcher) -> MapView:
        """As `read`. Raises UsageError where there is none."""
        found = self.read(view)
        if found is None:
            hint = f"make it with: {command('map', '--index', view.name)}"
            raise UsageError("the index has no map that is up to date", where=view.name, hint=hint)
        return found


def _are_in(months: npt.NDArray[np.uint16], wanted: Months) -> npt.NDArray[np.bool_]:
    return np.asarray((months >= wanted.first) & (months <= wanted.last))
