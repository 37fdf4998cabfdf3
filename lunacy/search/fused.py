"""The fused score of a hybrid list: by vectors and by words, then by what the best candidates say of the others.

    0.65 z(cosine) + 0.35 z(BM25)

where z is (score - mean) / deviation: of random pairs of the index for cosines, and of the question's own best 200 for
BM25. The best three then stand beside the question (relevance feedback), and each candidate gains by the scores of
those that it is like (score regularisation, Diaz 2005). docs/benchmarks.md says what each step brings, and on what the
weights were learned.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Scores, Vectors

N_CANDIDATES = 200  # from the vectors, and from the words: what the steps look at, however many hits are asked for
RAISED = 3.0  # deviations of the candidates' scores that an author in common is worth, where that was asked for
_N_FEEDBACK = 3  # of the best candidates
_N_NEIGHBOURS = 100  # of the best candidates: those whose scores the others gain by
_CENTRE, _SLOPE = 5.53, 0.48  # of the logistic curve that makes scores readable


@dataclass(frozen=True, slots=True)
class Weights:
    """What each step counts."""

    words: float = 0.35  # of BM25; the cosine has what is left of 1
    feedback: float = 1.0  # of the best candidates, where the question has 1
    neighbours: float = 1.0  # of the mean score of those that a candidate is like, where its own has 1


LEARNED = Weights()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a score is the sum of; (c,) each."""

    vectors: Scores  # of the question's own vector
    words: Scores  # of the question's own words
    unlike: Scores  # for likeness to what is not wanted
    feedback: Scores  # of the vectors of the best candidates
    neighbours: Scores  # of the scores of the candidates that it is like
    authors: Scores  # for an author in common with what is asked for, where that was asked for

    @property
    def total(self) -> Scores:
        """The sum."""
        return self.vectors + self.words + self.unlike + self.feedback + self.neighbours + self.authors

    def at(self, which: Rows | npt.NDArray[np.bool_]) -> Parts:
        """Of some candidates."""
        return Parts(*(getattr(self, one.name)[which] for one in fields(self)))

    def then(self, others: Parts) -> Parts:
        """Of these candidates, and of others."""
        names = [one.name for one in fields(self)]
        return Parts(*(np.concatenate([getattr(self, name), getattr(others, name)]) for name in names))


def readable(scores: Scores) -> Scores:
    """Fused scores between 0 and 1."""
    between: Scores = 1 / (1 + np.exp(-_SLOPE * (scores - _CENTRE)))
    return between


def with_best(aim: Vectors, best: Vectors, weight: float) -> Vectors:
    """The unit vector (dim,) of what is asked for together with the first of its (b, dim) best candidates."""
    both = aim + weight * best[:_N_FEEDBACK].mean(axis=0) if len(best) else aim
    unit: Vectors = both / max(float(np.linalg.norm(both)), 1e-9)
    return unit


def gained(vectors: Vectors, scores: Scores, best: Rows, weights: Weights) -> Scores:
    """(c,): what each candidate gains by the scores of those that it is like.

    `vectors` (c, dim) and `scores` (c,) are of the candidates; `best` are the places of those that are listened to.
    """
    best = best[:_N_NEIGHBOURS]
    likeness = np.maximum(vectors @ vectors[best].T, 0.0)  # (c, b)
    for _ in range(2):  # the fourth power: near neighbours count most
        np.square(likeness, out=likeness)
    likeness[best, np.arange(len(best))] = 0.0
    heard = scores[best].astype(np.float32)
    gain: Scores = weights.neighbours * (likeness @ heard).astype(np.float64) / np.maximum(likeness.sum(axis=1), 1e-9)
    return gain
