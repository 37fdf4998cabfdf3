"""What regions and terms mean: the mean vector of their papers. A term fits a region whose mean points as its own does.

So a term that stands for a part of a region is told from one that stands for all of it, be both in as many titles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors
from lunacy.pipeline.mapping.labels import Pairs

_STEP = 2**16  # cosines at a time: bounds memory
_ONE = 2**9  # numbers are rounded to parts of this: whole numbers have the same sum in any order
_HARDLY = 1e-3  # of a length: below, as that of the whole map from its own middle, a mean points nowhere
Means = npt.NDArray[np.float32]  # (m, dim), from the mean of all papers; of unit length, or 0


@dataclass(frozen=True, slots=True)
class Meanings:
    """Those of the regions of the last level, and of terms."""

    regions: npt.NDArray[np.float64]  # (n_regions, dim): sums
    terms: Means  # (n_terms, dim)


def meanings_of(vectors: Iterable[Vectors], pairs: Pairs, regions: Rows) -> Meanings:
    """`vectors`: of all papers, in blocks; `regions`: (n,), those of the papers."""
    n_regions, start = int(regions.max()) + 1, 0
    sums = np.zeros((0, 0), np.int32)
    for block in vectors:
        if not start:
            sums = np.zeros((n_regions + pairs.n_terms, block.shape[1]), np.int32)
        end = start + len(block)
        held = slice(*np.searchsorted(pairs.papers, [start, end]))
        to = np.concatenate([regions[start:end], n_regions + pairs.terms[held]])
        _add(sums, to, np.concatenate([np.arange(len(block)), pairs.papers[held] - start]), np.rint(block * _ONE))
        start = end
    of_regions, n_papers = sums[:n_regions] / _ONE, np.bincount(pairs.terms, minlength=pairs.n_terms)
    mean = of_regions.sum(axis=0) / start
    of_terms = sums[n_regions:] / _ONE - n_papers[:, None] * mean
    return Meanings(of_regions - np.bincount(regions)[:, None] * mean, unit(of_terms))


def _add(sums: npt.NDArray[np.int32], to: Rows, which: Rows, block: Vectors) -> None:
    """Add the vectors `which` of `block` to those rows of `sums`."""
    from scipy.sparse import coo_matrix

    rows, at = np.unique(to, return_inverse=True)
    shape = len(rows), len(block)
    sums[rows] += (coo_matrix((np.ones(len(to), np.float32), (at, which)), shape=shape).tocsr() @ block).astype(
        np.int32
    )


def unit(sums: npt.NDArray[np.float64]) -> Means:
    """(m, dim): in the same directions."""
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > _HARDLY, sums / np.maximum(lengths, _HARDLY), 0), np.float32)


def fits(regions: Means, of: Rows, terms: Means, those: Rows) -> npt.NDArray[np.float64]:
    """How well terms fit regions, (m,): the cosine, 1 where either points nowhere."""
    found = [np.ones(0)]
    for start in range(0, len(of), _STEP):
        one, other = regions[of[start : start + _STEP]], terms[those[start : start + _STEP]]
        cosines = np.einsum("md,md->m", one, other)
        found.append(np.where(one.any(axis=1) & other.any(axis=1), cosines, 1))
    return np.concatenate(found)
