"""What a region may be called: the terms of its titles and the names of its categories, by how well they fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.category_names import short_names
from lunacy.pipeline.mapping.phrases import Terms
from lunacy.pipeline.mapping.title_words import TitleWords

_CANDIDATES = 60  # a region
_LIKED = np.array([0, 1.0, 2.0, 2.1, 2.0, 1.9])  # times that a term of so many words is better than a word
_NAME = np.array([1.2, 1.2, 0.8, 0.6])  # times that a name of a category is better than a word: of levels 0, 1, ...
_ENDS = 0.5  # the share of a term's places at which it ends a row of words, from which on it may stand alone
_BEGINS = 0.7  # the share at which it begins behind no hyphen, from which on it is one
_DOUBT = 0.75  # standard deviations by which counts are taken to be too high
_ENOUGH = 3.0  # logarithm of how many times more papers have a term than elsewhere: what is beyond does not count
_EVEN = 0.05  # what a term is worth that is as frequent everywhere: the commonest is better than none
Weights = npt.NDArray[np.float64]
Counts = Any  # a sparse matrix of SciPy: (n_regions, n_terms), the papers that have each term


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best terms of each region of a level."""

    regions: Rows  # (m,) ascending
    terms: Rows  # (m,)
    weights: Weights  # (m,): how much each says of the titles and categories of its region


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each term of each paper once; behind the terms of titles come the names of categories."""

    papers: npt.NDArray[np.int32]  # (m,) ascending
    terms: npt.NDArray[np.int32]  # (m,)
    n_terms: int
    liked: Weights  # (n_terms,): how good a label each is, by its form
    names: Sequence[str]  # the last of the terms

    @property
    def n_of_titles(self) -> int:
        """Terms that are no names: the first."""
        return self.n_terms - len(self.names)

    def liked_at(self, level: int) -> Weights:
        """All papers have a name, only some have a term in the title; and it is known to all, far from above."""
        liked = self.liked.copy()
        liked[self.n_of_titles :] *= _NAME[min(level, len(_NAME) - 1)]
        return liked

    def of_terms(self, wanted: Rows) -> Pairs:
        """Only those of the terms `wanted`, (m,) ascending, which are numbered anew."""
        place = np.full(self.n_terms, -1, np.int32)
        place[wanted] = np.arange(len(wanted), dtype=np.int32)
        held = place[self.terms] >= 0
        return Pairs(self.papers[held], place[self.terms[held]], len(wanted), self.liked[wanted], self.names)


def pairs_of(titles: TitleWords, terms: Terms, categories: Sequence[str], numbers: Rows) -> Pairs:
    """Those of all papers; `numbers`: (n,), the category of each."""
    of_each = [short_names(one) for one in categories]
    broad = {name for of_one in of_each for name in of_one[1:]}
    names = sorted({name for of_one in of_each for name in of_one}, key=lambda name: (name in broad, name))
    liked = _LIKED[terms.n_words] * np.minimum(terms.ends / _ENDS, 1)  # "stochastic" ends none
    liked *= terms.begins >= _BEGINS  # not "type inequalities"
    n_of_titles, n_all = len(liked), max(len(liked) + len(names), 1)
    codes = [titles.titles[terms.at].astype(np.int64) * n_all + terms.terms]
    for number, of_one in enumerate(of_each):
        papers = np.flatnonzero(numbers == number)
        codes += [papers * n_all + n_of_titles + names.index(name) for name in of_one]
    papers, those = np.divmod(np.unique(np.concatenate(codes)), n_all)
    liked = np.concatenate([liked, np.ones(len(names))])
    return Pairs(papers.astype(np.int32), those.astype(np.int32), len(liked), liked, names)


def count_terms(pairs: Pairs, regions: Rows) -> Counts:
    """In how many papers of each region each term stands; `regions`: (n,), those of the papers."""
    from scipy.sparse import coo_matrix

    ones = np.ones(len(pairs.papers), np.int32)
    shape = int(regions.max()) + 1, pairs.n_terms
    return coo_matrix((ones, (regions[pairs.papers].astype(np.int32), pairs.terms)), shape=shape).tocsr()


def added_up(inner: Any, around: Rows, n_around: int) -> Any:
    """What regions have, (n_regions, m), for the level before; `around`: (n_regions,), where in it each lies."""
    from scipy.sparse import coo_matrix

    n = len(around)
    ones = np.ones(n, np.int32)
    return coo_matrix((ones, (around, np.arange(n))), shape=(n_around, n)).tocsr() @ inner


def candidates(counts: Counts, sizes: Rows, outer: Counts, around: Rows, pairs: Pairs, level: int) -> Candidates:
    """The best terms of each region of a level, that several papers have, and names.

    `sizes`: (n_regions,), its papers; `outer`: the counts of the level before; `around`: as in `added_up`.
    """
    counts.sort_indices()
    entries = counts.tocoo()
    liked = pairs.liked_at(level)
    several = ((entries.data > 1) & (liked[entries.col] > 0)) | (entries.col >= pairs.n_of_titles)
    regions, those = entries.row[several].astype(np.int64), entries.col[several].astype(np.int64)
    weights = _weights(regions, those, entries.data[several], counts, sizes, outer, around) * liked[those]
    good = np.flatnonzero(weights > 0)
    order = good[np.lexsort((those[good], -weights[good], regions[good]))]
    starts = np.searchsorted(regions[order], np.arange(len(sizes)))
    order = order[np.arange(len(order)) - starts[regions[order]] < _CANDIDATES]
    return Candidates(regions[order], those[order], weights[order])


def _weights(
    regions: Rows, those: Rows, inside: Rows, counts: Counts, sizes: Rows, outer: Counts, around: Rows
) -> Weights:
    """Of terms in regions, (m,), which `inside` papers have.

    A term weighs by how many papers of the region have it, times how many times more they are than elsewhere, as a
    logarithm: what it adds to the divergence of the titles inside from those outside, as far as
    that is not for its being rare. Half of that is by all others, and half by those of the region around.
    """
    outer.sort_indices()
    n_terms, n_papers = counts.shape[1], sizes.sum()
    codes = np.repeat(np.arange(outer.shape[0]), np.diff(outer.indptr)) * n_terms + outer.indices
    in_outer = outer.data[np.searchsorted(codes, around[regions] * n_terms + those)]
    in_all = np.asarray(counts.sum(axis=0)).ravel()[those]
    share = inside / sizes[regions]
    more = np.minimum(np.log(share / (in_all / n_papers)), _ENOUGH)
    more_than_around = np.minimum(np.log(share / (in_outer / np.bincount(around, sizes)[around[regions]])), _ENOUGH)
    sure = 1 - _DOUBT / np.sqrt(inside)
    return np.asarray(sure * share * ((more + more_than_around) / 2 + _EVEN), np.float64)
