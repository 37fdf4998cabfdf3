"""The graph of neighbours: for each paper those that are nearest to it, in one file.

While it is made, the lists of the first rows are caches too: a run that was killed goes on behind them. The file has a
key of each row, by which a later commit tells what has changed (`pipeline/update_graph.py`).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.advice import command
from lunacy.arrays import Rows, Scores
from lunacy.derived import once_per_view, whole_content
from lunacy.errors import UsageError
from lunacy.measured import GraphFacts
from lunacy.store import Cache, View, caches

KIND = "graph"
_LAYOUT = 1  # of the file
_BLOCK = 2**13  # rows at a time

Keys = npt.NDArray[np.uint64]  # (end_row,)


@dataclass(frozen=True, slots=True)
class Lists:
    """The neighbours of consecutive rows; a row without a paper has none."""

    rows: npt.NDArray[np.int32]  # (n, k): the nearest first, those equally near by row; -1: there are no more
    cosines: npt.NDArray[np.float32]  # (n, k); 0 where there are no more

    @classmethod
    def empty(cls, n: int, k: int) -> Lists:
        """Of `n` rows without neighbours."""
        return cls(np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32))

    def put(self, place: int, rows: Rows, scores: Scores) -> None:
        """Make `rows`, best first, the neighbours of the one at `place`."""
        self.rows[place, : len(rows)], self.cosines[place, : len(rows)] = rows, scores

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Graph:
    """The neighbours of all papers, memory-mapped."""

    facts: GraphFacts
    keys: Keys  # what each row held; 0: no paper
    lists: Lists  # of all rows, from 0 on

    def blocks(self) -> Iterator[tuple[int, Lists]]:
        """All lists in the order of rows, copied block by block: (first row, lists)."""
        for start in range(0, len(self.lists), _BLOCK):
            some = slice(start, start + _BLOCK)
            yield start, Lists(self.lists.rows[some].copy(), self.lists.cosines[some].copy())


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the graph of an index without reading it."""

    facts: GraphFacts
    is_current: bool  # else papers have changed since, and it is not used


def paper_keys(view: View) -> Keys:
    """A key of each row: a hash of what decides its lists, the paper's id, its vector and whether it was withdrawn."""
    keys = np.zeros(view.end_row, np.uint64)
    for row, identifier, vector_hash, withdrawn in view.stream("id, vector_hash, withdrawn"):
        key = blake2b(vector_hash + bytes([bool(withdrawn)]) + identifier.encode(), digest_size=8).digest()
        keys[row] = int.from_bytes(key, "little") or 1
    return keys


@once_per_view
def open_graph(view: View) -> Graph | None:
    """The graph of the commit of `view`; None where there is none, or it is damaged."""
    cache = next((one for one in view.caches if is_whole(one) and is_current(one, view)), None)
    return read_graph(view, cache) if cache else None


def require_graph(view: View, where: str | Path) -> Graph:
    """As `open_graph`. Raises UsageError where there is none; `where`: the index, as its user calls it."""
    graph = open_graph(view)
    if graph is None:
        hint = f"make it with: {command('graph', '--index', where)}"
        raise UsageError("the index has no graph of neighbours that is up to date", where=where, hint=hint)
    return graph


def state_of(view: View) -> State | None:
    """What is known of the graph; None where there is none."""
    graphs = [one for one in view.caches if is_whole(one)]
    graphs.sort(key=lambda one: is_current(one, view))
    return State(facts_of(graphs[-1]), is_current(graphs[-1], view)) if graphs else None


def facts_of(cache: Cache) -> GraphFacts:
    """How a graph, or a part of one, was made."""
    return GraphFacts.read(cache.facts)


