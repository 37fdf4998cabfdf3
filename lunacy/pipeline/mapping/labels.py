"""What a region is called: the term that tells its titles from those of the whole map and of the region around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.pipeline.mapping.phrases import Terms
from lunacy.pipeline.mapping.title_words import TitleWords

_CANDIDATES = 16  # a region
_LIKED = np.array([0, 1.0, 1.7, 1.9, 1.8, 1.6])  # times that a term of so many words is better than a word
_ENDS = 0.35  # the share of a term's places at which it ends a row of words, from which on it may stand alone
_BEGINS = 0.7  # the share at which it begins behind no hyphen, from which on it is one
_EVEN = 0.05  # what a term is worth that is as frequent everywhere: the commonest is better than none
_DOUBT = 0.75  # standard deviations by which counts are taken to be too high
Counts = Any  # a sparse matrix of SciPy: (n_regions, n_terms), the papers that have each term


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best terms of each region of a level."""

    regions: Rows  # (m,) ascending
    terms: Rows  # (m,): of each region the best first
    scores: npt.NDArray[np.float64]  # (m,)


def count_terms(titles: TitleWords, terms: Terms, regions: Rows, n_regions: int) -> Counts:
    """In how many papers of each region each term stands; `regions`: (n,), those of the papers."""
    from scipy.sparse import coo_matrix

    n_terms = len(terms.n_words)
    codes = np.unique(titles.titles[terms.at].astype(np.int64) * max(n_terms, 1) + terms.terms)
    papers, those = np.divmod(codes, max(n_terms, 1))
    pairs = regions[papers], those
    return coo_matrix((np.ones(len(codes), np.int32), pairs), shape=(n_regions, n_terms)).tocsr()


def added_up(counts: Counts, around: Rows, n_around: int) -> Counts:
    """The counts of the level before; `around`: (n_regions,), the region of it that each lies in."""
    from scipy.sparse import coo_matrix

    n = len(around)
    ones = np.ones(n, np.int32)
    return (coo_matrix((ones, (around, np.arange(n))), shape=(n_around, n)).tocsr() @ counts).tocsr()


def candidates(counts: Counts, sizes: Rows, outer: Counts, around: Rows, terms: Terms) -> Candidates:
    """The best terms of each region; `sizes`: (n_regions,), its papers; `outer`, `around`: as in `added_up`.

    A term scores as many papers of a region as have it, times how many times more they are than elsewhere, as a
    logarithm: what it adds to the divergence of the titles inside from those outside.
    """
    counts.sort_indices()
    outer.sort_indices()
    n_terms = counts.shape[1]
    entries = counts.tocoo()
    regions, those, inside = entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data
    outer_sizes = np.bincount(around, sizes, outer.shape[0])
    of_all = np.asarray(counts.sum(axis=0)).ravel()
    outer_codes = np.repeat(np.arange(outer.shape[0]), np.diff(outer.indptr)) * n_terms + outer.indices
    beside = outer.data[np.searchsorted(outer_codes, around[regions] * n_terms + those)]
    share = (inside - _DOUBT * np.sqrt(inside)) / sizes[regions]
    more = np.log(inside / sizes[regions] / (of_all[those] / sizes.sum()))
    more_than_around = np.log(inside / sizes[regions] / (beside / outer_sizes[around[regions]]))
    liked = _LIKED[terms.n_words] * np.minimum(terms.ends / _ENDS, 1)  # "stochastic" ends none
    liked *= terms.begins >= _BEGINS  # not "type inequalities"
    scores = share * ((more + more_than_around) / 2 + _EVEN) * liked[those]
    good = np.flatnonzero((inside > 1) & (scores > 0))
    order = good[np.lexsort((those[good], -scores[good], regions[good]))]
    starts = np.searchsorted(regions[order], np.arange(len(sizes)))
    order = order[np.arange(len(order)) - starts[regions[order]] < _CANDIDATES]
    return Candidates(regions[order], those[order], scores[order])
