"""What a draft may have overlooked: papers that are near to its references and its abstract, and not among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lunacy.answer import SCORE_DIGITS, Hit
from lunacy.arrays import Rows, Scores, Vectors
from lunacy.errors import FingerprintMismatch, ModelError, UsageError
from lunacy.query.index import Index
from lunacy.query.references import Resolved, resolve
from lunacy.question import Options
from lunacy.references import Draft
from lunacy.search import Searcher
from lunacy.search.near_duplicates import merged
from lunacy.search.several import Pool, text_of
from lunacy.title_key import title_key

_POOL = 1000  # candidates by the direction of all, whose words are compared then
_NEAREST, _MOST_EACH = 500, 20  # candidates by the nearest of the references, and of each
_MOST_SPEAKING = 3  # references that are named for a paper
_LESS = 0.15  # by which the cosine of another that is named may be less than that of the nearest


@dataclass(frozen=True, slots=True)
class Speaking:
    """A reference that speaks for a paper."""

    name: str  # its key in the draft, or its id
    id: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A paper that the draft does not refer to, and the references that it is near to, the nearest first."""

    hit: Hit
    near: tuple[Speaking, ...]

    @property
    def why(self) -> str:
        """In a few words, for a person."""
        return f"near {', '.join(f'{one.name} ({one.cosine:.2f})' for one in self.near)}" if self.near else ""

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        near = [{"key": one.name, "id": one.id, "cosine": round(one.cosine, SCORE_DIGITS)} for one in self.near]
        return {**self.hit.as_record(), "near": near}


@dataclass(frozen=True, slots=True)
class Gaps:
    """What was understood of a draft, and what it may have overlooked, best first."""

    draft: Draft
    references: tuple[Resolved, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]  # what the asker should know

    @property
    def how(self) -> dict[str, int]:
        """How many references were found, by what."""
        return dict(Counter(one.how for one in self.references if one.paper))

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        references = [
            {
                "where": one.reference.where,
                "key": one.reference.key or None,
                "title": one.reference.title or one.reference.text or None,
                "id": one.paper.id if one.paper else None,
                **({"how": one.how} if one.paper else {"why_not": one.why_not}),
            }
            for one in self.references
        ]
        draft = {"title": self.draft.title or None, "date": self.draft.date or None}
        return {
            "draft": draft,
            "notes": list(self.notes),
            "references": references,
            "gaps": [one.as_record() for one in self.gaps],
        }


def find_gaps(ix: Index, draft: Draft, *, top: int = 20, any_date: bool = False) -> Gaps:
    """The `top` papers that a draft may have overlooked.

    They are ranked by the vectors of its references and its abstract, and by the words of both; what it refers to is
    left out, and so are near-copies of that, the draft itself, withdrawn papers and, unless `any_date`, what was posted
    after the draft's date. Raises UsageError where nothing of the draft is known to the index.
    """
    text = _text_of(draft)
    notes = []
    vector = None
    if text:
        try:
            [embedded] = ix.embed([text])
            vector = embedded.vector
        except (ModelError, FingerprintMismatch) as error:
            notes.append(f"the abstract counts by its words alone: {error}")
    options = Options(top=_POOL, until="" if any_date else draft.date)
    with ix.view() as view:
        found = [
            one for one in resolve(view, draft.references) if one.paper is None or not draft.has_title(one.paper.title)
        ]
        cited = np.unique([one.row for one in found if one.row is not None]).astype(np.int64)
        if not len(cited) and vector is None:
            n = len(draft.references)
            lacking = f"none of the {n:,} references is in the index" if n else "there are no references"
            raise UsageError(f"{lacking}, and there is no abstract to go by")
        ranked = _ranked(view, cited, draft, vector, options, found, top)
        gaps = _with_reasons(view, found, cited, ranked)
    return Gaps(draft, tuple(found), gaps, tuple(notes))


def _text_of(draft: Draft) -> str:
    """What stands for the draft beside its references; "" where there is no abstract."""
    return f"{draft.title} {draft.abstract}".strip() if draft.abstract else ""


def _ranked(
    view: Searcher,
    cited: Rows,
    draft: Draft,
    vector: Vectors | None,
    options: Options,
    found: Sequence[Resolved],
    top: int,
) -> list[tuple[int, Hit]]:
    """The rows and hits of the best `top` candidates.

    score = 2 z(direction of the vectors of references and text) + 4 z(cosine with the nearest of them)
          + z(words of the text) + z(words of the references)

    which was best at finding references that were taken out (docs/benchmarks.md).
    """
    text = _text_of(draft)
    known, papers = view.vectors(cited), view.papers(cited)  # (c, dim)
    liked = known if vector is None else np.concatenate([known, vector])
    pool = Pool(view, np.setdiff1d(_candidates(view, liked, options, len(cited)), cited))
    scores: Scores = 2 * pool.by_vectors(liked) + 4 * pool.by_nearest(liked)
    for texts in ([text] if text else [], [text_of(paper) for paper in papers]):
        if texts:
            scores = scores + pool.by_words(texts)
    unsure = {title_key(one.reference.title) for one in found} - {""}  # of which it is not certain what they are
    titles = [paper.title for paper in pool.papers]
    is_other = np.array([title_key(one) not in unsure and not draft.has_title(one) for one in titles], np.bool_)
    order = np.lexsort((pool.rows, -scores))
    order = order[is_other[order]]
    n = len(cited)
    every, both = [*papers, *pool.papers], np.concatenate([known, pool.vectors])
    behind = np.concatenate([np.arange(n), n + order])  # the candidates behind what is cited, whose copies go
    kept, copies = merged(behind, both, n + top, lambda places: [every[place] for place in places.tolist()])
    best = [one for one in kept.tolist() if one >= n][:top]
    return [
        (
            int(pool.rows[one - n]),
            Hit(rank, every[one], float(scores[one - n]), copies=tuple(every[copy].id for copy in copies.get(one, ()))),
        )
        for rank, one in enumerate(best, 1)
    ]


def _candidates(view: Searcher, liked: Vectors, options: Options, n_cited: int) -> Rows:
    """The rows that are most in the direction of `liked`, (n, dim), and those nearest to each of them."""
    direction = view.background().direction(liked, liked[:0])[np.newaxis]
    found = [*view.nearest(direction, options.top + n_cited, options, query_kind="text")]
    if n_each := min(_MOST_EACH, _NEAREST // len(liked)):
        found += view.nearest(liked, n_each + 1, options, query_kind="paper")
    return np.unique(np.concatenate([one.rows for one in found]))


def _with_reasons(
    view: Searcher, found: Sequence[Resolved], cited: Rows, ranked: Sequence[tuple[int, Hit]]
) -> tuple[Gap, ...]:
    """Each hit with the references that are nearest to it."""
    vectors = view.vectors(np.array([row for row, _hit in ranked], np.int64))  # (g, dim)
    cosines = vectors @ view.vectors(cited).T  # (g, c)
    names = {one.row: (one.reference.key or one.paper.id, one.paper.id) for one in reversed(found) if one.paper}
    gaps = []
    for (_row, hit), mine in zip(ranked, cosines, strict=True):
        nearest = np.argsort(-mine, kind="stable")[:_MOST_SPEAKING]
        nearest = nearest[mine[nearest] >= mine.max(initial=-1) - _LESS]
        near = (Speaking(*names[int(cited[place])], float(mine[place])) for place in nearest)
        gaps.append(Gap(hit, tuple(near)))
    return tuple(gaps)