def is_whole(cache: Cache) -> bool:
    """Whether it is a graph of all rows, and its facts are those that `add_graph` gives."""
    return cache.kind == KIND and _is_read(cache) and "first_row" not in cache.facts


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the commit of `view`, a graph or a part of one."""
    return (
        _is_read(cache)
        and cache.facts.get("generation") == view.generation
        and cache.is_made_from(view.stored_segments)
        and caches.path_of(view.folder, cache) is not None
    )


def _is_read(cache: Cache) -> bool:
    """Whether its facts are some that this module gives, and the file is as long as they say."""
    facts = cache.facts
    if facts.get("layout") != _LAYOUT or not isinstance(facts.get("end_row"), int):
        return False
    try:
        k = GraphFacts.read(facts).k
        n_rows, row_bytes = facts["end_row"] - facts.get("first_row", 0), 8 * k + 8 * ("first_row" not in facts)
    except (ValueError, TypeError):
        return False
    return bool(k > 0 and n_rows >= 0 and cache.size_bytes == n_rows * row_bytes)


def read_graph(view: View, cache: Cache) -> Graph | None:
    """The graph in a file, of whatever commit; None if the file is not as it was written."""
    content = whole_content(view.folder, cache)
    if content is None:
        return None
    keys = np.frombuffer(content, np.uint64, cache.facts["end_row"])
    facts = facts_of(cache)
    lists = _lists(content, keys.nbytes, len(keys), facts.k)
    is_right = lists.rows.min(initial=0) >= -1 and lists.rows.max(initial=-1) < len(keys)
    return Graph(facts, keys, lists) if is_right else None


def read_part(view: View, cache: Cache) -> Lists | None:
    """The lists in a part; None if the file is not as it was written."""
    content = whole_content(view.folder, cache)
    n_rows = cache.facts["end_row"] - cache.facts["first_row"]
    return None if content is None else _lists(content, 0, n_rows, facts_of(cache).k)


def _lists(content: mmap.mmap, offset: int, n_rows: int, k: int) -> Lists:
    rows = np.frombuffer(content, np.int32, n_rows * k, offset).reshape(n_rows, k)
    cosines = np.frombuffer(content, np.float32, n_rows * k, offset + rows.nbytes).reshape(n_rows, k)
    return Lists(rows, cosines)


def parts_of(view: View, facts: GraphFacts) -> list[Cache]:
    """The parts of a graph in the making, made as `facts` say: from row 0 on, in order."""
    found = (one for one in _parts(view) if facts_of(one) == facts)
    chained: list[Cache] = []
    for one in sorted(found, key=lambda part: int(part.facts["first_row"])):
        if one.facts["first_row"] == (chained[-1].facts["end_row"] if chained else 0):
            chained.append(one)
    return chained


def begun_with(view: View) -> list[GraphFacts]:
    """How the graph is made that a stopped run has begun, if one has."""
    return [facts_of(one) for one in _parts(view)]


def _parts(view: View) -> list[Cache]:
    return [one for one in view.caches if one.kind == KIND and "first_row" in one.facts and is_current(one, view)]


def add_part(view: View, facts: GraphFacts, first_row: int, some: Sequence[Lists]) -> Cache:
    """Keep the lists of the rows from `first_row` on."""
    n_rows = sum(map(len, some))
    where = {"first_row": first_row, "end_row": first_row + n_rows}

    def write(path: Path) -> tuple[int, dict[str, Any]]:
        with path.open("xb") as file:
            for lists in some:
                file.write(lists.rows.data)
            for lists in some:
                file.write(lists.cosines.data)
        return 0, {**_facts(view, facts), **where}

    return caches.add(
        view.folder, KIND, f"{KIND}part", view.stored_segments, size_bytes=n_rows * facts.k * 8, write=write
    )


def add_graph(view: View, facts: GraphFacts, keys: Keys, blocks: Iterable[Lists]) -> Cache:
    """Keep the graph of the commit of `view`. `keys`: as of `paper_keys`; `blocks`: the lists of all rows in order."""
    end_row, k = view.end_row, facts.k

    def write(path: Path) -> tuple[int, dict[str, Any]]:
        with path.open("xb") as file:
            file.write(keys.data)
            start = 0
            for lists in blocks:
                file.seek(keys.nbytes + 4 * k * start)
                file.write(lists.rows.data)
                file.seek(keys.nbytes + 4 * k * (end_row + start))
                file.write(lists.cosines.data)
                start += len(lists)
        assert start == end_row
        return 0, {**_facts(view, facts), "end_row": end_row}

    return caches.add(view.folder, KIND, KIND, view.stored_segments, size_bytes=end_row * (8 + 8 * k), write=write)


def _facts(view: View, facts: GraphFacts) -> dict[str, Any]:
    return {"layout": _LAYOUT, "generation": view.generation, **facts.record()}
