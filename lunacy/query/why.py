"""Why papers are hits: what each has in common with what was asked, as far as no model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lunacy.answer import Hit
from lunacy.arrays import Rows, Vectors
from lunacy.derived.shares import Shares
from lunacy.paper import Paper, embedded_text
from lunacy.query.asked import Asked
from lunacy.query.shared_terms import shared_terms
from lunacy.question import Options
from lunacy.search import Found, Ranked, Searcher, Target
from lunacy.search.near_duplicates import Work, authors_among
from lunacy.search.words import Words, shares_without_index
from lunacy.why import Near, Why


def explained(
    view: Searcher, asked: Asked, hits: Sequence[Hit], found: Found | Ranked, options: Options, unlike: Target | None
) -> list[Hit]:
    """The hits with what each has in common with what was asked; of several papers, with the nearest.

    A paper that was asked for itself stays as it is. `found`: the rows of the hits. For inside `Searcher.pinned`.
    """
    of = {paper.id for paper in asked.papers}
    others = [hit for hit in hits if hit.id not in of]
    rows = found.rows[[hit.rank - 1 for hit in others]]
    vectors = view.vectors(rows)  # (h, dim)
    nearest = _nearest(vectors, asked.target.vectors)
    target = asked.target
    if unlike is not None:
        target = replace(target, left_out=np.append(target.left_out, unlike.left_out))
    words = _words(view, target, others, rows, nearest, options)
    far = _far(view, vectors, unlike) if unlike is not None else [None] * len(others)
    whys: dict[int, Why] = {}
    for hit, place, (by_words, shares), one in zip(others, nearest, words, far, strict=True):
        paper = asked.papers[place] if place < len(asked.papers) else None
        whys[hit.rank] = Why(
            asked=paper.id if paper else "",
            terms=shared_terms([hit.title, hit.paper.abstract], shares),
            by_vectors=_by_vectors(found, hit, len(asked.target.first)),
            by_words=by_words,
            authors=authors_among(hit.paper, Work.of(paper).authors) if paper else (),
            unlike=one,
        )
    return [replace(hit, why=whys.get(hit.rank)) for hit in hits]


def _nearest(vectors: Vectors, asked: Vectors) -> list[int]:
    """For each of (h, dim) vectors the nearest of (q, dim); the first where there is none to go by."""
    cosines = np.nan_to_num(vectors @ asked.T, nan=-np.inf)
    nearest: list[int] = cosines.argmax(axis=1).tolist()
    return nearest


def _words(
    view: Searcher, target: Target, hits: Sequence[Hit], rows: Rows, nearest: Sequence[int], options: Options
) -> list[tuple[int | None, Shares]]:
    """For each hit its place by the words of what it is nearest to, and what it shares with that."""
    found: dict[int, tuple[int | None, Shares]] = {}
    rarity = None
    for asked in dict.fromkeys(nearest):
        mine = [place for place, one in enumerate(nearest) if one == asked]
        text = target.texts[asked]
        worded = view.worded(replace(target, texts=[text]), rows[mine], options)
        if worded is not None:
            found |= {place: (one.place, one.shares) for place, one in zip(mine, worded, strict=True)}
            continue
        if rarity is None:
            rarity = Words.of(list(map(_text, view.papers(view.background().rows)))).rarity()
        for place in mine:
            found[place] = None, shares_without_index(f"{text.title} {text.text}", _text(hits[place].paper), rarity)
    return [found[place] for place in range(len(hits))]


def _text(paper: Paper) -> str:
    return embedded_text(paper, "title+abstract")


def _by_vectors(found: Found | Ranked, hit: Hit, n_first: int) -> int | None:
    """The place of a hit among the best by vectors; `n_first` papers stand before them all the same."""
    if isinstance(found, Found):
        return hit.rank - n_first
    return int(found.by_vectors[hit.rank - 1]) or None


def _far(view: Searcher, vectors: Vectors, unlike: Target) -> list[Near | None]:
    """For each of (h, dim) vectors, which of the papers that are not wanted is nearest."""
    ids = [paper.id for paper in view.papers(unlike.left_out)]
    cosines = vectors.astype(np.float64) @ unlike.vectors.T  # (h, u)
    return [Near(ids[int(row.argmax())], float(row.max())) for row in cosines]
