"""What filters ask about, in columns: collected from papers, patched after an update, asked by a `Filter`."""

from __future__ import annotations

import mmap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.author_lists import folded_lists
from lunacy.categories import matching_categories
from lunacy.dates import date_number
from lunacy.filter import Filter
from lunacy.names import Reading, readings
from lunacy.paper import month_of, posted_on
from lunacy.same_authors import whole_readings

FROM_PAPERS = "id, submitted, updated, categories, authors, names"
_BLOCK = 2**16  # papers at a time: bounds memory
Mask = npt.NDArray[np.bool_]  # (end_row,): whether the paper at a row is meant
Dates = npt.NDArray[np.int32]  # as `date_number` has them; 0 where none is known


@dataclass(frozen=True, slots=True)
class Columns:
    """What filters ask about, of the papers of one commit."""

    posted: Dates  # (end_row,)
    updated: Dates  # (end_row,)
    by_category: Mapping[str, npt.NDArray[np.uint32]]  # rows
    names: bytes | mmap.mmap  # begins with the folded names of all authors, a line each, in the order of rows
    starts: npt.NDArray[np.uint64]  # (end_row + 1,): where those of each row begin in `names`, and the last end

    def admit(self, wanted: Filter, mask: Mask) -> None:
        """Clear what the dates, categories and authors of `wanted` do not admit."""
        categories = matching_categories(wanted.category, self.by_category)
        if categories is not None:
            keep_only(mask, [rows for name, rows in self.by_category.items() if name in categories])
        if wanted.asks_when_posted:
            is_first_month = self.posted == (wanted.first_month or -1)  # of which no day is known
            mask &= (self.posted >= max(wanted.first_date, 1)) | is_first_month
            mask &= self.posted <= wanted.last_date
        if wanted.updated_since:
            mask &= self.updated >= date_number(wanted.updated_since)
        for author in wanted.author:
            keep_only(mask, [self._rows_by(reading) for reading in readings(author)])
        for author in wanted.not_authors:
            for reading in whole_readings(author):
                mask[self._rows_by(reading)] = False

    def _rows_by(self, reading: Reading) -> Rows:
        """The rows of the papers with an author that `reading` finds."""
        end, found = int(self.starts[-1]), []
        for key in reading.key:
            word = f" {key}".encode()
            offset = self.names.find(word, 0, end)
            while offset >= 0:
                found.append(offset)
                offset = self.names.find(word, offset + 1, end)
        if not reading.is_one_word:
            found = self._those_found(reading, found, end)
        rows = np.searchsorted(self.starts, np.array(found, np.uint64), side="right") - 1
        if rows.min(initial=0) < 0:
            raise IndexError("no row begins before this name")
        return rows

    def _those_found(self, reading: Reading, offsets: Sequence[int], end: int) -> list[int]:
        """Those of the `offsets` of a name that `reading` finds."""
        is_found: dict[bytes, bool] = {}
        kept = []
        for offset in offsets:
            name = self.names[self.names.rfind(b"\n", 0, offset) + 1 : self.names.find(b"\n", offset, end)]
            if name not in is_found:
                is_found[name] = reading.finds(name.decode())
            if is_found[name]:
                kept.append(offset)
        return kept


def patched_columns(before: Columns, fresh: Columns, changed: Rows) -> Columns:
    """`before` without the rows `changed`, and with what `fresh` has."""
    end_row, n_before = len(fresh.posted), len(before.posted)
    is_kept = np.arange(end_row) < n_before  # (end_row,)
    is_kept[changed[changed < end_row]] = False
    kept = np.flatnonzero(is_kept)
    posted, updated, sizes = fresh.posted.copy(), fresh.updated.copy(), np.diff(fresh.starts)
    posted[kept], updated[kept] = before.posted[kept], before.updated[kept]
    sizes[kept] = np.diff(before.starts)[kept]
    nothing = np.empty(0, np.uint32)
    by_category = {}
    for name in sorted(before.by_category.keys() | fresh.by_category.keys()):
        old = before.by_category.get(name, nothing)
        old = old[old < end_row]
        rows = np.concatenate([old[is_kept[old]], fresh.by_category.get(name, nothing)])
        if len(rows):
            by_category[name] = np.sort(rows)
    edges = [0, *(np.flatnonzero(np.diff(is_kept)) + 1).tolist(), end_row]
    names = b"".join(
        source.names[int(source.starts[first]) : int(source.starts[last])]
        for first, last in pairwise(edges)
        if first < last
        for source in ((before if is_kept[first] else fresh),)
    )
    return Columns(posted, updated, by_category, names, _starts(sizes))


def _starts(sizes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return np.append(np.uint64(0), np.cumsum(sizes, dtype=np.uint64))


def collect_columns(papers: Iterable[tuple[Any, ...]], end_row: int) -> Columns:
    """`papers`: (row, *FROM_PAPERS), in the order of rows."""
    posted, updated = np.zeros((2, end_row), np.int32)
    sizes = np.zeros(end_row, np.uint64)
    groups: defaultdict[str, int] = defaultdict(count().__next__)  # the categories of a paper, all together
    in_group = np.full(end_row, -1)  # (end_row,)
    texts = []
    for block in _blocks(iter(papers)):
        at, ids, submitted, changed, categories, authors, names = zip(*block, strict=True)
        rows, n = np.array(at), len(at)
        posted[rows] = np.fromiter(map(_posted, ids, submitted), np.int32, n)
        updated[rows] = np.fromiter(map(_number, changed), np.int32, n)
        in_group[rows] = np.fromiter(map(groups.__getitem__, categories), np.int64, n)
        text, ends = folded_lists(authors, names)
        sizes[rows] = np.diff(ends, prepend=0)
        texts.append(text)
    return Columns(posted, updated, _by_category(in_group, list(groups)), b"".join(texts), _starts(sizes))


def _blocks(papers: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while block := list(islice(papers, _BLOCK)):
        yield block


def _by_category(in_group: Rows, groups: Sequence[str]) -> dict[str, npt.NDArray[np.uint32]]:
    """The rows of each category. `in_group`: the group of each row, -1 for none; `groups`: the categories of each."""
    order = np.argsort(in_group, kind="stable").astype(np.uint32)
    ends = np.cumsum(np.bincount(in_group + 1, minlength=len(groups) + 1))
    found: dict[str, list[npt.NDArray[np.uint32]]] = {}
    for group, categories in enumerate(groups):
        for category in set(categories.split()):
            found.setdefault(category, []).append(order[ends[group] : ends[group + 1]])
    return {name: np.sort(np.concatenate(rows)) for name, rows in sorted(found.items())}


def _posted(identifier: str, submitted: str) -> int:
    return _number(posted_on(month_of(identifier), submitted))


def _number(date: str) -> int:
    return date_number(date) if date else 0


def keep_only(mask: Mask, groups: Iterable[npt.NDArray[Any]]) -> None:
    """Clear `mask` but for the rows of `groups`."""
    kept = np.zeros_like(mask)
    for rows in groups:
        kept[rows] = True
    mask &= kept
