"""Near-copies in a whole index: papers that are one work, by the rule of `--fold`, found by the graph."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np

from lunacy.arrays import NONE, Rows
from lunacy.copies import Copies, Pair
from lunacy.derived.graph import Graph, require_graph
from lunacy.progress import Progress, Report, no_report
from lunacy.search.near_duplicates import COPY, Work, title_words
from lunacy.store import Store, View

_BLOCK = 2**13  # pairs at a time: bounds memory


def duplicates(index: str | Path, *, progress: Report = no_report) -> list[Copies]:
    """The papers of the index in the folder `index` that are one work, in groups, in the order of the index.

    Two are near-copies if they share an author, and either have one title and a cosine of 0.7 or more, or a cosine of
    0.95 or more and titles with the same numbers. Withdrawn papers are left out. Raises NoIndex, and UsageError where
    no graph of neighbours is up to date: `build_graph` makes it.

    >>> graph = lunacy.build_graph("indexes/sample")
    >>> [[paper.id for paper in one.papers] for one in lunacy.duplicates("indexes/sample")]
    [['1209.0044', '1304.2852']]
    """
    with Store(index) as store, store.view() as view:
        view.require_papers(index)
        graph = require_graph(view, index)
        progress(Progress("comparing titles"))
        candidates = np.unique(np.concatenate([*_near(view, graph), *_titled_alike(view)]), axis=0)  # (n, 2)
        return _grouped(view, _same(view, candidates, progress))


def _near(view: View, graph: Graph) -> Iterator[Rows]:
    """(n, 2): rows whose papers are as near as copies are, not withdrawn, the lower one first."""
    yield np.empty((0, 2), np.int64)
    is_able = np.ones(view.end_row, np.bool_)
    for one in view.segments:
        is_able[one.dead_or_withdrawn + one.segment.first_row] = False
    for first, lists in graph.blocks():
        able = is_able[first : first + len(lists), None]
        places, nth = (able & (lists.cosines >= COPY)).nonzero()
        yield np.sort(np.stack([places + first, lists.rows[places, nth]], axis=1).astype(np.int64), axis=1)


def _titled_alike(view: View) -> Iterator[Rows]:
    """(n, 2): rows of papers with one title, not withdrawn, the lower one first."""
    hashes, rows = np.zeros(view.n_papers, np.uint64), np.full(view.n_papers, -1)
    for place, (row, title, withdrawn) in enumerate(view.stream("title, withdrawn")):
        words = " ".join(title_words(title)).encode()
        if words and not withdrawn:
            hashes[place], rows[place] = int.from_bytes(blake2b(words, digest_size=8).digest(), "little"), row
    hashes, rows = hashes[rows >= 0], rows[rows >= 0]
    order = np.argsort(hashes, kind="stable")
    for alike in np.split(rows[order], np.flatnonzero(np.diff(hashes[order])) + 1):
        if len(alike) > 1:
            left, right = np.triu_indices(len(alike), 1)
            yield np.stack([alike[left], alike[right]], axis=1)


def _same(view: View, candidates: Rows, progress: Report) -> list[tuple[int, int, float, bool]]:
    """(row, row, cosine, whether they have one title) of those `candidates`, (n, 2), that are one work."""
    same = []
    for start in range(0, len(candidates), _BLOCK):
        progress(Progress("comparing papers", start, len(candidates), "pairs"))
        block = candidates[start : start + _BLOCK]
        mine = np.unique(block)
        works = dict(zip(mine.tolist(), map(Work.of, view.papers(mine)), strict=True))
        left, right = (view.vectors(rows).astype(np.float64) for rows in block.T)
        cosines = (left * right).sum(axis=1)  # (b,)
        for (one, other), cosine in zip(block.tolist(), cosines.tolist(), strict=True):
            if works[one].is_same(works[other], cosine):
                same.append((one, other, cosine, works[one].title == works[other].title))
    return same


def _grouped(view: View, same: list[tuple[int, int, float, bool]]) -> list[Copies]:
    """The pairs, joined where they share a paper."""
    group_of: dict[int, set[int]] = {}
    for one, other, _cosine, _is_titled in same:
        joined = group_of.get(one, {one}) | group_of.get(other, {other})
        group_of.update(dict.fromkeys(joined, joined))
    rows = np.array(sorted(group_of), np.int64) if group_of else NONE
    papers = dict(zip(rows.tolist(), view.papers(rows), strict=True))
    pairs: dict[int, list[Pair]] = {}
    for one, other, cosine, is_titled in same:
        ids = papers[one].id, papers[other].id
        pairs.setdefault(min(group_of[one]), []).append(Pair(ids, cosine, is_titled))
    return [
        Copies(tuple(papers[row] for row in sorted(group_of[first])), tuple(some))
        for first, some in sorted(pairs.items())
    ]
