"""What `--older` and `--same-authors raise` find of what papers cite.

Run it with: python -m tests.bench.citations INDEX CITATIONS.tsv [N]

CITATIONS.tsv: pairs of ids, a paper and one that it cites, as `lunacy bench quality` takes them. N of the papers are
drawn, 300 by default. For each way nDCG@10, and what it gains over hybrid alone with the 95 % interval of its mean.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import lunacy
from lunacy.bench.judgements import read_qrels
from lunacy.search import shortlist

TOP = 10
DEVIATIONS = (1.0, 2.0, 3.0, 4.0, 6.0)  # by which papers of the same authors are raised


def ndcg(ids: list[str], cited: set[str]) -> float:
    """At TOP."""
    discounts = 1 / np.log2(np.arange(TOP) + 2)
    found = np.array([one in cited for one in ids])
    return float(discounts[: len(ids)][found].sum() / discounts[: len(cited)].sum())


def main() -> None:
    """Print a line for each way."""
    index, n = sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 300
    cited = {one: set(others) for one, others in read_qrels(Path(sys.argv[2])).items()}
    with lunacy.open_index(index) as ix:
        held = sorted(ix.held(sorted(cited)))
        drawn = np.random.default_rng(0).permutation(held)[:n].tolist()

        def measured(**options: Any) -> np.ndarray:
            answers = ix.similar_many(drawn, rank="hybrid", top=TOP, **options)
            return np.array(
                [ndcg([hit.id for hit in one], cited[id_]) for one, id_ in zip(answers, drawn, strict=True)]
            )

        plain = measured()
        print(f"hybrid, {len(drawn)} papers: {plain.mean():.3f}")
        for older in (False, True):
            name = "older" if older else "of any time"
            ways = {name: measured(older=older)}
            for deviations in DEVIATIONS:
                shortlist.RAISED = deviations  # type: ignore[attr-defined]
                ways[f"{name}, raised by {deviations:g}"] = measured(older=older, same_authors="raise")
            for way, scores in ways.items():
                gain = scores - plain
                half = 1.96 * gain.std() / len(gain) ** 0.5
                print(f"{way}: {scores.mean():.3f} ({gain.mean():+.3f} ± {half:.3f})", flush=True)


if __name__ == "__main__":
    main()
