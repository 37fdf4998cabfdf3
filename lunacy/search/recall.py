"""How many lists give the wanted recall: measured on held-out queries against the exact scan, self left out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors
from lunacy.derived.faiss_threads import in_thread
from lunacy.derived.ivf import Ivf, Lists, map_lists, write_lists
from lunacy.errors import UsageError
from lunacy.measured import IvfFacts, Measured, QueryKind, Recall
from lunacy.progress import Progress, Report, no_report, reported
from lunacy.search.approximate import search_ivf
from lunacy.search.exact import Found, search
from lunacy.store import View

RECALL = 0.98
TOP = 10  # recall is that of the ten best
N_QUERIES, N_TITLES = 1000, 2000  # the recall of texts varies more from one to the other
_TRIED = (0.25, 0.5, 0.75, 1, 1.5, 2, 4)  # times the chosen nprobe: the curve that `--nprobe` is judged by


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
    truth: list[Found]


def ask(view: View, vectors: Vectors, left_out: Rows, progress: Report = no_report) -> Queries:
    """Queries, answered exactly."""
    progress(Progress("measuring recall: exact answers"))
    return Queries(vectors, left_out, search(view, vectors, TOP, without=left_out.tolist()))


def draw(view: View, n: int, seed: int = 0) -> Rows:
    """Rows of papers that are not withdrawn, at random: at most `n`."""
    able = [
        np.delete(np.arange(one.segment.n_rows), one.dead_or_withdrawn) + one.segment.first_row for one in view.segments
    ]
    rows = np.concatenate(able)
    return np.sort(np.random.default_rng(seed).choice(rows, min(n, len(rows)), replace=False))


def recalls(truth: Sequence[Found], found: Sequence[Found]) -> npt.NDArray[np.float64]:
    """(n,): of the true best, the share that was found. A row that scores as high as the last of them counts as it."""
    shares = [
        float((given.scores[: len(true.rows)] >= true.scores[-1] - 1e-9).sum()) / len(true.rows)
        for true, given in zip(truth, found, strict=True)
        if len(true.rows)
    ]
    return np.array(shares)


def interval(shares: npt.NDArray[np.float64]) -> Recall:
    """The mean of (n,) shares, with its 95 % confidence interval (normal approximation over queries)."""
    mean = float(shares.mean()) if len(shares) else 1.0
    off = 1.96 * float(shares.std(ddof=1)) / np.sqrt(len(shares)) if len(shares) > 1 else 1.0
    return Recall(round(mean, 4), round(max(0.0, float(mean - off)), 4), round(min(1.0, float(mean + off)), 4))


def write_ivf(
    view: View,
    path: Path,
    *,
    wanted: float,
    papers: Queries,
    texts: Queries | None,
    date: str,
    progress: Report = no_report,
) -> tuple[int, dict[str, Any]]:
    """Write the lists, tuned to the recall that is `wanted`: the size of the file's head, and the facts as stored.

    Without `texts` to measure, they get twice the lists of papers, and their recall is that of papers with half.
    """
    started = time.perf_counter()
    head_bytes, nlist, lists = write_lists(view, path, progress)
    build_s = round(time.perf_counter() - started, 2)
    covered = frozenset(segment.number for segment in view.stored_segments)
    nothing = Measured(1, Recall(0.0, 0.0, 1.0), (), 0)
    facts = IvfFacts(nlist, wanted, TOP, date, nothing, nothing, build_s)
    opened = Ivf(map_lists(path), covered, facts)
    by_papers = _tune(view, opened, lists, papers, "paper", progress)
    by_texts = by_papers.for_texts(nlist) if texts is None else _tune(view, opened, lists, texts, "text", progress)
    return head_bytes, replace(facts, papers=by_papers, texts=by_texts).record()


def _tune(view: View, ivf: Ivf, lists: Lists, queries: Queries, query_kind: QueryKind, progress: Report) -> Measured:
    """The least nprobe with the wanted recall, and the recall measured with it and with others around it."""
    needed = _lists_needed(ivf, lists, queries)
    nlist, wanted = ivf.index.nlist, ivf.facts.wanted
    enough = np.arange(1, nlist + 1)
    shares = np.searchsorted(np.sort(needed), enough, side="right") / max(len(needed), 1)  # (nlist,): at most by lists
    nprobe = int(np.argmax(shares >= wanted)) + 1 if (shares >= wanted).any() else nlist
    doing = f"measuring recall on {'titles' if query_kind == 'text' else 'papers'}"
    progress(Progress(doing))
    recall = _measure(view, ivf, queries, query_kind, nprobe)
    while recall.mean < wanted and nprobe < nlist:
        nprobe = min(nlist, nprobe + max(1, nprobe // 16))
        recall = _measure(view, ivf, queries, query_kind, nprobe)
    tried = sorted({min(nlist, max(1, round(nprobe * factor))) for factor in _TRIED})
    n = len(queries.left_out)
    curve = [
        (one, recall if one == nprobe else _measure(view, ivf, queries, query_kind, one))
        for one in reported(doing, tried, [n] * len(tried), progress, unit="queries")
    ]
    return Measured(nprobe, recall, tuple(curve), n)


def _lists_needed(ivf: Ivf, lists: Lists, queries: Queries) -> Rows:
    """For each true answer, how many lists must be searched to find it."""
    _scores, order = in_thread(lambda: ivf.index.quantizer.search(queries.vectors, ivf.index.nlist))  # (q, nlist)
    needed = []
    for ranked, true in zip(order, queries.truth, strict=True):
        ranks = np.empty(len(ranked), np.int64)
        ranks[ranked] = np.arange(1, len(ranked) + 1)
        needed.append(ranks[lists[true.rows]])
    return np.concatenate(needed) if needed else np.empty(0, np.int64)


def _measure(view: View, ivf: Ivf, queries: Queries, query_kind: QueryKind, nprobe: int) -> Recall:
    found = search_ivf(
        view, ivf, queries.vectors, TOP, query_kind=query_kind, nprobe=nprobe, without=queries.left_out.tolist()
    )
    return interval(recalls(queries.truth, found))
