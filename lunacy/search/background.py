"""What papers are like in general: a sample of the index, from which the papers of a list are told apart.

By Fisher's linear discriminant with a shrunk covariance (scikit-learn's LinearDiscriminantAnalysis): in closed form,
the same for the same papers, and as good a ranking as a logistic regression (docs/benchmarks.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lunacy.arrays import Rows, Scores, Vectors
from lunacy.question import UNLIKE

N_DRAWN = 1000  # papers: more changes no figure of docs/benchmarks.md
_SHRINKAGE = 2 / 3  # of the covariance, towards a sphere: a thousand papers do not tell it in hundreds of dimensions
_LEAST = 1e-9  # keeps what has no variance finite


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """A sample of papers, and what tells others from them."""

    rows: Rows  # (n,)
    vectors: Vectors  # (n, dim)
    mean: Scores  # (dim,)
    inverse: Scores  # (dim, dim): of the shrunk covariance

    @classmethod
    def of(cls, rows: Rows, vectors: Vectors) -> Background:
        """From the papers at `rows`, with their (n, dim) `vectors`."""
        dim = vectors.shape[1]
        mean = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else np.zeros(dim)
        off = vectors - mean  # (n, dim)
        covariance = off.T @ off / max(len(vectors), 1)
        sphere = np.trace(covariance) / dim + _LEAST
        covariance *= 1 - _SHRINKAGE
        covariance[np.diag_indices(dim)] += _SHRINKAGE * sphere
        inverse: Scores = np.linalg.inv(covariance).astype(np.float64)
        return cls(rows, vectors, mean, inverse)

    def direction(self, liked: Vectors, unliked: Vectors) -> Vectors:
        """The unit vector (dim,) whose product with a paper's vector says how like it is to (n, dim) `liked`.

        Less half of what says so of (m, dim) `unliked`, none or more. Not a number where a vector is none.
        """
        towards = liked.mean(axis=0, dtype=np.float64) - self.mean
        if len(unliked):
            towards -= UNLIKE * (unliked.mean(axis=0, dtype=np.float64) - self.mean)
        if not towards.any():  # the index holds nothing else
            towards = liked.mean(axis=0, dtype=np.float64)
        found = self.inverse @ towards
        unit: Vectors = (found / max(float(np.linalg.norm(found)), _LEAST)).astype(np.float32)
        return unit
