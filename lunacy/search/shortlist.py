"""The candidates of one list, by vectors and by words, with their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Scores, Vectors
from lunacy.paper import Paper
from lunacy.search.by_words import ByWords
from lunacy.search.exact import Found
from lunacy.search.fused import N_CANDIDATES, RAISED, Parts, gained, with_best
from lunacy.search.target import Sides
from lunacy.search.wish import Wish, products_of

_DIGITS = 5  # that are kept of a score: float32 is as exact
_STEP = 1e-6  # between the scores of the first candidates and those of further ones


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The candidates of one list: (c,) each."""

    rows: Rows
    vectors: Vectors  # (c, dim)
    cosines: Scores
    lexical: Scores  # BM25, of several texts the mean
    scores: Scores
    is_first: npt.NDArray[np.bool_]  # whether it stands first, whatever its score
    by_vectors: Rows  # the place among the best by vectors, from 1; 0: not among them
    by_words: Rows  # the same by words; of several texts, the best place
    parts: Parts

    @classmethod
    def of(
        cls, sides: Sides, wish: Wish, near: Found, words: Sequence[ByWords], unwanted: Sequence[ByWords], n: int
    ) -> Shortlist:
        """The `n` best by vectors and by the words of each text, less the likeness to what is not wanted.

        `unwanted` are the words of negative examples.
        """
        asked = np.concatenate([wish.target.left_out, wish.target.first])
        nearest = near.rows[np.lexsort((near.rows, -near.scores))]
        lists = [rows[~np.isin(rows, asked)][:n] for rows in (nearest, *(one.rows for one in words))]
        rows = np.union1d(np.concatenate(lists), wish.target.first)  # (c,)
        vectors = sides.vectors(rows)
        cosines = products_of(vectors, wish.wanted)
        lexical, counted = _words(words, len(wish.target.texts), rows)  # (q, c) each
        counted = counted if wish.how == "hybrid" else lexical
        none = np.zeros(len(rows))
        parts = Parts(wish.by_vectors(cosines), wish.by_words(counted.mean(axis=0)), none, none, none, none)
        if wish.unlike is not None:
            by_words = _words(unwanted, len(wish.unlike.texts), rows)
            parts = replace(parts, unlike=wish.less(vectors, by_words[wish.how == "hybrid"]))
        places = np.array([_places(rows, one) for one in lists])  # (1 + q, c)
        return cls(
            rows=rows,
            vectors=vectors,
            cosines=cosines,
            lexical=lexical.mean(axis=0),
            scores=parts.total,
            is_first=np.isin(rows, wish.target.first),
            by_vectors=places[0],
            by_words=_best(places[1:]),
            parts=parts,
        )

    def order(self) -> Rows:
        """Best first; what shares no word is ordered by its vector, and ties by row."""
        order: Rows = np.lexsort((self.rows, -self.cosines, -self.scores, ~self.is_first))
        return order

    def refined(self, wish: Wish) -> Shortlist:
        """With what the best candidates say of the others; those that stand first say nothing."""
        shortlist = self
        if wish.is_of_one:
            aim = with_best(wish.wanted, self.vectors[shortlist._heard()], wish.weights.feedback)
            feedback = wish.by_vectors((self.vectors @ aim).astype(np.float64)) - wish.by_vectors(self.cosines)
            shortlist = shortlist._with(replace(self.parts, feedback=feedback))
        neighbours = gained(self.vectors, shortlist.scores, shortlist._heard(), wish.weights)
        return shortlist._with(replace(shortlist.parts, neighbours=neighbours))

    def raised(self, wish: Wish, papers: Callable[[Rows], Sequence[Paper]]) -> Shortlist:
        """With those higher, among the first candidates, that have an author in common with what is asked for."""
        authors = wish.target.authors
        is_candidate = ((self.by_vectors > 0) & (self.by_vectors <= N_CANDIDATES)) | (
            (self.by_words > 0) & (self.by_words <= N_CANDIDATES)
        )
        some = np.flatnonzero(is_candidate)
        if authors is None or not len(some):
            return self
        gain = np.zeros(len(self.rows))
        wrote = [authors.wrote(paper) for paper in papers(self.rows[some])]
        gain[some] = RAISED * self.scores[some].std() * np.array(wrote)
        return self._with(replace(self.parts, authors=gain))

    def then(self, others: Shortlist) -> Shortlist:
        """Those, and behind them `others` that are not among them, in the order of their own scores."""
        is_new = ~np.isin(others.rows, self.rows)
        lowest = float(self.scores[~self.is_first].min(initial=np.inf))
        highest = float(others.scores[is_new].max(initial=-np.inf))
        others = replace(others, scores=others.scores - max(highest - lowest + _STEP, 0.0))
        both = {
            one.name: np.concatenate([getattr(self, one.name), getattr(others, one.name)[is_new]])
            for one in fields(self)
            if one.name != "parts"
        }
        return Shortlist(**both, parts=self.parts.then(others.parts.at(is_new)))

    def _heard(self) -> Rows:
        """The candidates whose word counts for others, best first."""
        order = self.order()
        return order[~self.is_first[order]]

    def _with(self, parts: Parts) -> Shortlist:
        # products of matrices differ in the last digits with the place of a row
        return replace(self, parts=parts, scores=parts.total.round(_DIGITS))


def _words(words: Sequence[ByWords], n: int, rows: Rows) -> tuple[Scores, Scores]:
    """BM25 of each of `n` texts, and the same in deviations from its mean: (n, c) each; 0 where words do not count."""
    if not words:
        return np.zeros((n, len(rows))), np.zeros((n, len(rows)))
    found = [one.of(rows) for one in words]
    return np.array(found), np.array([one.standardized(each) for one, each in zip(words, found, strict=True)])


def _places(rows: Rows, ordered: Rows) -> Rows:
    """(c,): the place of each of `rows`, which ascend, in `ordered`, from 1; 0: it is not there."""
    places = np.zeros(len(rows), np.int64)
    places[np.searchsorted(rows, ordered)] = np.arange(1, len(ordered) + 1)
    return places


def _best(places: Rows) -> Rows:
    """(c,): the best of (q, c) places."""
    least: Rows = np.where(places > 0, places, np.iinfo(np.int64).max).min(axis=0, initial=np.iinfo(np.int64).max)
    return np.where(places.any(axis=0), least, 0)
