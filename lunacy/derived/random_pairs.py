"""The background distribution of cosines: quantiles over random pairs of papers, stored with the lexical index."""

from __future__ import annotations

import numpy as np

from lunacy.store import View

FACT = "pairs"  # of the lexical index, with which the sample is drawn
_N_PAIRS, _N_QUANTILES = 20_000, 1001


def draw_pairs(view: View) -> list[float]:
    """Quantiles of the cosine of two random papers, ascending."""
    live = view.live_rows()
    if len(live) < 2:
        return [0.0, 1.0]
    rng = np.random.default_rng(0)
    one, other = (rng.choice(live, _N_PAIRS) for _ in range(2))
    one, other = one[one != other], other[one != other]
    if not len(one):
        return [0.0, 1.0]
    order = np.argsort(one)  # so that the rows are read in their order
    cosines = np.einsum("ij,ij->i", view.vectors(one[order]), view.vectors(other[order]), dtype=np.float64)
    quantiles: list[float] = np.quantile(cosines, np.linspace(0, 1, _N_QUANTILES)).round(5).tolist()
    return quantiles


def is_sample(pairs: object) -> bool:
    """Whether it is a list of quantiles as `draw_pairs` gives them."""
    return isinstance(pairs, list) and len(pairs) > 1 and all(isinstance(one, int | float) for one in pairs)
