"""The names of all regions: each different from the others of its level, and from those of the regions around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from lunacy.arrays import Rows
from lunacy.category_names import short_names
from lunacy.pipeline.mapping.labels import Candidates, added_up, candidates, count_terms
from lunacy.pipeline.mapping.phrases import terms_of
from lunacy.pipeline.mapping.title_words import read_titles, singular
from lunacy.pipeline.mapping.wording import written
from lunacy.progress import Progress, Report

Labels = list[tuple[str, tuple[str, ...]]]  # of each region: its label, "" for none, and further terms
_LONGEST = 32  # characters of a label
_FURTHER = 5  # terms
_LEAST_FIT = 0.45  # of the name of a category: the harmonic mean of precision and recall, from which on it is the label
_BROAD = 0.2  # the share of papers with the label below which one of the first level has a second term
_NO_WORD = re.compile(r"[\W_]+")


def labels_of(
    papers: Sequence[Rows], titles: Sequence[str], categories: Sequence[str], numbers: Rows, progress: Report
) -> list[Labels]:
    """Of the regions of each level. `papers`: (n,) at each level, the region of each paper; `numbers`: its category."""
    words = read_titles(titles, progress)
    terms = terms_of(words, len(titles), progress)
    progress(Progress("naming the regions of the map"))
    around = [np.zeros(int(papers[0].max()) + 1, np.int64)]  # of each region: that of the level before
    for outer, inner in pairwise(papers):
        around.append(np.zeros(int(inner.max()) + 1, np.int64))
        around[-1][inner] = outer
    counts = [count_terms(words, terms, papers[-1], len(around[-1]))]
    for level in reversed(range(len(papers))):
        counts.append(added_up(counts[-1], around[level], len(around[level - 1]) if level else 1))
    counts.reverse()  # of all papers, then of each level
    sizes = [np.bincount(one) for one in papers]
    best = [
        candidates(counts[level + 1], sizes[level], counts[level], around[level], terms) for level in range(len(papers))
    ]
    text_of = written(words, terms, np.unique(np.concatenate([one.terms for one in best])))
    found: list[Labels] = []
    for level, of_papers in enumerate(papers):
        fits = _Fits(of_papers, categories, numbers)
        above = [found[-1][one][0] for one in around[level].tolist()] if level else [""] * len(sizes[0])
        found.append(_level(best[level], text_of, fits, above))
    return found


class _Fits:
    """How well the names of categories, and of what these are part of, fit the regions of a level."""

    def __init__(self, of_papers: Rows, categories: Sequence[str], numbers: Rows) -> None:
        from scipy.sparse import coo_matrix

        names_of = [short_names(one) for one in categories]
        rank = {name: at for names in names_of for at, name in enumerate(names)}  # 0: of a category, not what it is in
        self.names = sorted(rank, key=lambda name: (rank[name], name))
        position = {name: at for at, name in enumerate(self.names)}
        pairs = [(number, position[name]) for number, names in enumerate(names_of) for name in names]
        n, shape = len(of_papers), (len(categories), len(self.names))
        belongs = coo_matrix((np.ones(len(pairs), np.int32), np.array(pairs, np.int64).reshape(-1, 2).T), shape=shape)
        sizes = np.bincount(of_papers)
        of_regions = coo_matrix((np.ones(n, np.int32), (of_papers, numbers)), shape=(len(sizes), shape[0]))
        entries = (of_regions.tocsr() @ belongs.tocsr()).tocoo()
        totals = np.bincount(entries.col, entries.data, len(self.names))
        fits = 2 * entries.data / (sizes[entries.row] + totals[entries.col])
        order = np.lexsort((entries.col, -fits, entries.row))
        self._starts = np.searchsorted(entries.row[order], np.arange(len(sizes) + 1))
        self._found = entries.col[order], fits[order], entries.data[order]

    def of(self, region: int) -> list[tuple[str, float, int]]:
        """Name, fit, and number of papers of each that any paper of the region has; the best fit first."""
        held = slice(self._starts[region], self._starts[region + 1])
        name, fit, n_papers = (one[held].tolist() for one in self._found)
        return list(zip([self.names[one] for one in name], fit, n_papers, strict=True))


def _level(best: Candidates, text_of: dict[int, str], fits: _Fits, above: Sequence[str]) -> Labels:
    """The labels of one level; `above`: (n_regions,), those of the regions around, "" at the first.

    The first regions may be so broad that a label is two terms: "dark matter and neutrinos".
    """
    starts = np.searchsorted(best.regions, np.arange(len(above) + 1)).tolist()
    texts = [text_of[term] for term in best.terms.tolist()]
    wished: list[list[str]] = []
    urgent: list[tuple[float, float]] = []
    for region, (start, end) in enumerate(pairwise(starts)):
        names = fits.of(region)
        good = [name for name, fit, _n in names if fit >= _LEAST_FIT]
        others = [name for name, _fit, _n in sorted(names, key=lambda one: -one[2])]
        wished.append([*good, *(one for one in texts[start:end] if len(one) <= _LONGEST), *others])
        urgent.append((names[0][1] if good else 0.0, best.scores[start] if end > start else 0.0))
    labels: Labels = [("", ())] * len(above)
    taken: set[str] = set()
    for region in sorted(range(len(above)), key=lambda one: urgent[one], reverse=True):
        label = next(_free(wished[region], taken, above[region]), "")
        taken.add(label.casefold())
        of_region = texts[starts[region] : starts[region + 1]]
        further = _further(of_region, label)
        if label in of_region and further and not above[region]:
            share = best.shares[starts[region] + of_region.index(label)]
            if share < _BROAD and len(both := f"{label} and {further[0]}") <= _LONGEST:
                label, further = both, further[1:]
        labels[region] = label, further[:_FURTHER]
    return labels


def _free(wished: Iterable[str], taken: set[str], above: str) -> Iterator[str]:
    """Those that no other region has, and that say more than what is around."""
    known = _words(above)
    return (one for one in wished if one.casefold() not in taken and not _words(one) <= known)


def _further(texts: Sequence[str], label: str) -> tuple[str, ...]:
    """The first that have no word in common with the label, or each other."""
    known, found = _words(label), []
    for one in texts:
        if known.isdisjoint(_words(one)):
            found.append(one)
            known |= _words(one)
    return tuple(found)


def _words(text: str) -> set[str]:
    return {singular(word) for word in _NO_WORD.split(text) if word}
