"""Whether `--diverse` and `--fold` steer: python -m tests.bench.steering INDEX PAIRS.tsv

Diversity: other formulas beside that of `--diverse`, on the same candidates, for 300 papers drawn and the queries of
PAIRS.tsv (as `lunacy bench quality` takes them). Near-duplicates: rules beside that of `--fold`, on judged_pairs.tsv.

These are all pairs of the 120,000 papers, none of them withdrawn, with a cosine of 0.85 or more, with one title, or
with an author in common and titles that share 70 % of their words. Those with an author in common whose abstracts share
two thirds of their text or whose titles are nearly one were read, and so were all from a cosine of 0.915 on. A pair is
the same if it is one work: a revision, an extended version, a talk on the same results. Parts of a series are not, nor
is the same method on another case, nor are comments by different people.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.bench.judgements import read_qrels
from lunacy.search import search
from lunacy.search.diversity import diverse
from lunacy.search.near_duplicates import Work
from lunacy.store import Store, View

N_DRAWN, MOST, K = 300, 200, 10
JUDGED = Path(__file__).parent / "judged_pairs.tsv"

Formula = Callable[[Vectors, np.ndarray], Sequence[int]]  # candidates, best first, and their cosines -> ten of them


def by_mmr(strength: float) -> Formula:
    """Carbonell and Goldstein (1998): (1 - strength) relevance - strength (highest cosine to those chosen)."""

    def choose(vectors: Vectors, cosines: np.ndarray) -> list[int]:
        chosen: list[int] = []
        highest = np.zeros(len(vectors))
        for _ in range(K):
            gain = (1 - strength) * cosines - strength * highest
            gain[chosen] = -np.inf
            chosen.append(int(gain.argmax()))
            highest = np.maximum(highest, vectors @ vectors[chosen[-1]])
        return chosen

    return choose


def by_mean(strength: float) -> Formula:
    """That of `--diverse`."""

    def choose(vectors: Vectors, cosines: np.ndarray) -> list[int]:
        return diverse(np.arange(len(vectors)), vectors, cosines, cosines, K, strength).tolist()

    return choose


def by_dpp(alpha: float) -> Formula:
    """Chen, Zhang and Zhou (2018): the greedy maximum of alpha (sum of relevance) + log det(cosines)."""

    def choose(vectors: Vectors, cosines: np.ndarray) -> list[int]:
        chosen: list[int] = []
        left, parts = np.ones(len(vectors)), np.zeros((0, len(vectors)))
        for _ in range(K):
            gain = alpha * cosines + np.log(np.maximum(left, 1e-12))
            gain[chosen] = -np.inf
            best = int(gain.argmax())
            part = (vectors @ vectors[best] - parts[:, best] @ parts) / np.sqrt(max(left[best], 1e-12))
            chosen.append(best)
            parts, left = np.vstack([parts, part]), left - part**2
        return chosen

    return choose


FORMULAS: list[tuple[str, int, Formula]] = [
    ("as it is", K, lambda vectors, _cosines: range(len(vectors))),
    *((f"--diverse {x}", 200, by_mean(x)) for x in (0.3, 0.4, 0.5, 0.6, 0.8, 1.0)),
    ("--diverse 0.5 on 100", 100, by_mean(0.5)),
    *((f"MMR {x}", 200, by_mmr(x)) for x in (0.3, 0.4, 0.5, 0.6)),
    *((f"DPP, alpha {alpha}", 200, by_dpp(alpha)) for alpha in (6, 4, 3, 2)),
]


def ndcg(hits: Sequence[int], wanted: set[int]) -> float:
    """With relevance 0 or 1, of ten hits."""
    gain = sum(1 / np.log2(place + 2) for place, one in enumerate(hits) if one in wanted)
    return float(gain / sum(1 / np.log2(place + 2) for place in range(min(K, len(wanted)))))


def measure_diversity(view: View, pairs: str) -> None:
    """Print a line a formula."""
    qrels = read_qrels(Path(pairs))
    rows = view.rows([*qrels, *(one for wanted in qrels.values() for one in wanted)])
    drawn = np.random.default_rng(0).choice(view.live_rows(), N_DRAWN, replace=False)
    queries: Rows = np.concatenate([drawn, [rows[one] for one in qrels]])
    found = search(view, view.vectors(queries), MOST, without=queries.tolist())
    wanted = [{rows[one] for one in group} for group in qrels.values()]
    print(f"{'':22} cosine of two hits   to the nearest hit   to the query   nDCG@10")
    base: list[float] = []
    for name, pool, choose in FORMULAS:
        inner, nearest, relevance, quality = [], [], [], []
        for place, one in enumerate(found):
            vectors = view.vectors(one.rows[:pool])
            chosen = list(choose(vectors, one.scores[:pool]))
            if place < N_DRAWN:
                cosines = vectors[chosen] @ vectors[chosen].T
                inner.append(cosines[~np.eye(K, dtype=bool)].mean())
                nearest.append((cosines - 2 * np.eye(K)).max(axis=1).mean())
                relevance.append(one.scores[chosen].mean())
            else:
                quality.append(ndcg(one.rows[chosen].tolist(), wanted[place - N_DRAWN]))
        mine = [float(np.mean(values)) for values in (inner, nearest, relevance, quality)]
        base = base or mine
        shown = [f"{value:.3f} ({value - first:+.3f})" for value, first in zip(mine[:3], base, strict=False)]
        print(
            f"{name:22} {shown[0]:20} {shown[1]:20} {shown[2]:14} {mine[3]:.3f} ({mine[3] / base[3]:.0%})", flush=True
        )


def measure_duplicates(view: View) -> None:
    """Print a line a rule."""
    with JUDGED.open(newline="") as file:
        judged = list(csv.reader(file, delimiter="\t"))[1:]
    ids = sorted({one for first, second, _ in judged for one in (first, second)})
    rows = view.rows(ids)
    ordered = np.array([rows[one] for one in ids], np.int64)
    works = dict(zip(ids, map(Work.of, view.papers(ordered)), strict=True))
    vectors = dict(zip(ids, view.vectors(ordered), strict=True))
    pairs = [(works[one], works[other], float(vectors[one] @ vectors[other])) for one, other, _ in judged]
    is_same = np.array([same == "1" for _, _, same in judged])
    cosines = np.array([cosine for *_, cosine in pairs])
    has_author = np.array([bool(one.authors & other.authors) for one, other, _ in pairs])
    one_title = np.array([one.title == other.title for one, other, _ in pairs])
    one_number = np.array([one.numbers == other.numbers for one, other, _ in pairs])
    print(f"\n{len(judged)} pairs, {is_same.sum()} of them the same")
    rules = {"--fold": np.array([one.is_same(other, cosine) for one, other, cosine in pairs])}
    for least in (0.9, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97):
        near = cosines >= least
        rules[f"cosine of {least}"] = near
        rules["... and an author in common"] = near & has_author
        rules["... and the same numbers"] = near & has_author & one_number
        rules["... or one title"] = has_author & ((near & one_number) | (one_title & (cosines >= 0.7)))
        for name, chosen in rules.items():
            right = (chosen & is_same).sum()
            precision, recall = right / chosen.sum(), right / is_same.sum()
            print(f"{name:30} {chosen.sum():4} pairs, precision {precision:.2f}, recall {recall:.2f}")
        rules = {}


def main(index: str, pairs: str) -> None:
    """Print both tables."""
    with Store(index) as store, store.view() as view:
        measure_diversity(view, pairs)
        measure_duplicates(view)


if __name__ == "__main__":
    main(*sys.argv[1:])
