"""Ranking: candidates by vectors and words -> fused scores -> less of negative examples -> merged copies -> diversity.

Vectors know what a paper is about, words which one it is. The candidates are the best of both sides, and a score is

    0.7 z(cosine) + 0.3 z(BM25)

where z is (score - mean) / deviation: of random pairs of the index for cosines, and of the question's own best 200 for
BM25. The weights are those that were best on citations of the 1990s, and were not tuned on the sets that
`lunacy bench quality` was run on since (docs/benchmarks.md).

Several papers and texts ask as one vector, the direction that tells them from the index's other papers (`background`),
in the place of the cosine; of BM25 the mean over them counts. So their list is as exact as that of one paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows, Scores, Vectors
from lunacy.derived.faiss_threads import in_threads
from lunacy.paper import Paper
from lunacy.question import UNLIKE, Options
from lunacy.search.background import Background
from lunacy.search.diversity import diverse, pool_for
from lunacy.search.exact import MARGIN, Found
from lunacy.search.near_duplicates import merged

if TYPE_CHECKING:
    from lunacy.derived.lexical import Lexical  # tantivy: only when asked for

N_CANDIDATES = 200  # from the vectors, and from the words
_DENSE, _LEXICAL = 0.7, 0.3
_LEAST_SPREAD = 0.05  # of BM25, as a share of its mean: keeps the score finite when all candidates share a word equally
_NOTHING = Found(NONE, np.empty(0), None)  # by vectors


@dataclass(frozen=True, slots=True)
class Target:
    """What a list is searched for: the vectors and words of one or several papers and texts."""

    vectors: Vectors  # (q, dim); not a number for a text that is asked for by its words alone
    texts: Sequence[str]  # q
    left_out: Rows  # rows that are no answers: the papers themselves
    first: Rows = field(default_factory=lambda: NONE)  # rows that stand first all the same


@dataclass(frozen=True, slots=True)
class Sides:
    """The sources of candidates, which give only papers that `options` admit."""

    vectors: Callable[[Rows], Vectors]  # of rows
    papers: Callable[[Rows], Sequence[Paper]]  # of rows
    nearest: Callable[[Vectors, int], Sequence[Found]]  # the nearest n rows of each vector
    nearest_to_all: Callable[[Vectors, int], Found]  # the n rows whose least product with any vector is highest
    background: Callable[[], Background]  # for several papers
    lexical: Lexical | None = None  # not None where words are wanted
    qualify: Callable[[Rows], npt.NDArray[np.bool_]] = lambda rows: np.ones(rows.shape, np.bool_)  # what words found


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list: best first, ties by lower row."""

    rows: Rows  # (k,) int64
    scores: Scores  # (k,) that they are ranked by
    cosines: Scores  # (k,), of several papers the products with their direction; not a number where there was no vector
    lexical: Scores | None  # (k,) BM25, of several papers the mean; None: not looked at
    copies: list[Rows] = field(default_factory=list)  # k: near-copies that are folded into each
    recall: float | None = None  # of the dense candidates; None: they are the best


