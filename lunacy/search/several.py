"""Ranking some candidates for a list of papers: by the vectors of all of them, and by their words.

    score = z(product with the direction of the list) + z(mean cosine of TF-IDF)

where z counts deviations from the mean of a sample of the index: so a paper's score for a list is the same whatever
the other candidates are. docs/benchmarks.md has how this was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from lunacy.arrays import Rows, Scores, Vectors
from lunacy.paper import Paper, embedded_text
from lunacy.search.searcher import Searcher
from lunacy.search.words import Words


class Pool:
    """Candidates, read once to be ranked for one list or many."""

    def __init__(self, view: Searcher, rows: Rows) -> None:
        """`rows`: (c,), of the candidates, inside `Searcher.pinned`."""
        self.rows = rows
        self.papers = view.papers(rows)
        self.vectors = view.vectors(rows)  # (c, dim)
        self._background = view.background()
        self._drawn = view.papers(self._background.rows)

    def scores(self, liked: Vectors, texts: Sequence[str], unliked: Vectors | None = None) -> Scores:
        """(c,): how like each candidate is to a list of papers: higher is better, 0 is like papers in general.

        `liked`: (n, dim), the vectors of the list, at least one. `texts`: of the same papers, as `text_of` gives them.
        `unliked`: (m, dim), of papers whose like is not wanted.
        """
        return self.by_vectors(liked, unliked) + self.by_words(texts)

    def typical(self, liked: Vectors, texts: Sequence[str], unliked: Vectors | None, share: float) -> float:
        """The score that a `share` of papers in general stays below, for the same list."""
        background = self._background
        direction = background.direction(liked, liked[:0] if unliked is None else unliked).astype(np.float64)
        products = background.vectors @ direction
        likeness = self._words_drawn.likeness(Words.of(texts), self.rarity)
        both = background.standardized(products, products) + background.standardized(likeness, likeness)
        return float(np.quantile(both, share)) if len(both) else 0.0

    def by_vectors(self, liked: Vectors, unliked: Vectors | None = None) -> Scores:
        """(c,): the part of the vectors, in deviations of papers in general."""
        background = self._background
        direction = background.direction(liked, liked[:0] if unliked is None else unliked).astype(np.float64)
        return background.standardized(self.vectors @ direction, background.vectors @ direction)

    def by_words(self, texts: Sequence[str]) -> Scores:
        """(c,): the part of the words, in deviations of papers in general. `texts`: at least one."""
        wanted, here, drawn = Words.of(texts), self._words, self._words_drawn
        typical = drawn.likeness(wanted, self.rarity)
        return self._background.standardized(here.likeness(wanted, self.rarity), typical)

    @cached_property
    def _words(self) -> Words:
        return Words.of([text_of(paper) for paper in self.papers])

    @cached_property
    def _words_drawn(self) -> Words:
        return Words.of([text_of(paper) for paper in self._drawn])

    @cached_property
    def rarity(self) -> Scores:
        """Of each hashed term, in papers in general."""
        return self._words_drawn.rarity()


def text_of(paper: Paper) -> str:
    """The words of a paper that are compared."""
    return embedded_text(paper, "title+abstract")


def rank_several(
    view: Searcher, liked: Vectors, texts: Sequence[str], candidates: Rows, unliked: Vectors | None = None
) -> Scores:
    """(c,): as `Pool.scores`, for one list."""
    return Pool(view, candidates).scores(liked, texts, unliked)
