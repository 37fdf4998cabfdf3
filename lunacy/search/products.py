"""The best rows for many queries at once, by matrix products.

By NumPy's, and not by FAISS' own scan, because the BLAS in FAISS' wheels knows no processor of the last years: there it
takes three times as long. The best n of the products are in the n groups of rows whose best are highest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors

ROWS, QUERIES = 2**14, 256  # at a time: bounds memory
# Rows a product: they fit the cache of a core, and NumPy copies those of a file, which are not aligned. In blocks of
# 512, beside a server's other threads, Python's lock is waited for twice as often.
_BLOCK = 1024
_GROUP = 64  # rows

Floats = npt.NDArray[np.float32]


def best_products(rows: Vectors, queries: Vectors, n: int, hidden: Rows) -> tuple[Floats, Rows]:
    """The best `n` of (b, dim) `rows` for each of (q, dim) `queries`, in no order: scores and positions, (q, n) each.

    `hidden`: positions that are none, and have -inf. All b, where they are not more than `n`.
    """
    n_rows, n_queries = len(rows), len(queries)
    n_groups = -(-n_rows // _GROUP)
    scores: Floats = np.empty((n_groups * _GROUP, n_queries), np.float32)
    highest: Floats = np.empty((n_groups, n_queries), np.float32)
    scores[n_rows:] = -np.inf
    for start in range(0, n_rows, _BLOCK):
        block = scores[start : start + _BLOCK]
        np.matmul(rows[start : start + _BLOCK], queries.T, out=block[: n_rows - start])
        block[hidden[slice(*np.searchsorted(hidden, (start, start + _BLOCK)))] - start] = -np.inf
        np.max(block.reshape(-1, _GROUP, n_queries), axis=1, out=highest[start // _GROUP :][: len(block) // _GROUP])
    if n >= n_rows:
        return scores[:n_rows].T.copy(), np.tile(np.arange(n_rows), (n_queries, 1))
    if 2 * n >= n_groups:
        return _best(scores[:n_rows].T, np.broadcast_to(np.arange(n_rows), (n_queries, n_rows)), n)
    groups = np.argpartition(highest, n_groups - n, axis=0)[n_groups - n :].T  # (q, n)
    picked = scores.reshape(n_groups, _GROUP, n_queries)[groups, :, np.arange(n_queries)[:, None]]  # (q, n, group)
    positions = groups[:, :, None] * _GROUP + np.arange(_GROUP)
    return _best(picked.reshape(n_queries, -1), positions.reshape(n_queries, -1), n)


def _best(scores: Floats, positions: Rows, n: int) -> tuple[Floats, Rows]:
    """The best `n` of (q, c) scores, and their positions."""
    best = np.argpartition(scores, scores.shape[1] - n, axis=1)[:, scores.shape[1] - n :]
    return np.take_along_axis(scores, best, axis=1), np.take_along_axis(positions, best, axis=1)
