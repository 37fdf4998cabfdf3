"""The rows that a `Filter` admits: out of stored arrays, or, when that does not fit the commit, out of SQL.

The cache is one file: the date of each row, the rows of each category, and the authors as plain text, row by row.
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

from lunacy.categories import matching_categories
from lunacy.filter import Filter, date_number, plain
from lunacy.store import caches
from lunacy.store.caches import Cache
from lunacy.store.database import Database
from lunacy.store.segments import Segment

KIND = "columns"
_SELECT = "SELECT row, updated, categories, authors FROM papers"
Mask = npt.NDArray[np.bool_]  # (end_row,): whether the paper at a row is meant


@dataclass(frozen=True, slots=True)
class Columns:
    """What filters ask about, of the papers of one commit."""

    dates: npt.NDArray[np.int32]  # (end_row,): 20240531; 0 where it is not known
    rows: npt.NDArray[np.uint32]  # (n,): the rows that have a paper, in the order of their lines of authors
    starts: npt.NDArray[np.uint64]  # (n,): where the authors of each begin in `authors`
    by_category: Mapping[str, npt.NDArray[np.uint32]]  # rows
    authors: bytes | mmap.mmap  # begins with plain names, a line for each paper
    authors_bytes: int

    def admit(self, wanted: Filter, mask: Mask) -> None:
        """Clear what the dates, categories and authors of `wanted` do not admit."""
        categories = matching_categories(wanted.category, self.by_category)
        if categories is not None:
            _keep(mask, [rows for name, rows in self.by_category.items() if name in categories])
        if wanted.since or wanted.until:
            mask &= (self.dates >= max(wanted.first_date, 1)) & (self.dates <= wanted.last_date)
        for part in wanted.author:
            _keep(mask, [self.rows[np.fromiter(self._lines_with(plain(part).encode()), np.int64)]])

    def _lines_with(self, text: bytes) -> Iterator[int]:
        place = self.authors.find(text, 0, self.authors_bytes)
        while place >= 0:
            yield int(np.searchsorted(self.starts, place, side="right")) - 1
            end = self.authors.find(b"\n", place, self.authors_bytes)
            place = self.authors.find(text, end, self.authors_bytes)


def admitted(database: Database, columns: Columns | None, wanted: Filter, end_row: int) -> Mask:
    """Which rows have a paper that `wanted` admits: (end_row,) bool."""
    mask = np.ones(end_row, np.bool_)
    if wanted.category or wanted.since or wanted.until or wanted.author:
        (columns or _collect(database.stream(_SELECT), end_row)).admit(wanted, mask)
    if wanted.only_ids is not None:
        _keep(mask, [_rows_of(database, wanted.only_ids)])
    if wanted.not_ids:
        mask[_rows_of(database, wanted.not_ids)] = False
    return mask


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to the papers since a commit."""

    generation: int  # of the commit
    segments: tuple[Segment, ...]  # of the commit
    rows: npt.NDArray[np.int64]  # (n,), ascending: they have other metadata, another paper, or none; later ones are new


def open_columns(folder: Path, found: Sequence[Cache], generation: int, segments: Sequence[Segment]) -> Columns | None:
    """The cache, when it is of the commit that is given; else None."""
    for cache in found:
        if cache.kind == KIND and cache.is_current(segments, generation):
            path = caches.path_of(folder, cache)
            return None if path is None else _open(path, cache.facts)
    return None


def write_columns(
    database: Database,
    path: Path,
    generation: int,
    end_row: int,
    before: Columns | None,
    changed: npt.NDArray[np.int64],
) -> tuple[int, dict[str, Any]]:
    """Write the cache; the size of its head, and its facts.

    `before`: of an earlier commit, after which only the rows `changed` changed, and later ones came.
    """
    if before is None:
        columns = _collect(database.stream(_SELECT + " ORDER BY row"), end_row)
    else:
        new = database.stream(f"{_SELECT} WHERE row >= {len(before.dates)} ORDER BY row")
        old = database.some(_SELECT + " WHERE row IN ({})", changed[changed < len(before.dates)].tolist())
        columns = _patched(before, _collect(chain(old, new), end_row), changed)
    with path.open("xb") as file:
        file.write(columns.authors)
        file.write(bytes(-columns.authors_bytes % 8))
        arrays: list[npt.NDArray[Any]] = [columns.starts, columns.dates, columns.rows, *columns.by_category.values()]
        for column in arrays:
            file.write(column.data)
    return 0, {
        "generation": generation,
        "end_row": end_row,
        "n_papers": len(columns.rows),
        "authors_bytes": columns.authors_bytes,
        "categories": [[name, len(rows)] for name, rows in columns.by_category.items()],
    }


