"""How near papers stand to their nearest neighbours: a sample of cosines, by which the best hit of a list is judged.

It is drawn by `pipeline/sample_neighbours.py`, and kept until the index has grown or shrunk by half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.derived import once_per_view
from lunacy.store import Cache, View, caches

KIND = "neighbours"
_GROWN = 1.5
_FAR = 0.01  # the share of papers whose nearest neighbour is farther than what counts as close
_COSINE = np.dtype("<f4")


def is_current(cache: Cache, view: View) -> bool:
    """Whether it was drawn from some of the segments, when there were about as many papers."""
    n_papers = cache.facts.get("n_papers")
    return (
        isinstance(n_papers, int)
        and n_papers / _GROWN < view.n_papers < n_papers * _GROWN
        and not {(one.number, one.sha256) for one in view.stored_segments}.isdisjoint(cache.segments)
        and caches.path_of(view.folder, cache) is not None
    )


def add_sample(view: View, cosines: npt.NDArray[Any]) -> Cache:
    """Keep the (n,) cosines of random papers and their nearest neighbours."""
    content = np.sort(cosines).astype(_COSINE).tobytes()

    def write(path: Any) -> tuple[int, dict[str, Any]]:
        path.write_bytes(content)
        return len(content), {"n_papers": view.n_papers}

    return caches.add(view.folder, KIND, KIND, view.stored_segments, size_bytes=len(content), write=write)


@once_per_view
def least_usual(view: View) -> float | None:
    """The cosine that 99 % of papers' nearest neighbours reach; None where there is no sample."""
    cache = next((one for one in view.caches if one.kind == KIND and is_current(one, view)), None)
    path = caches.path_of(view.folder, cache) if cache else None
    if path is None:
        return None
    ascending = np.frombuffer(path.read_bytes(), _COSINE)  # (n,), at least one
    # as `np.quantile`, whose first call takes 20 ms
    return float(np.interp(_FAR * (len(ascending) - 1), np.arange(len(ascending)), ascending))
