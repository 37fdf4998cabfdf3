"""Ranking: candidates by vectors and words -> scores, less those of negative examples -> merged copies -> diversity.

Vectors know what a paper is about, words which one it is. A hybrid list fuses them (`fused`): its first candidates are
the best 200 of both sides, however many hits are asked for, so that a short list is the beginning of a longer one. When
that takes more, further ones follow behind the first, in the order of what vectors and words say.

Several papers and texts ask as one vector, the direction that tells them from the index's other papers (`background`),
in the place of the cosine; of BM25 the mean over them counts. So their list is as exact as that of one paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lunacy.arrays import NONE, Rows, Scores
from lunacy.derived.faiss_threads import in_threads, one_thread_each
from lunacy.paper import Paper
from lunacy.question import Options
from lunacy.search.by_words import ByWords, by_words
from lunacy.search.diversity import diverse, pool_for
from lunacy.search.exact import MARGIN, Found
from lunacy.search.fused import N_CANDIDATES, Parts, readable
from lunacy.search.near_duplicates import merged
from lunacy.search.shortlist import Shortlist
from lunacy.search.target import Sides, Target
from lunacy.search.wish import Wish

_NOTHING = Found(NONE, np.empty(0), None)  # by vectors


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list: best first, ties by lower row."""

    rows: Rows  # (k,) int64
    scores: Scores  # (k,) that they are ranked by
    cosines: Scores  # (k,), of several papers the products with their direction; not a number where there was no vector
    lexical: Scores | None  # (k,) BM25, of several papers the mean; None: not looked at
    parts: Parts  # (k,) each: what the scores are the sum of; of hybrid ones before they are made `readable`
    by_vectors: Rows  # (k,): the place among the candidates by vectors, from 1; 0: not among them
    by_words: Rows  # (k,): the same by words; of several texts, the best place
    copies: list[Rows] = field(default_factory=list)  # k: near-copies that are folded into each
    recall: float | None = None  # of the dense candidates; None: they are the best


def rank(sides: Sides, targets: Sequence[Target], unlike: Target | None, options: Options) -> list[Ranked]:
    """The best `options.top` for each target; less of what is like `unlike`."""
    k, how = options.top, options.rank
    n_others = max((len(one.left_out) + len(one.first) for one in targets), default=0)
    wishes = [Wish.of(sides, one, unlike, how) for one in targets]
    n = N_CANDIDATES
    if how != "hybrid":
        n = max(pool_for(k) if options.diverse else k + MARGIN, n)
    lists: dict[int, Shortlist] = {}
    ranked = list[Ranked | None]([None] * len(targets))
    while undecided := [index for index, one in enumerate(ranked) if one is None]:
        nears = _nearest(sides, [wishes[index] for index in undecided], n + n_others)
        unwanted = [] if how == "dense" or unlike is None else by_words(sides, [unlike], n)[0]
        asked = [targets[index] for index in undecided]
        words = [[] for _ in asked] if how == "dense" else by_words(sides, asked, n)

        def candidates(
            found: tuple[int, Found, list[ByWords]], unwanted: list[ByWords] = unwanted, n: int = n
        ) -> Shortlist:
            index, near, of_words = found
            shortlist = Shortlist.of(sides, wishes[index], near, of_words, unwanted, n)
            return shortlist.refined(wishes[index]) if how == "hybrid" and index not in lists else shortlist

        shortlists = _each(candidates, list(zip(undecided, nears, words, strict=True)), how)
        for index, near, shortlist in zip(undecided, nears, shortlists, strict=True):
            raised = lists[index].then(shortlist) if index in lists else shortlist.raised(wishes[index], sides.papers)
            if how == "hybrid":
                lists[index] = raised
            one = _best(raised, options, near.recall, sides.papers)
            is_all = len(near.rows) < n + n_others or _is_below(raised, options)
            ranked[index] = one if len(one.rows) == k or is_all else None
        n *= 4
    return [one for one in ranked if one is not None]


def _nearest(sides: Sides, wishes: Sequence[Wish], n: int) -> list[Found]:
    """The best `n` by vectors for each wish; none where it has no vectors."""
    single = [index for index, wish in enumerate(wishes) if len(wish.aims) == 1 and wish.has_vectors]
    nearest = sides.nearest(np.concatenate([wishes[index].aims for index in single]), n) if single else []
    found = dict(zip(single, nearest, strict=True))
    several = [index for index, wish in enumerate(wishes) if len(wish.aims) > 1 and wish.has_vectors]
    found |= {index: sides.nearest_to_all(wishes[index].aims, n) for index in several}
    return [found.get(index, _NOTHING) for index in range(len(wishes))]


def _each(
    make: Callable[[tuple[int, Found, list[ByWords]]], Shortlist],
    found: Sequence[tuple[int, Found, list[ByWords]]],
    how: str,
) -> list[Shortlist]:
    """A shortlist of each, on all cores where there are several with words: those of an index folder."""
    if how == "dense":
        return list(map(make, found))
    with one_thread_each():
        return in_threads(make, found) if len(found) > 1 else list(map(make, found))


def _is_below(shortlist: Shortlist, options: Options) -> bool:
    """Whether what was found reaches down to the least score that is asked for."""
    scores = _told(shortlist.scores, options.rank)[~shortlist.is_first]
    return options.min_score is not None and len(scores) > 0 and bool(scores.min() < options.min_score)


def _told(scores: Scores, how: str) -> Scores:
    """Scores as they are shown."""
    return readable(scores) if how == "hybrid" else scores


def _best(
    shortlist: Shortlist, options: Options, recall: float | None, papers: Callable[[Rows], Sequence[Paper]]
) -> Ranked:
    """The best of the shortlist, as `options` say: what shares no word is ordered by its vector, and ties by row."""
    k = options.top
    told = _told(shortlist.scores, options.rank)
    order = shortlist.order()
    if options.min_score is not None:
        order = order[told[order] >= options.min_score]
    first = order[shortlist.is_first[order]]
    copies: dict[int, list[int]] = {}
    if options.fold:
        n_kept = pool_for(k) if options.diverse else k
        order, copies = merged(order, shortlist.vectors, n_kept, lambda indexes: papers(shortlist.rows[indexes]))
    if options.diverse:
        order = diverse(order, shortlist.vectors, shortlist.scores, shortlist.cosines, k, options.diverse)
    best = np.append(first, order[~shortlist.is_first[order]])[:k]
    return Ranked(
        shortlist.rows[best],
        told[best],
        shortlist.cosines[best],
        None if options.rank == "dense" else shortlist.lexical[best],
        shortlist.parts.at(best),
        shortlist.by_vectors[best],
        shortlist.by_words[best],
        [shortlist.rows[copies.get(index, [])] for index in best.tolist()],
        recall,
    )
