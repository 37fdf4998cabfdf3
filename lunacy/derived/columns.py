"""The rows that a `Filter` admits: from stored columns, or from SQLite where no columns of the commit are stored.

The cache is one file: the date of each row, the rows of each category, and each author's name, once and folded, with
the rows of the papers.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows
from lunacy.categories import matching_categories
from lunacy.derived import once_per_view
from lunacy.errors import StoreError
from lunacy.filter import Filter, date_number
from lunacy.names import Reading, authors_of, folded, may_be_among, readings
from lunacy.progress import Progress, Report
from lunacy.store import Cache, Changes, Segment, View, caches

KIND = "columns"
# With 120,000 papers they spare a query by author 0.9 s and one by category 0.4 s, but take 2.4 s and 12 MB, where
# storing the papers with given vectors takes 4 s (seconds of a core): too much for every build (docs/decisions.md)
LEAST_ROWS = 200_000
_COLUMNS = "updated, categories, authors, names"
_BYTES = 100  # a paper
Mask = npt.NDArray[np.bool_]  # (end_row,): whether the paper at a row is meant


@dataclass(frozen=True, slots=True)
class Columns:
    """What filters ask about, of the papers of one commit."""

    dates: npt.NDArray[np.int32]  # (end_row,): 20240531; 0 where it is not known
    by_category: Mapping[str, npt.NDArray[np.uint32]]  # rows
    names: bytes | mmap.mmap  # begins with `names_bytes` of folded names, a line each; one may be there twice
    names_bytes: int
    starts: npt.NDArray[np.uint64]  # (n,): where each begins in `names`
    ends: npt.NDArray[np.uint64]  # (n,): where the rows of each end in `rows`, and those of the next begin
    rows: npt.NDArray[np.uint32]  # (ends[-1],): of the papers of each name

    def admit(self, wanted: Filter, mask: Mask) -> None:
        """Clear what the dates, categories and authors of `wanted` do not admit."""
        categories = matching_categories(wanted.category, self.by_category)
        if categories is not None:
            _keep(mask, [rows for name, rows in self.by_category.items() if name in categories])
        if wanted.since or wanted.until:
            mask &= (self.dates >= max(wanted.first_date, 1)) & (self.dates <= wanted.last_date)
        for author in wanted.author:
            _keep(mask, [self._rows_by(author)])

    def _rows_by(self, author: str) -> npt.NDArray[np.uint32]:
        lines = np.unique([line for reading in readings(author) for line in self._lines_of(reading)]).astype(np.int64)
        ends = self.ends[lines].astype(np.int64)
        begins = np.where(lines > 0, self.ends[lines - 1].astype(np.int64), 0)
        counts = ends - begins
        return self.rows[np.repeat(ends - np.cumsum(counts), counts) + np.arange(counts.sum())]

    def _lines_of(self, reading: Reading) -> list[int]:
        """The lines with a name that `reading` finds."""
        offsets = np.array([offset for key in reading.key for offset in self._offsets(f" {key}".encode())], np.uint64)
        # both of one type: else numpy copies all of `starts` into another
        lines: list[int] = (np.searchsorted(self.starts, offsets, side="right") - 1).tolist()
        return lines if reading.is_one_word else [line for line in lines if reading.finds(self._name(line))]

    def _offsets(self, text: bytes) -> Iterator[int]:
        offset = self.names.find(text, 0, self.names_bytes)
        while offset >= 0:
            yield offset
            offset = self.names.find(text, offset + 1, self.names_bytes)

    def _name(self, line: int) -> str:
        end = int(self.starts[line + 1]) if line + 1 < len(self.starts) else self.names_bytes
        return self.names[int(self.starts[line]) : end - 1].decode(errors="replace")


def admitted(view: View, wanted: Filter) -> Mask:
    """Which rows `wanted` admits: (end_row,) bool. A row that has no paper may be among them."""
    mask = np.ones(view.end_row, np.bool_)
    if wanted.category or wanted.since or wanted.until or wanted.author:
        columns = open_columns(view)
        try:
            (columns or _collect(view.stream(_COLUMNS), view.end_row, wanted.author)).admit(wanted, mask)
        except (IndexError, ValueError, MemoryError) as error:  # rows and positions that cannot be
            if columns is None:
                raise
            raise StoreError(
                "a cache of the index is damaged (cache/columns-*)",
                hint="delete the folder cache/ of the index; answers stay the same",
            ) from error
    if wanted.only_ids is not None:
        _keep(mask, [_rows_of(view, wanted.only_ids)])
    if wanted.not_ids:
        mask[_rows_of(view, wanted.not_ids)] = False
    return mask


@once_per_view
def open_columns(view: View) -> Columns | None:
    """The columns of the commit of `view`; None when there are none."""
    return _open(view, next((one for one in view.caches if one.kind == KIND and is_current(one, view)), None))


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the commit of `view`."""
    return _is_of(cache, view.stored_segments, view.generation) and caches.path_of(view.folder, cache) is not None


def _is_of(cache: Cache, segments: Sequence[Segment], generation: int) -> bool:
    """Whether it has the facts that `_write` gives, and is of the commit that is given."""
    facts = cache.facts
    sizes = [facts.get(name) for name in ("end_row", "names_bytes", "n_names", "n_authors")]
    return (
        all(isinstance(size, int) and size >= 0 for size in sizes)
        and isinstance(facts.get("categories"), list)
        and facts.get("generation") == generation
        and cache.is_made_from(segments)
    )


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:
    """The columns of the commit of `view`: those of `before`, patched by what changed `since`, or all read anew."""
    if kept := [one for one in before if is_current(one, view)]:
        return kept
    progress(Progress("making columns for filters"))
    old = [one for one in before if since and _is_of(one, since.segments, since.generation)]
    patched = _open(view, old[0]) if old else None
    return [
        caches.add(
            view.folder,
            KIND,
            KIND,
            view.stored_segments,
            size_bytes=_BYTES * view.n_papers,
            write=lambda path: _write(view, path, patched, since.rows if since else NONE),
        )
    ]


