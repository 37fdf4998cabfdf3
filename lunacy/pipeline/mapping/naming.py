"""The names of all regions: each different from the others of its level, and from those of the regions around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice, pairwise

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.pipeline.mapping.category_fits import Fit, Names, fits_of, names_of
from lunacy.pipeline.mapping.labels import Candidates, Pairs, added_up, candidates, count_terms, pairs_of
from lunacy.pipeline.mapping.phrases import terms_of
from lunacy.pipeline.mapping.title_words import read_titles, singular
from lunacy.pipeline.mapping.wording import written
from lunacy.progress import Progress, Report

_LONGEST = 32  # characters of a label
_FURTHER = 5  # terms
_LEAST_FIT = 0.45  # of the name of a category, from which on it is the label
_WEAK = 0.5  # of the score of the best term, which is taken: below, two terms are better than one
_RARE, _BROAD = 0.05, 0.2  # the share of papers with the label below which it gets a second term; at the first level
_NO_WORD = re.compile(r"[\W_]+")
_TRIED = 6  # terms, for two
_NONE = -1


@dataclass(frozen=True, slots=True)
class Label:
    """What a region is called."""

    text: str  # "": nothing can be said
    further: tuple[str, ...] = ()
    term: int = _NONE  # that it is, or begins with
    name: int = _NONE  # of a category, which it is


@dataclass(frozen=True, slots=True)
class Labels:
    """Those of a level."""

    labels: Sequence[Label]
    have: npt.NDArray[np.bool_]  # (n,): whether each paper has the term, or the name, of its region


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
    pairs = pairs_of(words, terms)
    counts = [count_terms(pairs, papers[-1], (len(around[-1]), len(terms.n_words)))]
    for level in reversed(range(len(papers))):
        counts.append(added_up(counts[-1], around[level], len(around[level - 1]) if level else 1))
    counts.reverse()  # of all papers, then of each level
    best = [
        candidates(inner, np.bincount(of_papers), outer, lies_in, terms)
        for of_papers, (outer, inner), lies_in in zip(papers, pairwise(counts), around, strict=True)
    ]
    text_of = written(words, terms, np.unique(np.concatenate([one.terms for one in best])))
    names = names_of(categories, numbers)
    found: list[Labels] = []
    above: list[tuple[str, ...]] = []  # of each region: the labels of those that it lies in
    for of_papers, lies_in, of_level in zip(papers, around, best, strict=True):
        progress(Progress("naming the regions of the map", len(found), len(papers)))
        known = [(*before, one.text) for before, one in zip(above, found[-1].labels, strict=True)] if found else [()]
        above = [known[one] for one in lies_in.tolist()]
        labels = _level(of_level, text_of, fits_of(names, of_papers), names, above)
        found.append(Labels(labels, _have(labels, of_papers, pairs, names)))
    return found


def _have(labels: Sequence[Label], of_papers: Rows, pairs: Pairs, names: Names) -> npt.NDArray[np.bool_]:
    """As `Labels.have`."""
    have = names.of_papers(np.array([one.name for one in labels])[of_papers])
    term_of = np.array([one.term for one in labels])
    have[pairs.papers[pairs.terms == term_of[of_papers[pairs.papers]]]] = True
    return have


def _level(
    best: Candidates,
    text_of: dict[int, str],
    fits: Sequence[Sequence[Fit]],
    names: Names,
    above: Sequence[tuple[str, ...]],
) -> list[Label]:
    """The labels of one level."""
    starts = np.searchsorted(best.regions, np.arange(len(above) + 1)).tolist()
    held = [slice(start, end) for start, end in pairwise(starts)]
    numbers, scores, shares = best.terms.tolist(), best.scores.tolist(), best.shares.tolist()
    regions = [
        _Region(numbers[one], [text_of[term] for term in numbers[one]], scores[one], shares[one], fit, around)
        for one, fit, around in zip(held, fits, above, strict=True)
    ]
    labels = [Label("")] * len(above)
    taken: set[str] = set()
    for at in sorted(range(len(above)), key=lambda one: regions[one].urgency, reverse=True):
        labels[at] = regions[at].label(names.names, taken)
        taken.add(labels[at].text.casefold())
    return labels


@dataclass(frozen=True, slots=True)
class _Region:
    """What there is to choose from."""

    terms: Sequence[int]  # the best first
    texts: Sequence[str]
    scores: Sequence[float]
    shares: Sequence[float]
    fits: Sequence[Fit]  # the best first
    above: tuple[str, ...]  # the labels of the regions that it lies in

    @property
    def urgency(self) -> tuple[float, float]:
        """Those that know best what they are called choose first."""
        fit = self.fits[0].fit if self.fits else 0.0
        return (fit if fit >= _LEAST_FIT else 0.0, self.scores[0] if self.scores else 0.0)

    def label(self, names: Sequence[str], taken: set[str]) -> Label:
        """A name, or the best term, that no other region has and that says more than what is around.

        It is two terms where that says little: "dark matter and neutrinos". Then a name that fits less.
        """
        for one in self.fits:
            if one.fit >= _LEAST_FIT and self._is_free(names[one.name], taken):
                return Label(names[one.name], self._further(names[one.name]), name=one.name)
        at = next((at for at, text in enumerate(self.texts) if self._is_free(text, taken)), _NONE)
        if self._says_little(at):
            for first, second in combinations(islice(self._beside(""), _TRIED), 2):
                if self._is_free(both := f"{first} and {second}", taken):
                    return Label(both, self._further(both), self.terms[self.texts.index(first)])
        if at != _NONE:
            return Label(self.texts[at], self._further(self.texts[at]), self.terms[at])
        for one in sorted(self.fits, key=lambda one: -one.n_papers):
            if names[one.name].casefold() not in taken:
                return Label(names[one.name], name=one.name)
        return Label("")

    def _is_free(self, text: str, taken: set[str]) -> bool:
        is_new = not any(_words(text) <= _words(one) for one in self.above)
        return is_new and len(text) <= _LONGEST and text.casefold() not in taken

    def _says_little(self, at: int) -> bool:
        """Whether the term at `at` needs another."""
        if at == _NONE:
            return True
        return self.scores[at] < _WEAK * self.scores[0] or self.shares[at] < (_RARE if self.above else _BROAD)

    def _further(self, label: str) -> tuple[str, ...]:
        return tuple(islice(self._beside(label), _FURTHER))

    def _beside(self, label: str) -> Iterator[str]:
        """Terms that have no word in common with the label, or with each other."""
        known = _words(label)
        for text in self.texts:
            if known.isdisjoint(_words(text)):
                yield text
                known |= _words(text)


@lru_cache(maxsize=2**16)
def _words(text: str) -> frozenset[str]:
    return frozenset(singular(word) for word in _NO_WORD.split(text) if word and word != "and")
