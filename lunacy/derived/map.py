"""The map: a place in two dimensions for each paper, and the names of its regions, in one file.

The papers stand in the order of a Z-curve, so that those of a square tile, however large, stand in a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from lunacy.arrays import Rows
from lunacy.derived import is_in_place, once_per_view, whole_content
from lunacy.measured import MapFacts
from lunacy.region import Region
from lunacy.store import Cache, Segment, View, caches

KIND = "map"
_LAYOUT = 1  # of the file
_BYTES = 28  # a paper
_HEAD = 200_000  # bytes, about: the regions

BITS = 16  # of a coordinate in a code
Codes = npt.NDArray[np.uint32]
Keys = npt.NDArray[np.uint64]
_COLUMNS: Mapping[str, type[Any]] = {  # of the file, in this order
    "keys": np.uint64,
    "codes": np.uint32,
    "rows": np.uint32,
    "x": np.float32,
    "y": np.float32,
    "category": np.uint16,
    "month": np.uint16,
}


@dataclass(frozen=True, slots=True)
class Points:
    """The papers on the map, sorted by code, and by row where these are the same."""

    keys: Keys  # (n,): of the ids, as `id_keys` gives them
    codes: Codes  # (n,): places on the Z-curve, as `codes_of` gives them
    rows: npt.NDArray[np.uint32]  # (n,)
    x: npt.NDArray[np.float32]  # (n,): from 0, left, to below 1
    y: npt.NDArray[np.float32]  # (n,): from 0, at the top, to below 1
    category: npt.NDArray[np.uint16]  # (n,): the first of each paper's, as a position in `Map.categories`
    month: npt.NDArray[np.uint16]  # (n,): when it was posted, 12 * year + month - 1; 0: not known

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Map:
    """The map of one commit, memory-mapped."""

    facts: MapFacts
    points: Points
    categories: tuple[str, ...]  # "cs.LG"; "" for a paper that has none
    regions: tuple[Region, ...]  # by level


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the map of an index without reading it."""

    facts: MapFacts
    is_current: bool  # else papers have changed since, and it is not shown


def codes_of(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> Codes:
    """The places of points, (n,), on a Z-curve through 2^16 by 2^16 cells.

    The highest 2z bits are those of the tile of zoom z: for each zoom from 1 on a bit of y, and one of x.
    """
    return np.asarray(_spread(y) << np.uint32(1) | _spread(x), np.uint32)


def _spread(values: npt.NDArray[np.float32]) -> Codes:
    """A zero before each of the 16 bits of a coordinate."""
    bits = np.clip(values.astype(np.float64) * 2**BITS, 0, 2**BITS - 1).astype(np.uint32)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | bits << np.uint32(shift)) & np.uint32(mask)
    return np.asarray(bits, np.uint32)


def tile_code(zoom: int, x: int, y: int) -> int:
    """The code of the first cell in the tile (x, y) of zoom `zoom`, where the whole map has 2^zoom by 2^zoom."""
    code = 0
    for bit in reversed(range(zoom)):
        code = code << 2 | (y >> bit & 1) << 1 | x >> bit & 1
    return code << 2 * (BITS - zoom)


def id_keys(ids: Sequence[str]) -> Keys:
    """A key of each paper, by which it keeps its place when it is revised: (n,)."""
    hashes = (blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.fromiter((int.from_bytes(one, "little") for one in hashes), np.uint64, len(ids))


@once_per_view
def open_map(view: View) -> Map | None:
    """The map of the commit of `view`; None where there is none."""
    cache = next((one for one in view.caches if one.kind == KIND and is_current(one, view)), None)
    return read_map(view.folder, cache) if cache else None


def state_of(view: View) -> State | None:
    """What is known of the map; None where there is none."""
    maps = sorted(
        (one for one in view.caches if one.kind == KIND and is_read(one)), key=lambda one: is_current(one, view)
    )
    return State(MapFacts.read(maps[-1].facts), is_current(maps[-1], view)) if maps else None


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the commit of `view`."""
    return is_in_place(cache, view, _is_of)


def _is_of(cache: Cache, segments: Sequence[Segment], generation: int) -> bool:
    return is_read(cache) and cache.facts.get("generation") == generation and cache.is_made_from(segments)


def is_read(cache: Cache) -> bool:
    """Whether its facts are some that this module gives, and the file is as long as they say."""
    try:
        facts = MapFacts.read(cache.facts)
    except ValueError:
        return False
    is_long = cache.size_bytes == cache.head_bytes + _BYTES * facts.n_papers and not cache.head_bytes % 8
    return cache.facts.get("layout") == _LAYOUT and is_long


def read_map(folder: Path, cache: Cache) -> Map | None:
    """The map in a file, of whatever commit, whose facts `is_read`; None if the file is not as it was written."""
    content = whole_content(folder, cache)
    if content is None:
        return None
    facts = MapFacts.read(cache.facts)
    head = orjson.loads(content[: cache.head_bytes])
    columns, offset = {}, cache.head_bytes
    for name, dtype in _COLUMNS.items():
        columns[name] = np.frombuffer(content, dtype, facts.n_papers, offset)
        offset += columns[name].nbytes
    regions = tuple(map(Region.read, head["regions"]))
    return Map(facts, Points(**columns), tuple(head["categories"]), regions)


def add_map(view: View, facts: MapFacts, points: Points, categories: Sequence[str], regions: Sequence[Region]) -> Cache:
    """Keep the map of the commit of `view`. `points`: in any order."""
    order = np.lexsort((points.rows, points.codes))

    def write(path: Path) -> tuple[int, dict[str, Any]]:
        head = orjson.dumps({"categories": categories, "regions": [one.record() for one in regions]})
        head += b" " * (-len(head) % 8)
        with path.open("xb") as file:
            file.write(head)
            for name, dtype in _COLUMNS.items():
                file.write(np.ascontiguousarray(getattr(points, name)[order], dtype).data)
        return len(head), {"layout": _LAYOUT, "generation": view.generation, **facts.record()}

    size_bytes = _HEAD + _BYTES * len(points)
    return caches.add(view.folder, KIND, KIND, view.stored_segments, size_bytes=size_bytes, write=write)


def positions_of(points: Points, rows: Rows) -> npt.NDArray[np.float32]:
    """Where the papers at `rows` are: (n, 2); NaN for one that is not on the map."""
    order = np.argsort(points.rows)
    found = np.minimum(np.searchsorted(points.rows[order], rows), len(points) - 1)
    at = order[found]
    positions = np.column_stack([points.x[at], points.y[at]])
    positions[points.rows[at] != rows] = np.nan
    return positions
