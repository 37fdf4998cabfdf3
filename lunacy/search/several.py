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

_LEAST = 1e-9  # of a deviation: keeps scores finite


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

    def scores_and_typical(
        self, liked: Vectors, texts: Sequence[str], unliked: Vectors | None = None
    ) -> tuple[Scores, Scores]:
        """As `scores`, and the scores of the sample of papers in general."""
        vectors, words = self._by_vectors(liked, unliked), self._by_words(texts)
        return vectors[0] + words[0], vectors[1] + words[1]

    def by_vectors(self, liked: Vectors, unliked: Vectors | None = None) -> Scores:
        """(c,): the part of the vectors, in deviations of papers in general."""
        return self._by_vectors(liked, unliked)[0]

    def by_words(self, texts: Sequence[str]) -> Scores:
        """(c,): the part of the words, in deviations of papers in general. `texts`: at least one."""
        return self._by_words(texts)[0]

    def by_nearest(self, liked: Vectors) -> Scores:
        """(c,): the cosine with the nearest of `liked`, (n, dim), in deviations of papers in general."""
        drawn = self._background.vectors
        nearest, typical = ((one @ liked.T).max(axis=1).astype(np.float64) for one in (self.vectors, drawn))
        return _standardized(nearest, typical)[0]

    def _by_vectors(self, liked: Vectors, unliked: Vectors | None) -> tuple[Scores, Scores]:
        background = self._background
        direction = background.direction(liked, liked[:0] if unliked is None else unliked).astype(np.float64)
        return _standardized(self.vectors @ direction, background.vectors @ direction)

    def _by_words(self, texts: Sequence[str]) -> tuple[Scores, Scores]:
        centre = Words.of(texts).centre(self.rarity)
        here, drawn = (words.likeness(weights, centre) for words, weights in (self._here, self._general))
        return _standardized(here, drawn)

    @cached_property
    def _words_drawn(self) -> Words:
        return Words.of([text_of(paper) for paper in self._drawn])

    @cached_property
    def rarity(self) -> Scores:
        """Of each hashed term, in papers in general."""
        return self._words_drawn.rarity()

    @cached_property
    def _here(self) -> tuple[Words, Scores]:
        """The terms of the candidates, and their weights."""
        words = Words.of([text_of(paper) for paper in self.papers])
        return words, words.weights(self.rarity)

    @cached_property
    def _general(self) -> tuple[Words, Scores]:
        return self._words_drawn, self._words_drawn.weights(self.rarity)


def _standardized(scores: Scores, typical: Scores) -> tuple[Scores, Scores]:
    """Both, in deviations from the mean of those that are typical."""
    mean, deviation = (typical.mean(), typical.std()) if len(typical) else (0.0, 0.0)
    return (scores - mean) / max(deviation, _LEAST), (typical - mean) / max(deviation, _LEAST)


def text_of(paper: Paper) -> str:
    """The words of a paper that are compared."""
    return embedded_text(paper, "title+abstract")
