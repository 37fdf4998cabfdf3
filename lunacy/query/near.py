"""Of several papers that were asked for together: which of them each hit is near to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lunacy.answer import Hit
from lunacy.arrays import Rows
from lunacy.query.asked import Asked
from lunacy.search import Searcher
from lunacy.why import Near

_MOST = 3  # papers that are named for a hit


def near_hits(view: Searcher, asked: Asked, hits: Sequence[Hit], rows: Rows) -> list[Hit]:
    """The hits with their highest cosine to what was asked for, and the papers that they are nearest to.

    `rows`: of the hits, by rank. As they are where there are no vectors.
    """
    vectors = asked.target.vectors.astype(np.float64)  # (q, dim): of the papers, then of the text
    if not hits or not np.isfinite(vectors).all():
        return list(hits)
    cosines = view.vectors(rows[[hit.rank - 1 for hit in hits]]) @ vectors.T  # (h, q)
    ids = [paper.id for paper in asked.papers]
    found = []
    for hit, mine in zip(hits, cosines, strict=True):
        nearest = np.argsort(-mine[: len(ids)], kind="stable")[:_MOST].tolist()
        near = tuple(Near(ids[place], float(mine[place])) for place in nearest)
        found.append(replace(hit, cosine=float(mine.max()), near=near))
    return found