def rank(sides: Sides, targets: Sequence[Target], unlike: Target | None, options: Options) -> list[Ranked]:
    """The best `options.top` for each target; less of what is like `unlike`."""
    k, is_dense = options.top, options.rank == "dense"
    n_left_out = max((len(one.left_out) for one in targets), default=0)
    wishes = [_Wish.of(sides, one, unlike, options.rank) for one in targets]
    least = -np.inf if options.min_score is None else options.min_score
    n = max(pool_for(k) if options.diverse else k + MARGIN, N_CANDIDATES)
    ranked = list[Ranked | None]([None] * len(targets))
    while undecided := [index for index, one in enumerate(ranked) if one is None]:
        single = [index for index in undecided if len(wishes[index].aims) == 1 and wishes[index].has_vectors]
        vectors = [wishes[index].aims for index in single]
        nearest = sides.nearest(np.concatenate(vectors), n + n_left_out) if single else []
        found = dict(zip(single, nearest, strict=True))
        unwanted = [] if is_dense or unlike is None else _by_words(sides, [unlike], n)[0]
        asked = [targets[index] for index in undecided]
        words = [[] for _ in asked] if is_dense else _by_words(sides, asked, n)
        for index, by_words in zip(undecided, words, strict=True):
            near = found.get(index) or _NOTHING
            if len(wishes[index].aims) > 1 and wishes[index].has_vectors:
                near = sides.nearest_to_all(wishes[index].aims, n + n_left_out)
            candidates = _Candidates.of(sides, wishes[index], near, by_words, unlike, unwanted)
            one = candidates.ranked(options, near.recall, sides.papers)
            is_all = len(near.rows) < n + n_left_out or candidates.lowest < least
            ranked[index] = one if len(one.rows) == k or is_all else None
        n *= 4
    return [one for one in ranked if one is not None]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What makes a good hit of one list."""

    target: Target
    how: str  # `Options.rank`
    wanted: Vectors  # (dim,): its product with a row is the part of the vectors
    unwanted: Vectors  # (u, dim): half of the highest product with any is taken off
    aims: Vectors  # (m, dim): the least product of a row with any of these is the score by vectors, for the scan
    mean: float  # of products with `wanted` of other papers
    deviation: float

    @classmethod
    def of(cls, sides: Sides, target: Target, unlike: Target | None, how: str) -> _Wish:
        """For one: w x - u max_j n_j x = min_j (w - u n_j) x. For several, the direction turns away from `unlike`."""
        none = target.vectors[:0]
        unwanted = none if unlike is None else unlike.vectors
        if len(target.vectors) == 1:
            wanted = target.vectors[0]
            aims = wanted - np.float32(UNLIKE) * unwanted if len(unwanted) else target.vectors
            pairs = np.zeros(1) if sides.lexical is None else sides.lexical.pairs
            return cls(target, how, wanted, unwanted, aims, float(pairs.mean()), float(pairs.std()))
        background = sides.background()
        wanted = background.direction(target.vectors, unwanted)
        others = background.vectors.astype(np.float64) @ wanted
        return cls(target, how, wanted, none, wanted[None], float(others.mean()), float(others.std()))

    @property
    def has_vectors(self) -> bool:
        """Whether there is one for each text."""
        return bool(np.isfinite(self.aims).all())

    def scores(self, products: Scores, words: Scores) -> Scores:
        """What hits are ranked by: of products with a vector, and what `_words` gives of a text."""
        if self.how != "hybrid":
            return products if self.how == "dense" else words
        return _DENSE * (products - self.mean) / max(self.deviation, 1e-9) + _LEXICAL * words

    def less(self, vectors: Vectors, words: Scores) -> Scores:
        """(c,): likeness to what is not wanted, of candidates with (c, dim) vectors; `words`: (u, c), of its texts."""
        if len(self.unwanted):
            pairs = zip(self.unwanted, words, strict=True)
            each = np.array([self.scores(_products(vectors, one), part) for one, part in pairs])
        else:  # several papers: the direction turns away from its vectors
            each = words * {"dense": 0.0, "hybrid": _LEXICAL, "lexical": 1.0}[self.how]
        highest: Scores = each.max(axis=0)
        return highest


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The candidates of one list, and their scores."""

    rows: Rows  # (c,)
    vectors: Vectors  # (c, dim)
    scores: Scores  # (c,)
    cosines: Scores  # (c,)
    lexical: Scores | None  # (c,)
    is_first: npt.NDArray[np.bool_]  # (c,)

    @classmethod
    def of(
        cls,
        sides: Sides,
        wish: _Wish,
        near: Found,
        by_words: Sequence[_ByWords],
        unlike: Target | None,
        unwanted: Sequence[_ByWords],
    ) -> _Candidates:
        """The best by vectors and by words, with fused scores, less the similarity to negative examples."""
        target = wish.target
        rows = np.unique(np.concatenate([near.rows, *(one.rows for one in by_words)]))  # (c,)
        rows = np.union1d(rows[~np.isin(rows, target.left_out)], target.first)
        vectors = sides.vectors(rows)
        products = _products(vectors, wish.wanted)
        shared, words = _words(wish.how, len(target.texts), rows, by_words)  # (q, c) each
        total = wish.scores(products, words.mean(axis=0))
        if unlike is not None:
            total = total - UNLIKE * wish.less(vectors, _words(wish.how, len(unlike.texts), rows, unwanted)[1])
        lexical = None if sides.lexical is None else shared.mean(axis=0)
        return cls(rows, vectors, total, products, lexical, np.isin(rows, target.first))

    @property
    def lowest(self) -> float:
        """The lowest score of what was found."""
        return float(self.scores[~self.is_first].min(initial=np.inf))

    def ranked(self, options: Options, recall: float | None, papers: Callable[[Rows], Sequence[Paper]]) -> Ranked:
        """The best, as `options` say: what shares no word is ordered by its vector, and ties by row."""
        k = options.top
        order = np.lexsort((self.rows, -self.cosines, -self.scores, ~self.is_first))  # (c,)
        if options.min_score is not None:
            order = order[self.scores[order] >= options.min_score]
        first = order[self.is_first[order]]
        copies: dict[int, list[int]] = {}
        if options.fold:
            n_kept = pool_for(k) if options.diverse else k
            order, copies = merged(order, self.vectors, n_kept, lambda indexes: papers(self.rows[indexes]))
        if options.diverse:
            order = diverse(order, self.vectors, self.scores, self.cosines, k, options.diverse)
        best = np.append(first, order[~self.is_first[order]])[:k]
        return Ranked(
            self.rows[best],
            self.scores[best],
            self.cosines[best],
            None if self.lexical is None else self.lexical[best],
            [self.rows[copies.get(index, [])] for index in best.tolist()],
            recall,
        )


