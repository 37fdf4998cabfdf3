"""What a region is called: the term that tells its titles from those of the whole map and of the region around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.pipeline.mapping.phrases import Terms
from lunacy.pipeline.mapping.title_words import TitleWords

_CANDIDATES = 100  # a region
_LIKED = np.array([0, 1.0, 1.5, 1.6, 1.5, 1.4])  # times that a term of so many words is better than a word
_OF_WORDS = 0.3  # what its words add to a phrase, as a share of their mean
_ENDS = 0.35  # the share of a term's places at which it ends a row of words, from which on it may stand alone
_BEGINS = 0.7  # the share at which it begins behind no hyphen, from which on it is one
_DOUBT = 0.75  # standard deviations by which counts are taken to be too high
_EVEN = 0.05  # what a term is worth that is as frequent everywhere: the commonest is better than none
Weights = npt.NDArray[np.float64]
Counts = Any  # a sparse matrix of SciPy: (n_regions, n_terms), the papers that have each term


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best terms of each region of a level."""

    regions: Rows  # (m,) ascending
    terms: Rows  # (m,): of each region the best first
    scores: Weights  # (m,)
    shares: Weights  # (m,): of the papers of the region, those with the term


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each term of each paper once."""

    papers: npt.NDArray[np.int32]  # (m,) ascending
    terms: npt.NDArray[np.int32]  # (m,)


def pairs_of(titles: TitleWords, terms: Terms) -> Pairs:
    """Those of all titles."""
    n_terms = max(len(terms.n_words), 1)
    codes = np.unique(titles.titles[terms.at].astype(np.int64) * n_terms + terms.terms)
    return Pairs((codes // n_terms).astype(np.int32), (codes % n_terms).astype(np.int32))


def count_terms(pairs: Pairs, regions: Rows, shape: tuple[int, int]) -> Counts:
    """In how many papers of each region each term stands; `regions`: (n,), those of the papers."""
    from scipy.sparse import coo_matrix

    ones = np.ones(len(pairs.papers), np.int32)
    return coo_matrix((ones, (regions[pairs.papers].astype(np.int32), pairs.terms)), shape=shape).tocsr()


def added_up(counts: Counts, around: Rows, n_around: int) -> Counts:
    """The counts of the level before; `around`: (n_regions,), the region of it that each lies in."""
    from scipy.sparse import coo_matrix

    n = len(around)
    ones = np.ones(n, np.int32)
    return (coo_matrix((ones, (around, np.arange(n))), shape=(n_around, n)).tocsr() @ counts).tocsr()


def candidates(counts: Counts, sizes: Rows, outer: Counts, around: Rows, terms: Terms) -> Candidates:
    """The best terms of each region; `sizes`: (n_regions,), its papers; `outer`, `around`: as in `added_up`."""
    counts.sort_indices()
    entries = counts.tocoo()
    several = entries.data > 1
    regions, those = entries.row[several].astype(np.int64), entries.col[several].astype(np.int64)
    inside = entries.data[several]
    scores = _scores(regions, those, inside, counts, sizes, outer, around)
    scores += _OF_WORDS * _of_words(regions, those, scores, terms)
    liked = _LIKED[terms.n_words] * np.minimum(terms.ends / _ENDS, 1)  # "stochastic" ends none
    liked *= terms.begins >= _BEGINS  # not "type inequalities"
    scores *= liked[those]
    good = np.flatnonzero(scores > 0)
    order = good[np.lexsort((those[good], -scores[good], regions[good]))]
    starts = np.searchsorted(regions[order], np.arange(len(sizes)))
    order = order[np.arange(len(order)) - starts[regions[order]] < _CANDIDATES]
    return Candidates(regions[order], those[order], scores[order], inside[order] / sizes[regions[order]])


def _scores(
    regions: Rows, those: Rows, inside: Rows, counts: Counts, sizes: Rows, outer: Counts, around: Rows
) -> Weights:
    """Of terms in regions, (m,), which `inside` papers have.

    A term scores by how many papers of the region have it, times how many times more they are than elsewhere, as a
    logarithm: what it adds to the divergence of the titles inside from those outside. Half of that is by all others,
    and half by those of the region around. And by how nearly all papers with the term are inside: deep down, "spin"
    says little.
    """
    outer.sort_indices()
    n_terms, n_papers = counts.shape[1], sizes.sum()
    codes = np.repeat(np.arange(outer.shape[0]), np.diff(outer.indptr)) * n_terms + outer.indices
    in_outer = outer.data[np.searchsorted(codes, around[regions] * n_terms + those)]
    in_all = np.asarray(counts.sum(axis=0)).ravel()[those]
    share = inside / sizes[regions]
    more = np.log(share / (in_all / n_papers))
    more_than_around = np.log(share / (in_outer / np.bincount(around, sizes)[around[regions]]))
    narrow = np.maximum(more, _EVEN) / np.maximum(np.log(n_papers / sizes[regions]), _EVEN)
    sure = 1 - _DOUBT / np.sqrt(inside)
    return np.asarray(sure * share * ((more + more_than_around) / 2 + _EVEN) * narrow, np.float64)


def _of_words(regions: Rows, those: Rows, scores: Weights, terms: Terms) -> Weights:
    """The mean score of the words of each phrase, (m,); 0 for a word alone. Regions and terms ascend."""
    n_terms = len(terms.n_words)
    codes = regions * n_terms + those
    found = np.zeros(len(codes))
    held = np.flatnonzero(terms.n_words[those] > 1)
    for part in terms.parts.T:
        words = part[those[held]]
        wanted = regions[held] * n_terms + words
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        found[held] += np.where((codes[at] == wanted) & (words >= 0), scores[at], 0)
    return found / terms.n_words[those]
