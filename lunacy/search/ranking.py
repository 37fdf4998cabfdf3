"""Ranking: candidates by vectors and words -> fused scores -> less of negative examples -> merged copies -> diversity.

Vectors know what a paper is about, words which one it is. The candidates are the best of both sides, and a score is

    0.7 z(cosine) + 0.3 z(BM25)

where z is (score - mean) / deviation: of random pairs of the index for cosines, and of the question's own best 200 for
BM25. The weights are those that were best on citations of the 1990s, and were not tuned on the sets that
`lunacy bench quality` was run on since (docs/benchmarks.md).
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
    lexical: Lexical | None = None  # not None where words are wanted
    qualify: Callable[[Rows], npt.NDArray[np.bool_]] = lambda rows: np.ones(rows.shape, np.bool_)  # what words found


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list: best first, ties by lower row."""

    rows: Rows  # (k,) int64
    scores: Scores  # (k,) that they are ranked by; of a question of several papers, those with the least like one
    cosines: Scores  # (k,); not a number where there was no vector
    lexical: Scores | None  # (k,) BM25; None: not looked at
    copies: list[Rows] = field(default_factory=list)  # k: near-copies that are folded into each
    recall: float | None = None  # of the dense candidates; None: they are the best


def rank(sides: Sides, targets: Sequence[Target], unlike: Target | None, options: Options) -> list[Ranked]:
    """The best `options.top` for each target; less of what is like `unlike`."""
    k, is_dense = options.top, options.rank == "dense"
    n_left_out = max((len(one.left_out) for one in targets), default=0)
    combined = [_combined(one, unlike) for one in targets]
    has_vectors = [bool(np.isfinite(one).all()) for one in combined]
    least = -np.inf if options.min_score is None else options.min_score
    n = max(pool_for(k) if options.diverse else k + MARGIN, N_CANDIDATES)
    ranked = list[Ranked | None]([None] * len(targets))
    while undecided := [index for index, one in enumerate(ranked) if one is None]:
        single = [index for index in undecided if len(combined[index]) == 1 and has_vectors[index]]
        vectors = [combined[index] for index in single]
        nearest = sides.nearest(np.concatenate(vectors), n + n_left_out) if single else []
        found = dict(zip(single, nearest, strict=True))
        unwanted = [] if is_dense or unlike is None else _by_words(sides, [unlike], n)[0]
        asked = [targets[index] for index in undecided]
        words = [[] for _ in asked] if is_dense else _by_words(sides, asked, n)
        for index, by_words in zip(undecided, words, strict=True):
            near = found.get(index) or _NOTHING
            if len(combined[index]) > 1 and has_vectors[index]:
                near = sides.nearest_to_all(combined[index], n + n_left_out)
            candidates = _Candidates.of(sides, targets[index], unlike, options.rank, near, by_words, unwanted)
            one = candidates.ranked(options, near.recall, sides.papers)
            is_all = len(near.rows) < n + n_left_out or candidates.lowest < least
            ranked[index] = one if len(one.rows) == k or is_all else None
        n *= 4
    return [one for one in ranked if one is not None]


def _combined(target: Target, unlike: Target | None) -> Vectors:
    """(m, dim): the least product of a row with any of these is its score by vectors, so the best can be scanned for.

    min_i q_i x - u max_j n_j x = min_ij (q_i - u n_j) x
    """
    if unlike is None:
        return target.vectors
    pairs = target.vectors[:, None] - np.float32(UNLIKE) * unlike.vectors[None]  # (q, u, dim)
    return pairs.reshape(-1, target.vectors.shape[1])


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
        target: Target,
        unlike: Target | None,
        how: str,
        near: Found,
        by_words: Sequence[_ByWords],
        unwanted: Sequence[_ByWords],
    ) -> _Candidates:
        """The best by vectors and by words, with fused scores, less the similarity to negative examples."""
        rows = np.unique(np.concatenate([near.rows, *(one.rows for one in by_words)]))  # (c,)
        rows = np.union1d(rows[~np.isin(rows, target.left_out)], target.first)
        vectors = sides.vectors(rows)
        lexical = sides.lexical
        cosines, shared, scores = _scores(lexical, target, how, rows, vectors, by_words)  # (q, c) each
        least = scores.argmin(axis=0) if len(scores) else np.empty(0, np.int64)  # (c,): near all is near the farthest
        total = np.take_along_axis(scores, least[None], axis=0)[0]
        if unlike is not None:
            total = total - UNLIKE * _scores(lexical, unlike, how, rows, vectors, unwanted)[2].max(axis=0)
        return cls(
            rows,
            vectors,
            total,
            np.take_along_axis(cosines, least[None], axis=0)[0],
            None if lexical is None else np.take_along_axis(shared, least[None], axis=0)[0],
            np.isin(rows, target.first),
        )

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


def _scores(
    lexical: Lexical | None, target: Target, how: str, rows: Rows, vectors: Vectors, by_words: Sequence[_ByWords]
) -> tuple[Scores, Scores, Scores]:
    """Cosines, BM25 and what they are ranked by: (q, c) each."""
    there = vectors.astype(np.float64)  # (c, dim)
    cosines = np.array([(there * one).sum(axis=-1) for one in target.vectors]).reshape(len(target.vectors), len(rows))
    shared = np.zeros_like(cosines)
    for row, words in zip(shared, by_words, strict=False):
        indexes = np.minimum(np.searchsorted(rows, words.rows), max(len(rows) - 1, 0))
        is_here = rows[indexes] == words.rows if len(rows) else np.zeros(len(words.rows), np.bool_)
        row[indexes[is_here]] = words.scores[is_here]
    if how == "dense" or lexical is None:
        return cosines, shared, cosines
    if how == "lexical":
        return cosines, shared, shared
    dense = (cosines - lexical.pairs.mean()) / max(float(lexical.pairs.std()), 1e-9)
    spreads = np.array([[max(one.deviation, _LEAST_SPREAD * one.mean, 1e-9)] for one in by_words])  # (q, 1)
    means = np.array([[one.mean] for one in by_words])
    return cosines, shared, _DENSE * dense + _LEXICAL * (shared - means) / spreads


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