def _write(view: View, path: Path, before: Columns | None, changed: Rows) -> tuple[int, dict[str, Any]]:
    """Write the cache; the size of its head, and its facts.

    `before`: of an earlier commit, after which only the rows `changed` changed, and later ones came.
    """
    if before is None:
        columns = _collect(view.stream(_COLUMNS), view.end_row)
    else:
        n_before = len(before.dates)
        fresh = chain(view.stream(_COLUMNS, changed[changed < n_before]), view.stream(_COLUMNS, first_row=n_before))
        columns = _patched(before, _collect(fresh, view.end_row), changed)
    with path.open("xb") as file:
        file.write(columns.names)
        file.write(bytes(-columns.names_bytes % 8))
        arrays: list[npt.NDArray[Any]] = [columns.starts, columns.ends, columns.dates, columns.rows]
        for column in (*arrays, *columns.by_category.values()):
            file.write(column.data)
    return 0, {
        "generation": view.generation,
        "end_row": view.end_row,
        "names_bytes": columns.names_bytes,
        "n_names": len(columns.starts),
        "n_authors": len(columns.rows),
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

    starts, ends = take(facts["n_names"], np.uint64), take(facts["n_names"], np.uint64)
    dates, rows = take(facts["end_row"], np.int32), take(facts["n_authors"], np.uint32)
    by_category = {name: take(n, np.uint32) for name, n in facts["categories"]}
    return Columns(dates, by_category, content, facts["names_bytes"], starts, ends, rows)


def _patched(before: Columns, fresh: Columns, changed: npt.NDArray[np.int64]) -> Columns:
    """`before` without the rows `changed`, and with what `fresh` has."""
    dates = fresh.dates.copy()  # (end_row,)
    kept_rows = np.setdiff1d(np.arange(min(len(before.dates), len(dates))), changed)
    dates[kept_rows] = before.dates[kept_rows]
    nothing = np.empty(0, np.uint32)
    by_category = {}
    for name in sorted(before.by_category.keys() | fresh.by_category.keys()):
        old = before.by_category.get(name, nothing)
        rows = np.concatenate([old[~np.isin(old, changed)], fresh.by_category.get(name, nothing)])
        if len(rows):
            by_category[name] = np.sort(rows)
    # names that no paper has any more stay, with no rows, until the cache is made anew
    names = before.names[: before.names_bytes] + fresh.names[: fresh.names_bytes]
    is_kept = ~np.isin(before.rows, changed)
    ends = np.append(np.uint64(0), np.cumsum(is_kept, dtype=np.uint64))[before.ends]  # (n,)
    rows = np.concatenate([before.rows[is_kept], fresh.rows])
    starts = np.concatenate([before.starts, fresh.starts + np.uint64(before.names_bytes)])
    ends = np.concatenate([ends, fresh.ends + np.uint64(np.count_nonzero(is_kept))])
    return Columns(dates, by_category, names, len(names), starts, ends, rows)


def _collect(papers: Iterable[tuple[Any, ...]], end_row: int, asked: Sequence[str] | None = None) -> Columns:
    """`asked`: the only authors that will be asked for; None: any."""
    keys = None if asked is None else {key for author in asked for one in readings(author) for key in one.key}
    dates = np.zeros(end_row, np.int32)
    lines: dict[str, int] = {}  # by name
    owners, rows = array("I"), array("I")  # the line of an author, and the row of a paper
    together: dict[str, array[int]] = {}  # rows, by the categories of a paper
    for row, updated, categories, authors, names in papers:
        if keys is None or (keys and may_be_among(keys, f"{authors} {names}")):
            numbers = [lines.setdefault(name, len(lines)) for name in authors_of(authors, names)]
            owners.extend(numbers)
            rows.extend([row] * len(numbers))
        dates[row] = date_number(updated) if updated else 0
        if categories not in together:
            together[categories] = array("I")
        together[categories].append(row)
    by_category: dict[str, list[array[int]]] = {}
    for categories, found in together.items():
        for category in set(categories.split()):
            by_category.setdefault(category, []).append(found)
    text, starts = bytearray(), array("Q")
    for name in lines:
        starts.append(len(text))
        text += folded(name).encode() + b"\n"
    return Columns(
        dates,
        {name: np.sort(np.concatenate(found)).astype(np.uint32) for name, found in sorted(by_category.items())},
        bytes(text),
        len(text),
        np.array(starts, np.uint64),
        np.cumsum(np.bincount(owners, minlength=len(lines)), dtype=np.uint64),
        np.array(rows, np.uint32)[np.argsort(owners, kind="stable")],
    )


def _rows_of(view: View, ids: Collection[str]) -> Rows:
    return np.array(list(view.rows(list(ids)).values()), np.int64)


def _keep(mask: Mask, groups: Iterable[npt.NDArray[Any]]) -> None:
    """Clear `mask` but for the rows of `groups`."""
    kept = np.zeros_like(mask)
    for rows in groups:
        kept[rows] = True
    mask &= kept
