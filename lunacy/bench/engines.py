"""Other ways to search the same vectors, for `lunacy bench search` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import faiss
import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.cores import n_cores

Ask = Callable[[Vectors, int], Rows]  # (q, dim) queries and k -> (q, k) rows
_LINKS, _EFFORT = 16, 128  # of a graph: as its makers suggest


@dataclass(frozen=True, slots=True)
class Peer:
    """Another engine: how it is built over all vectors, and how it then is asked."""

    name: str
    build: Callable[[Vectors], Ask]
    bytes_per_vector: Callable[[int], float]  # of dim
    is_exact: bool


def peers(*, graphs: bool) -> Iterator[Peer]:
    """Those that are installed. `graphs`: with HNSW, which takes minutes a million rows to build."""
    for threads in sorted({1, n_cores()}):
        yield Peer(f"IndexFlatIP, {threads} threads", _flat(threads), lambda dim: 4 * dim, True)
    yield Peer("NumPy", _numpy, lambda dim: 4 * dim, True)
    if graphs and find_spec("hnswlib"):
        yield Peer("hnswlib", _hnswlib, lambda dim: 4 * dim + 8 * _LINKS + 12, False)
    if graphs and find_spec("usearch"):
        yield Peer("usearch", _usearch, lambda dim: 4 * dim + 8 * _LINKS + 16, False)


def _flat(threads: int) -> Callable[[Vectors], Ask]:
    def build(vectors: Vectors) -> Ask:
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)

        def ask(queries: Vectors, k: int) -> Rows:
            faiss.omp_set_num_threads(threads)
            faiss.cvar.distance_compute_blas_threshold = 1 if len(queries) > 1 else 2**30
            found: Rows = index.search(queries, k)[1]
            return found

        return ask

    return build


def _numpy(vectors: Vectors) -> Ask:
    def ask(queries: Vectors, k: int) -> Rows:
        scores = queries @ vectors.T  # (q, n)
        best = np.argpartition(-scores, min(k, len(vectors)) - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        return np.take_along_axis(best, order, axis=1)

    return ask


def _hnswlib(vectors: Vectors) -> Ask:
    library: Any = import_module("hnswlib")
    index = library.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=_LINKS, ef_construction=_EFFORT)
    index.add_items(vectors, num_threads=n_cores())
    index.set_ef(_EFFORT)
    return lambda queries, k: index.knn_query(queries, k=min(k, len(vectors)))[0].astype(np.int64)


def _usearch(vectors: Vectors) -> Ask:
    library: Any = import_module("usearch.index")
    index = library.Index(
        ndim=vectors.shape[1], metric="ip", connectivity=_LINKS, expansion_add=_EFFORT, expansion_search=_EFFORT
    )
    index.add(np.arange(len(vectors)), vectors, threads=n_cores())

    def ask(queries: Vectors, k: int) -> Rows:
        return np.asarray(index.search(queries, k).keys, np.int64).reshape(len(queries), -1)

    return ask
