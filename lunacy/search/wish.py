"""What makes a good hit of one list: its vector, what is not wanted, and how scores by vectors and words add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lunacy.arrays import Scores, Vectors
from lunacy.question import UNLIKE
from lunacy.search.fused import LEARNED, Weights
from lunacy.search.target import Sides, Target


@dataclass(frozen=True, slots=True)
class Wish:
    """A target, as its candidates are scored."""

    target: Target
    unlike: Target | None
    how: str  # `Options.rank`
    wanted: Vectors  # (dim,): its product with a row is the part of the vectors
    unwanted: Vectors  # (u, dim): half of the highest product with any is taken off
    aims: Vectors  # (m, dim): the least product of a row with any of these is the score by vectors, for the scan
    mean: float  # of products with `wanted` of other papers
    deviation: float
    weights: Weights = LEARNED

    @classmethod
    def of(cls, sides: Sides, target: Target, unlike: Target | None, how: str) -> Wish:
        """For one: w x - u max_j n_j x = min_j (w - u n_j) x. For several, the direction turns away from `unlike`."""
        none = target.vectors[:0]
        unwanted = none if unlike is None else unlike.vectors
        if len(target.vectors) == 1:
            wanted = target.vectors[0]
            aims = wanted - np.float32(UNLIKE) * unwanted if len(unwanted) else target.vectors
            pairs = np.zeros(1) if sides.lexical is None else sides.lexical.pairs
            return cls(target, unlike, how, wanted, unwanted, aims, float(pairs.mean()), float(pairs.std()))
        background = sides.background()
        wanted = background.direction(target.vectors, unwanted)
        others = background.vectors.astype(np.float64) @ wanted
        return cls(target, unlike, how, wanted, none, wanted[None], float(others.mean()), float(others.std()))

    @property
    def has_vectors(self) -> bool:
        """Whether there is one for each text."""
        return bool(np.isfinite(self.aims).all())

    @property
    def is_of_one(self) -> bool:
        """Whether it is one paper or text that is asked for."""
        return len(self.target.vectors) == 1

    def by_vectors(self, products: Scores) -> Scores:
        """What products with a vector add to a score."""
        if self.how == "hybrid":
            return (1 - self.weights.words) * (products - self.mean) / max(self.deviation, 1e-9)
        return products if self.how == "dense" else np.zeros(products.shape)

    def by_words(self, words: Scores) -> Scores:
        """What BM25 adds to a score; of a hybrid one, BM25 in deviations from its mean."""
        return words * {"dense": 0.0, "hybrid": self.weights.words, "lexical": 1.0}[self.how]

    def less(self, vectors: Vectors, words: Scores) -> Scores:
        """(c,): what is taken off for likeness to what is not wanted, 0 or below where that is like.

        Of candidates with (c, dim) `vectors`; `words`: (u, c), of its texts.
        """
        each = self.by_words(words)
        if len(self.unwanted):  # for several papers the direction turns away from its vectors
            each = each + np.array([self.by_vectors(products_of(vectors, one)) for one in self.unwanted])
        highest: Scores = each.max(axis=0)
        return -UNLIKE * highest


def products_of(vectors: Vectors, one: Vectors) -> Scores:
    """(c,): of (c, dim) vectors with one of (dim,), row by row, so that equal vectors get equal scores."""
    products: Scores = (vectors.astype(np.float64) * one).sum(axis=-1)
    return products
