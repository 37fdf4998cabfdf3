"""The papers with a title: by stored hashes of titles, or by reading all titles where none of the commit are stored.

The cache is one file: the hash of each title's `title_key`, ascending, and the row of each. A paper counts only when
its title itself has the key, so two titles with one hash do no harm.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows
from lunacy.derived import is_in_place, of_commit, once_per_view
from lunacy.progress import Progress, Report
from lunacy.store import Cache, Changes, Segment, View, caches
from lunacy.title_key import title_key

KIND = "titles"
LEAST_ROWS = 20_000  # with fewer, all titles are read in some 0.1 s
_BYTES = 12  # a paper


@dataclass(frozen=True, slots=True)
class Titles:
    """The hashes of the titles of one commit."""

    hashes: npt.NDArray[np.uint64]  # (n,), ascending
    rows: npt.NDArray[np.uint32]  # (n,)

    def rows_of(self, keys: Iterable[str]) -> Rows:
        """The rows whose titles may have one of `keys`, ascending."""
        wanted = np.array([_hash(key) for key in keys], np.uint64)
        first, end = (np.searchsorted(self.hashes, wanted, side) for side in ("left", "right"))
        found = [self.rows[start:stop] for start, stop in zip(first.tolist(), end.tolist(), strict=True)]
        return np.unique(np.concatenate(found)).astype(np.int64) if found else NONE


def rows_titled(view: View, keys: Sequence[str]) -> dict[str, list[int]]:
    """The rows of the papers whose title has one of `keys` as its `title_key`, by key; a key may have none."""
    stored = open_titles(view)
    found: dict[str, list[int]] = {key: [] for key in keys}
    for row, title in view.stream("title", None if stored is None else stored.rows_of(found)):
        key = title_key(title)
        if key in found:
            found[key].append(row)
    return found


@once_per_view
def open_titles(view: View) -> Titles | None:
    """The hashes of the titles of the commit of `view`; None when there are none."""
    return _open(view, next((one for one in view.caches if one.kind == KIND and is_current(one, view)), None))


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the commit of `view`."""
    return is_in_place(cache, view, _is_of)


def _is_of(cache: Cache, segments: Sequence[Segment], generation: int) -> bool:
    """Whether it has the facts that `_write` gives, and is of the commit that is given."""
    sizes = [cache.facts.get(name) for name in ("n_titles", "end_row")]
    return (
        all(isinstance(size, int) and size >= 0 for size in sizes)
        and cache.facts.get("generation") == generation
        and cache.is_made_from(segments)
        and cache.size_bytes == _BYTES * cache.facts["n_titles"]
    )


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:
    """The hashes of the commit of `view`: those of `before`, patched by what changed `since`, or all made anew."""

    def make_from(old: Cache | None) -> Cache:
        progress(Progress("making hashes of titles"))
        patched, n_before = _open(view, old), old.facts["end_row"] if old else 0
        return caches.add(
            view.folder,
            KIND,
            KIND,
            view.stored_segments,
            size_bytes=_BYTES * view.n_papers,
            write=lambda path: _write(view, path, patched, n_before, since),
        )

    return of_commit(view, before, since, is_of=_is_of, make=make_from)


def _write(view: View, path: Path, before: Titles | None, n_before: int, since: Changes | None) -> tuple[int, Any]:
    """Write the cache; the size of its head, and its facts.

    `before`: of an earlier commit with `n_before` rows, after which only what `since` names changed, and more came.
    """
    changed = since.rows if since and before else NONE
    read = chain(view.stream("title", changed[changed < n_before]), view.stream("title", first_row=n_before))
    pairs = [(_hash(title_key(title)), row) for row, title in read]
    hashes, rows = np.array([one for one, _row in pairs], np.uint64), np.array([row for _one, row in pairs], np.uint32)
    if before is not None:
        is_kept = ~np.isin(before.rows, changed) & (before.rows < view.end_row)
        hashes, rows = np.append(before.hashes[is_kept], hashes), np.append(before.rows[is_kept], rows)
    order = np.lexsort((rows, hashes))
    with path.open("xb") as file:
        file.write(hashes[order].data)
        file.write(rows[order].data)
    return 0, {"generation": view.generation, "end_row": view.end_row, "n_titles": len(rows)}


def _open(view: View, cache: Cache | None) -> Titles | None:
    path = caches.path_of(view.folder, cache) if cache else None
    if cache is None or path is None:
        return None
    n = cache.facts["n_titles"]
    if not n:
        return Titles(np.empty(0, np.uint64), np.empty(0, np.uint32))
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Titles(np.frombuffer(content, np.uint64, n), np.frombuffer(content, np.uint32, n, 8 * n))


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest(), "little")
