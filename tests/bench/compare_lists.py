"""Compare two rankings by their lists: python -m tests.bench.compare_lists QRELS OLD.csv NEW.csv

The lists are what `lunacy query --batch IDS --rank hybrid --top 100 --format csv` prints, of two versions, or with
other options. Queries are those of OLD that QRELS judges (query-id, corpus-id, score, with tabs). Each mean stands with
that of the differences and its 95 % interval, by a paired bootstrap over queries. nDCG%20 is for sets whose papers are
all judged for each query, as CSFCube's are: of these papers alone, the first fifth; what is in no list is left out.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lunacy.arrays import Scores
from lunacy.bench.judgements import read_qrels

METRICS = ("nDCG@10", "MRR", "recall@100", "nDCG%20")
_RESAMPLES = 10_000


def main(qrels: str, old: str, new: str) -> None:
    """Print the table."""
    judged = {
        query: {one: at for one, at in them.items() if one != query} for query, them in read_qrels(Path(qrels)).items()
    }
    before, after = (lists_of(Path(path)) for path in (old, new))
    queries = [query for query in before if any(score > 0 for score in judged.get(query, {}).values())]
    first, second = (
        np.array([qualities(judged[query], lists.get(query, [])) for query in queries]) for lists in (before, after)
    )
    drawn = np.random.default_rng(0).integers(0, len(queries), (_RESAMPLES, len(queries)))
    print(f"{len(queries)} queries")
    for place, metric in enumerate(METRICS):
        differences = second[:, place] - first[:, place]
        low, high = np.percentile(differences[drawn].mean(axis=1), [2.5, 97.5])
        means = f"{first[:, place].mean():.4f} -> {second[:, place].mean():.4f}"
        print(f"{metric:10}  {means}  {differences.mean():+.4f} [{low:+.4f}, {high:+.4f}]")


def lists_of(path: Path) -> dict[str, list[str]]:
    """The ids of the hits of each query, best first."""
    lists: dict[str, list[str]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            lists.setdefault(row["query"], []).append(row["id"])
    return lists


def qualities(relevance: Mapping[str, int], ids: Sequence[str]) -> Scores:
    """The metrics of one list, in their order."""
    gains = np.array([relevance.get(one, 0) for one in ids], np.float64)
    ideal = np.sort([score for score in relevance.values() if score > 0])[::-1].astype(np.float64)
    places = np.flatnonzero(gains > 0)
    n = round(len(relevance) / 5)
    listed = np.array([relevance[one] for one in ids if one in relevance], np.float64)
    return np.array(
        [
            _dcg(gains[:10]) / _dcg(ideal[:10]),
            1 / (places[0] + 1) if len(places) else 0.0,
            (gains[:100] > 0).sum() / len(ideal),
            _dcg(listed[:n]) / _dcg(ideal[:n]) if n else np.nan,
        ]
    )


def _dcg(gains: Scores) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


if __name__ == "__main__":
    main(*sys.argv[1:])
