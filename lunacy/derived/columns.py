"""The rows that a `Filter` admits, by columns: those that are stored, or made from SQLite where none of the commit are.

The cache is one file.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows
from lunacy.derived import is_in_place, of_commit, once_per_view
from lunacy.derived.paper_columns import FROM_PAPERS, Columns, Mask, collect_columns, keep_only, patched_columns
from lunacy.errors import StoreError
from lunacy.filter import Filter
from lunacy.progress import Progress, Report
from lunacy.store import Cache, Changes, Segment, View, caches

KIND = "columns"
LEAST_ROWS = 1  # always: they cost a build little, and spare each filter what they cost
_LAYOUT = 2  # of the file
_BYTES = 100  # a paper
_LONG = 50_000  # papers: with fewer there is nothing to tell of


def admitted(view: View, wanted: Filter) -> Mask:
    """Which rows `wanted` admits: (end_row,) bool. A row that has no paper may be among them."""
    mask = np.ones(view.end_row, np.bool_)
    if wanted.category or wanted.asks_when_posted or wanted.updated_since or wanted.author or wanted.not_authors:
        stored = open_columns(view)
        try:
            (stored or _made(view)).admit(wanted, mask)
        except (IndexError, ValueError, MemoryError) as error:  # rows and positions that cannot be
            if stored is None:
                raise
            raise StoreError(
                "a cache of the index is damaged (cache/columns-*)",
                hint="delete the folder cache/ of the index; answers stay the same",
            ) from error
    if wanted.only_ids is not None:
        keep_only(mask, [_rows_of(view, wanted.only_ids)])
    if wanted.not_ids:
        mask[_rows_of(view, wanted.not_ids)] = False
    return mask


@once_per_view
def open_columns(view: View) -> Columns | None:
    """The columns of the commit of `view`; None when there are none."""
    return _open(view, next((one for one in view.caches if one.kind == KIND and is_current(one, view)), None))


@once_per_view
def _made(view: View) -> Columns:
    """The same, where none are stored: in a folder, say, that nobody may write to."""
    return collect_columns(view.stream(FROM_PAPERS), view.end_row)


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the commit of `view`."""
    return is_in_place(cache, view, _is_of)


def _is_of(cache: Cache, segments: Sequence[Segment], generation: int) -> bool:
    """Whether it has the facts that `_write` gives, and is of the commit that is given."""
    facts = cache.facts
    return (
        facts.get("layout") == _LAYOUT
        and all(isinstance(facts.get(name), int) and facts[name] >= 0 for name in ("end_row", "names_bytes"))
        and isinstance(facts.get("categories"), list)
        and facts.get("generation") == generation
        and cache.is_made_from(segments)
    )


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:
    """The columns of the commit of `view`: those of `before`, patched by what changed `since`, or all read anew."""

    def make_from(old: Cache | None) -> Cache:
        if view.n_papers >= _LONG:
            progress(Progress("making columns for filters"))
        patched = _open(view, old)
        return caches.add(
            view.folder,
            KIND,
            KIND,
            view.stored_segments,
            size_bytes=_BYTES * view.n_papers,
            write=lambda path: _write(view, path, patched, since.rows if since else NONE),
        )

    return of_commit(view, before, since, is_of=_is_of, make=make_from)


def _write(view: View, path: Path, before: Columns | None, changed: Rows) -> tuple[int, dict[str, Any]]:
    """Write the cache; the size of its head, and its facts.

    `before`: of an earlier commit, after which only the rows `changed` changed, and later ones came.
    """
    if before is None:
        columns = collect_columns(view.stream(FROM_PAPERS), view.end_row)
    else:
        n_before = len(before.posted)
        again = sorted(view.stream(FROM_PAPERS, changed[changed < n_before]))
        fresh = collect_columns(chain(again, view.stream(FROM_PAPERS, first_row=n_before)), view.end_row)
        columns = patched_columns(before, fresh, changed)
    with path.open("xb") as file:
        file.write(columns.names)
        file.write(bytes(-len(columns.names) % 8))
        arrays: list[npt.NDArray[Any]] = [columns.starts, columns.posted, columns.updated]
        for column in (*arrays, *columns.by_category.values()):
            file.write(column.data)
    return 0, {
        "layout": _LAYOUT,
        "generation": view.generation,
        "end_row": view.end_row,
        "names_bytes": len(columns.names),
        "categories": [[name, len(rows)] for name, rows in columns.by_category.items()],
    }


def _open(view: View, cache: Cache | None) -> Columns | None:
    path = caches.path_of(view.folder, cache) if cache else None
    if cache is None or path is None:
        return None
    facts = cache.facts
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    offset = facts["names_bytes"] + -facts["names_bytes"] % 8

    def take(n: int, dtype: type[Any]) -> npt.NDArray[Any]:
        nonlocal offset
        column: npt.NDArray[Any] = np.frombuffer(content, dtype, n, offset)
        offset += column.nbytes
        return column

    starts, end_row = take(facts["end_row"] + 1, np.uint64), facts["end_row"]
    posted, updated = take(end_row, np.int32), take(end_row, np.int32)
    return Columns(posted, updated, {name: take(n, np.uint32) for name, n in facts["categories"]}, content, starts)


def _rows_of(view: View, ids: Collection[str]) -> Rows:
    return np.array(list(view.rows(list(ids)).values()), np.int64)
