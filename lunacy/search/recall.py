"""How many lists give the wanted recall: measured on held-out queries against the exact scan, self left out.

Where a true answer lies tells how many lists must be searched for it, and so what any number of them would find. The
number that is taken is searched with, and that is the recall that is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors
from lunacy.derived.faiss_threads import in_thread, one_thread_each
from lunacy.derived.ivf import Ivf, Lists, map_lists, write_lists
from lunacy.errors import UsageError
from lunacy.measured import IvfFacts, Measured, QueryKind, Recall
from lunacy.progress import Progress, Report, no_report
from lunacy.search.approximate import search_ivf
from lunacy.search.exact import Found, search
from lunacy.store import View

RECALL = 0.98
TOP = 10  # recall is that of the ten best
BATCH = 128  # queries, after which the interval is looked at
N_QUERIES, N_TITLES = 1000, 2000  # at most; the recall of texts varies more from one to the other
_NARROW = 3 / 8  # half of the interval, as a share of what may be missed: 0.0075 for a recall of 0.98
_TRIED = (0.25, 0.5, 0.75, 1, 1.5, 2, 4)  # times the chosen nprobe: the curve that `--nprobe` is judged by

Shares = npt.NDArray[np.float64]  # (n,): of the true answers to each query, those that are found


def require_share(recall: float) -> None:
    """Raises UsageError for a recall that lists cannot be tuned to."""
    if not 0 < recall < 1:
        raise UsageError(
            f"recall is {recall}; give a share between 0 and 1, such as 0.98: that of an exact search is 1"
        )


@dataclass(frozen=True, slots=True)
class Queries:
    """Held-out queries of one kind, with their exact answers."""

    vectors: Vectors  # (n, dim)
    left_out: Rows  # (n,): the paper itself, or -1
    truth: Sequence[Found]

    @classmethod
    def joined(cls, batches: Sequence[Queries]) -> Queries:
        """Those of all batches, at least one."""
        return cls(
            np.concatenate([one.vectors for one in batches]),
            np.concatenate([one.left_out for one in batches]),
            [found for one in batches for found in one.truth],
        )


def asked(
    view: View, rows: Rows, vectors_of: Callable[[Rows], Vectors], doing: str, progress: Report = no_report
) -> Iterator[Queries]:
    """Queries for the papers at `rows`, each without the paper itself, answered exactly: at least one batch."""
    for start in range(0, max(len(rows), 1), BATCH):
        progress(Progress(doing, start, unit="queries"))
        some = rows[start : start + BATCH]
        vectors = vectors_of(some)
        yield Queries(vectors, some, search(view, vectors, TOP, without=some.tolist()))


def draw(view: View, n: int, seed: int = 0) -> Rows:
    """Rows of papers that are not withdrawn, at random and in no order: at most `n`."""
    able = [
        np.delete(np.arange(one.segment.n_rows), one.dead_or_withdrawn) + one.segment.first_row for one in view.segments
    ]
    rows = np.concatenate(able)
    return np.random.default_rng(seed).choice(rows, min(n, len(rows)), replace=False)


def recalls(truth: Sequence[Found], found: Sequence[Found]) -> Shares:
    """(n,): of the true best, the share that was found. A row that scores as high as the last of them counts as it."""
    shares = [
        float((given.scores[: len(true.rows)] >= true.scores[-1] - 1e-9).sum()) / len(true.rows)
        for true, given in zip(truth, found, strict=True)
        if len(true.rows)
    ]
    return np.array(shares)


def interval(shares: Shares) -> Recall:
    """The mean of the shares, with its 95 % confidence interval (normal approximation over queries)."""
    mean, off = float(shares.mean()) if len(shares) else 1.0, _half_width(shares)
    return Recall(round(mean, 4), round(max(0.0, mean - off), 4), round(min(1.0, mean + off), 4))


def _half_width(shares: Shares) -> float:
    return 1.96 * float(shares.std(ddof=1)) / float(np.sqrt(len(shares))) if len(shares) > 1 else 1.0


def write_ivf(
    view: View,
    path: Path,
    *,
    wanted: float,
    papers: Iterable[Queries],
    texts: Iterable[Queries] | None,
    date: str,
    progress: Report = no_report,
) -> tuple[int, dict[str, Any]]:
    """Write the lists, tuned to the recall that is `wanted`: the size of the file's head, and the facts as stored.

    Of the batches of `papers` and `texts` as many are taken as it needs. Without `texts` to measure, they get twice the
    lists of papers, and their recall is that of papers with half.
    """
    started = time.perf_counter()
    head_bytes, nlist, lists = write_lists(view, path, progress)
    build_s = round(time.perf_counter() - started, 2)
    covered = frozenset(segment.number for segment in view.stored_segments)
    nothing = Measured(1, Recall(0.0, 0.0, 1.0), (), 0)
    facts = IvfFacts(nlist, wanted, TOP, date, nothing, nothing, build_s)
    opened = Ivf(map_lists(path), covered, facts)
    by_papers = _tune(view, opened, lists, papers, "paper")
    by_texts = by_papers.for_texts(nlist) if texts is None else _tune(view, opened, lists, texts, "text")
    return head_bytes, replace(facts, papers=by_papers, texts=by_texts).record()


def _tune(view: View, ivf: Ivf, lists: Lists, batches: Iterable[Queries], query_kind: QueryKind) -> Measured:
    """The least nprobe with the wanted recall, the recall measured with it, and what others around it would find."""
    nlist, wanted = ivf.index.nlist, ivf.facts.wanted
    taken: list[Queries] = []
    needed: list[Rows] = []
    for batch in batches:
        taken.append(batch)
        needed += _lists_needed(ivf, lists, batch)
        nprobe = _fewest(needed, wanted, nlist)
        # Whether it is enough is told by how wide the interval is, not by where it lies: who asks until the recall is
        # as wanted finds it where it is not. All found is no width: what is rare was not met yet.
        if 0 < _half_width(_found_by(needed, nprobe)) <= _NARROW * (1 - wanted):
            break
    queries = Queries.joined(taken)
    shares = _searched(view, ivf, queries, query_kind, nprobe)
    while interval(shares).mean < wanted and nprobe < nlist:
        nprobe = min(nlist, nprobe + max(1, nprobe // 16))
        shares = _searched(view, ivf, queries, query_kind, nprobe)
    # what the codes lose, which is next to nothing, they lose with other numbers too
    lost = max(0.0, float(_found_by(needed, nprobe).mean() - shares.mean())) if len(shares) else 0.0
    tried = sorted({min(nlist, max(1, round(nprobe * factor))) for factor in _TRIED})
    curve = [(one, interval(shares if one == nprobe else _found_by(needed, one) - lost)) for one in tried]
    return Measured(nprobe, interval(shares), tuple(curve), len(queries.left_out))


def _lists_needed(ivf: Ivf, lists: Lists, queries: Queries) -> list[Rows]:
    """For each query, how many lists must be searched to find each of its true answers."""
    nlist = ivf.index.nlist
    centroids = in_thread(lambda: ivf.index.quantizer.reconstruct_n(0, nlist))  # (nlist, dim)
    with one_thread_each():
        products = queries.vectors @ centroids.T  # (q, nlist)
    return [
        (mine >= mine[lists[true.rows], None]).sum(axis=1) for mine, true in zip(products, queries.truth, strict=True)
    ]


def _found_by(needed: Sequence[Rows], nprobe: int) -> Shares:
    """The share of each query's true answers that so many lists have; queries without an answer do not count."""
    return np.array([(one <= nprobe).mean() for one in needed if len(one)])


def _fewest(needed: Sequence[Rows], wanted: float, nlist: int) -> int:
    """The fewest lists that have the wanted share of the true answers."""
    every = np.concatenate([np.empty(0, np.int64), *needed])
    return int(np.quantile(every, wanted, method="inverted_cdf")) if len(every) else nlist


def _searched(view: View, ivf: Ivf, queries: Queries, query_kind: QueryKind, nprobe: int) -> Shares:
    found = search_ivf(
        view, ivf, queries.vectors, TOP, query_kind=query_kind, nprobe=nprobe, without=queries.left_out.tolist()
    )
    return recalls(queries.truth, found)
