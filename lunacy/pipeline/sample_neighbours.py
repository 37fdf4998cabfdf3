"""The sample of nearest neighbours' cosines: drawn when an index has enough papers, and again as it grows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lunacy.derived.neighbours import KIND, add_sample, is_current
from lunacy.progress import Progress, Report
from lunacy.search import search
from lunacy.search.recall import draw
from lunacy.store import Cache, Changes, View

__all__ = ["KIND", "LEAST_ROWS", "is_current", "make"]

LEAST_ROWS = 1000
_N_PAPERS = 1000  # 3 to 4 s of a core for 120,000 papers; so many give the farthest hundredth to some 0.01


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:  # noqa: ARG001 (a sample need not follow every change)
    """The sample of `before`, or a new one where the papers are too many or too few for it."""
    if kept := [one for one in before if is_current(one, view)]:
        return kept
    progress(Progress("measuring how near papers stand"))
    rows = draw(view, _N_PAPERS)
    found = search(view, view.vectors(rows), 1, without=rows.tolist())
    cosines = np.array([one.scores[0] for one in found if len(one.scores)])
    return [add_sample(view, cosines)] if len(cosines) else []