def _open(path: Path, facts: Mapping[str, Any]) -> Columns:
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    place = facts["authors_bytes"] + -facts["authors_bytes"] % 8

    def take(n: int, dtype: type[Any]) -> npt.NDArray[Any]:
        nonlocal place
        column: npt.NDArray[Any] = np.frombuffer(content, dtype, n, place)
        place += column.nbytes
        return column

    starts, dates = take(facts["n_papers"], np.uint64), take(facts["end_row"], np.int32)
    rows = take(facts["n_papers"], np.uint32)
    by_category = {name: take(n, np.uint32) for name, n in facts["categories"]}
    return Columns(dates, rows, starts, by_category, content, facts["authors_bytes"])


def _patched(before: Columns, fresh: Columns, changed: npt.NDArray[np.int64]) -> Columns:
    """`before` without the rows `changed`, and with what `fresh` has."""
    dates = fresh.dates.copy()  # (end_row,)
    kept_rows = np.setdiff1d(np.arange(min(len(before.dates), len(dates))), changed)
    dates[kept_rows] = before.dates[kept_rows]
    is_kept = ~np.isin(before.rows, changed)  # (n,)
    ends = np.append(before.starts[1:], before.authors_bytes).astype(np.int64)  # (n,)
    authors, start = bytearray(), 0
    for line in np.flatnonzero(~is_kept).tolist():
        authors += before.authors[start : int(before.starts[line])]
        start = int(ends[line])
    authors += before.authors[start : before.authors_bytes]
    lengths = (ends - before.starts.astype(np.int64))[is_kept]
    starts = np.concatenate([np.cumsum(lengths) - lengths, fresh.starts.astype(np.int64) + len(authors)])
    authors += fresh.authors[: fresh.authors_bytes]
    nothing = np.empty(0, np.uint32)
    by_category = {}
    for name in sorted(before.by_category.keys() | fresh.by_category.keys()):
        old = before.by_category.get(name, nothing)
        rows = np.concatenate([old[~np.isin(old, changed)], fresh.by_category.get(name, nothing)])
        if len(rows):
            by_category[name] = np.sort(rows)
    rows = np.concatenate([before.rows[is_kept], fresh.rows])
    return Columns(dates, rows, starts.astype(np.uint64), by_category, bytes(authors), len(authors))


def _collect(papers: Iterable[tuple[Any, ...]], end_row: int) -> Columns:
    dates = np.zeros(end_row, np.int32)
    rows, starts = array("I"), array("Q")
    together: dict[str, array[int]] = {}  # rows, by the categories of a paper
    authors = bytearray()
    for row, updated, categories, names in papers:
        rows.append(row)
        starts.append(len(authors))
        authors += plain(names).encode() + b"\n"
        dates[row] = date_number(updated) if updated else 0
        if categories not in together:
            together[categories] = array("I")
        together[categories].append(row)
    by_category: dict[str, list[array[int]]] = {}
    for categories, found in together.items():
        for category in set(categories.split()):
            by_category.setdefault(category, []).append(found)
    return Columns(
        dates,
        np.array(rows, np.uint32),
        np.array(starts, np.uint64),
        {name: np.sort(np.concatenate(found)).astype(np.uint32) for name, found in sorted(by_category.items())},
        bytes(authors),
        len(authors),
    )


def _rows_of(database: Database, ids: Collection[str]) -> npt.NDArray[np.int64]:
    return np.array([row for [row] in database.some("SELECT row FROM papers WHERE id IN ({})", list(ids))], np.int64)


def _keep(mask: Mask, groups: Iterable[npt.NDArray[Any]]) -> None:
    """Clear `mask` but for the rows of `groups`."""
    kept = np.zeros_like(mask)
    for rows in groups:
        kept[rows] = True
    mask &= kept
