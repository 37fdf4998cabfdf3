"""Seven texts by whose vectors an engine is compared with another before it is used."""

from __future__ import annotations

import numpy as np

from lunacy.embedding.engines.engine import Floats

MIN_COSINE = 0.99995  # 0.9999 is promised for every text, and the check sees seven

_ABSTRACT = (
    "We study the ground state of a dilute Bose gas in the limit $N \\to \\infty$ and prove that the two-body "
    "interaction is determined by its scattering length. Using a neural network with attention, we find that the "
    "error decreases by 12.5 % on three benchmarks, in agreement with Erd\u0151s and R\u00e9nyi (1960). "
)
CHECKED = (
    "a",
    "graph",
    " On the cohomology of \u03c0-adic sheaves",
    _ABSTRACT[:90],
    _ABSTRACT,
    3 * _ABSTRACT,
    20 * _ABSTRACT,
)


def lowest_cosine(found: Floats, right: Floats) -> float:
    """The lowest cosine between the rows of two arrays; NaN where a vector is not finite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(right, axis=1)
        return float(((found * right).sum(1) / lengths).min())
