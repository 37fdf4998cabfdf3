"""Choose hits that differ from one another.

The greedy choice is that of max-sum diversification (Gollapudi and Sharma 2009), or of maximal marginal relevance
(Carbonell and Goldstein 1998) with the mean similarity in the place of the highest. docs/benchmarks.md compares it with
that and with determinantal point processes.
"""

from __future__ import annotations

import numpy as np

from lunacy.arrays import Rows, Scores, Vectors

_POOL = 200  # the best, among which hits that differ are sought; twice as many as are asked for, if that is more


def pool_for(k: int) -> int:
    """How many of the best are looked at for `k` hits that differ."""
    return max(_POOL, 2 * k)


def diverse(order: Rows, vectors: Vectors, scores: Scores, cosines: Scores, k: int, strength: float) -> Rows:
    """`k` of `order`, one after the other: each with the highest (1 - strength) relevance - strength similarity.

    Relevance is the score, brought to the spread of the cosines. Similarity is the mean cosine to those chosen before.
    `vectors`, `scores` and `cosines` are of what `order` has the indexes of.
    """
    pool = order[: pool_for(k)]
    candidates, relevance = vectors[pool], scores[pool]  # (c, dim), (c,)
    if len(pool):
        relevance = relevance * (cosines[pool].std() / max(float(relevance.std()), 1e-9))
    similarity: Scores = np.zeros(len(pool))  # its sum over those chosen
    chosen: list[int] = []
    for n in range(min(k, len(pool))):
        gain = (1 - strength) * relevance - strength * similarity / max(n, 1)
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        similarity += candidates @ candidates[best]
    return pool[chosen]
