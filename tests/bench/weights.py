"""Learn the weights of hybrid scores: python -m tests.bench.weights INDEX QRELS [INDEX QRELS ...]

QRELS: pairs (query-id, corpus-id, score) over the papers of an INDEX with words, as `lunacy bench quality` reads them.
Half of the queries of each set, by a hash of their ids, are for learning. Of all settings of `GRID` the one is taken
with the highest objective: the mean over the sets of the gains in nDCG@10 and in recall@100, as shares of what vectors
and words alone give. This prints the gains of the best settings on the other halves, and the logistic curve of the
best (by scikit-learn), which tells related candidates from others, both counting as one half, and all sets alike.
"""

from __future__ import annotations

import itertools
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from lunacy.arrays import NONE, Scores
from lunacy.bench.judgements import read_qrels
from lunacy.derived.faiss_threads import one_thread_each
from lunacy.derived.lexical import open_lexical
from lunacy.filter import Filter
from lunacy.query.asked import target_of
from lunacy.search.background import Background
from lunacy.search.by_words import by_words
from lunacy.search.candidates import candidates_of, qualify
from lunacy.search.exact import nearest_to_all, search
from lunacy.search.fused import LEARNED, N_CANDIDATES, Weights
from lunacy.search.shortlist import Shortlist
from lunacy.search.target import Sides
from lunacy.search.wish import Wish
from lunacy.store import Store, View

MOST = 300  # queries of a set
GRID = [
    Weights(words=words, feedback=feedback, neighbours=neighbours)
    for words, feedback, neighbours in itertools.product((0.3, 0.35, 0.4), (0.0, 0.5, 1.0), (0.0, 0.5, 1.0))
]
PLAIN = replace(LEARNED, feedback=0.0, neighbours=0.0)


@dataclass(frozen=True)
class Case:
    """A query: its candidates by vectors and words, and how relevant each paper is, by row."""

    wish: Wish
    shortlist: Shortlist
    relevance: dict[int, int]
    is_for_learning: bool


def cases_of(view: View, qrels: Path) -> Iterator[Case]:
    """Of up to `MOST` queries that the index holds."""
    judged = read_qrels(qrels)
    rows = view.rows(sorted({*judged, *itertools.chain.from_iterable(judged.values())}))
    queries = sorted((one for one in judged if one in rows), key=lambda one: zlib.crc32(one.encode()))[:MOST]
    by_segment = candidates_of(view, Filter(), False)

    lexical = open_lexical(view)
    if lexical is None:
        raise SystemExit(f"{view.folder} has no word index")
    sides = Sides(
        vectors=view.vectors,
        papers=view.papers,
        nearest=lambda vectors, n: search(view, vectors, n),
        nearest_to_all=lambda vectors, n: nearest_to_all(by_segment, vectors, n),
        background=lambda: Background.of(NONE, np.empty((0, view.fingerprint.dim), np.float32)),  # of no use for one
        lexical=lexical,
        qualify=lambda rows: qualify(by_segment, rows),
    )
    for query in queries:
        row = np.array([rows[query]])
        target = target_of(view.papers(row), view.vectors(row), row)
        relevance = {rows[one]: score for one, score in judged[query].items() if one in rows and one != query}
        wish = Wish.of(sides, target, None, "hybrid")
        [near], [words] = sides.nearest(target.vectors, N_CANDIDATES + 1), by_words(sides, [target], N_CANDIDATES)
        shortlist = Shortlist.of(sides, wish, near, words, [], N_CANDIDATES)
        yield Case(wish, shortlist, relevance, bool(zlib.crc32(query[::-1].encode()) & 1))


def ranked(case: Case, weights: Weights) -> Shortlist:
    """The candidates with scores by `weights`; those of the case are by `LEARNED`."""
    parts = case.shortlist.parts
    parts = replace(
        parts,
        vectors=parts.vectors * (1 - weights.words) / (1 - LEARNED.words),
        words=parts.words * weights.words / LEARNED.words,
    )
    return replace(case.shortlist, parts=parts, scores=parts.total).refined(replace(case.wish, weights=weights))


def quality(case: Case, weights: Weights) -> tuple[float, float]:
    """NDCG@10 and recall@100."""
    found = ranked(case, weights)
    gains = np.array([case.relevance.get(row, 0) for row in found.rows[found.order()[:100]].tolist()])
    ideal = np.sort([score for score in case.relevance.values() if score > 0])[::-1][:10]
    discounts = 1 / np.log2(np.arange(2, 12))
    best = float(ideal @ discounts[: len(ideal)])
    n_related = sum(score > 0 for score in case.relevance.values())
    return float(gains[:10] @ discounts[: len(gains[:10])]) / max(best, 1e-9), (gains > 0).sum() / max(n_related, 1)


def qualities(cases: Sequence[Case], weights: Weights) -> Scores:
    """(n, 2)."""
    return np.array([quality(case, weights) for case in cases])


def curve(shortlists: Sequence[Sequence[Case]], weights: Weights) -> tuple[float, float]:
    """The centre and the slope of the logistic curve, where related candidates and others have the same weight."""
    scores, labels, shares = list[Scores](), list[Scores](), list[Scores]()
    for cases in shortlists:
        found = [ranked(case, weights) for case in cases]
        mine = np.concatenate([one.scores for one in found])
        related = [
            np.array([case.relevance.get(row, 0) > 0 for row in one.rows.tolist()])
            for case, one in zip(cases, found, strict=True)
        ]
        label = np.concatenate(related)
        scores.append(mine)
        labels.append(label)
        shares.append(np.where(label, 1 / label.sum(), 1 / (~label).sum()))
    model = LogisticRegression(C=1e6)
    model.fit(np.concatenate(scores)[:, None], np.concatenate(labels), sample_weight=np.concatenate(shares) * 1e4)
    slope = float(model.coef_[0, 0])
    return -float(model.intercept_[0]) / slope, slope


def main(arguments: Sequence[str]) -> None:
    """Print what is learned."""
    learning, reporting, for_curve = list[Scores](), list[Scores](), list[list[Case]]()
    for folder, qrels in zip(arguments[::2], arguments[1::2], strict=True):
        with Store(folder) as store, store.view() as view, one_thread_each():
            cases = list(cases_of(view, Path(qrels)))
        print(f"{qrels}: {len(cases)} queries", flush=True)
        for half, means in ((True, learning), (False, reporting)):
            mine = [case for case in cases if case.is_for_learning == half]
            plain = qualities(mine, PLAIN).mean(axis=0)
            means.append(np.array([qualities(mine, one).mean(axis=0) / plain - 1 for one in GRID]))  # (g, 2)
        for_curve.append([case for case in cases if case.is_for_learning][:100])
    objective = np.mean(learning, axis=(0, 2))
    for place in np.argsort(-objective)[:10]:
        told = " ".join(f"{one[place][0]:+.3f}/{one[place][1]:+.3f}" for one in reporting)
        print(f"{objective[place]:+.4f} {GRID[place]}  the other halves: {told}")
    centre, slope = curve(for_curve, GRID[int(objective.argmax())])
    print(f"logistic curve: centre {centre:.2f}, slope {slope:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