def _products(vectors: Vectors, one: Vectors) -> Scores:
    """(c,): of (c, dim) vectors with one of (dim,), row by row, so that equal vectors get equal scores."""
    products: Scores = (vectors.astype(np.float64) * one).sum(axis=-1)
    return products


def _words(how: str, n: int, rows: Rows, by_words: Sequence[_ByWords]) -> tuple[Scores, Scores]:
    """BM25 of each of `n` texts, and what of it is ranked by: (n, c) each; 0 where words do not count."""
    shared = np.zeros((n, len(rows)))
    for row, words in zip(shared, by_words, strict=False):
        indexes = np.minimum(np.searchsorted(rows, words.rows), max(len(rows) - 1, 0))
        is_here = rows[indexes] == words.rows if len(rows) else np.zeros(len(words.rows), np.bool_)
        row[indexes[is_here]] = words.scores[is_here]
    if how != "hybrid":
        return shared, shared
    spreads = np.array([[max(one.deviation, _LEAST_SPREAD * one.mean, 1e-9)] for one in by_words])  # (n, 1)
    means = np.array([[one.mean] for one in by_words])
    return shared, (shared - means) / spreads


@dataclass(frozen=True, slots=True)
class _ByWords:
    """The best by words that the filter admits; mean and deviation are of the best scores without the filter."""

    rows: Rows  # (m,)
    scores: Scores  # (m,)
    mean: float
    deviation: float


def _by_words(sides: Sides, targets: Sequence[Target], n: int) -> list[list[_ByWords]]:
    """For each text of each target the best `n` that the filter admits, or fewer when fewer share a word with it."""
    assert sides.lexical is not None
    lexical = sides.lexical

    def best(asked: tuple[Target, str]) -> _ByWords:
        target, text = asked
        n_asked = 2 * n
        while True:
            rows, scores, is_all = lexical.best(text, n_asked)
            is_other = ~np.isin(rows, target.left_out)
            is_first = np.isin(rows, target.first)
            typical, wanted = scores[is_other][:N_CANDIDATES], is_first | (is_other & sides.qualify(rows))
            if wanted.sum() >= n or is_all:
                mean, deviation = (float(typical.mean()), float(typical.std())) if len(typical) else (0.0, 0.0)
                return _ByWords(rows[wanted][:n], scores[wanted][:n], mean, deviation)
            n_asked *= 8

    found = iter(in_threads(best, [(target, text) for target in targets for text in target.texts]))
    return [list(islice(found, len(target.texts))) for target in targets]
