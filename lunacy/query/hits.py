"""Turn the rows that were found into hits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import isnan

import numpy as np

from lunacy.answer import Hit
from lunacy.paper import Paper
from lunacy.search import Found, Ranked, Searcher


def hits_of(view: Searcher, found: Sequence[Found | Ranked], min_score: float | None) -> list[list[Hit]]:
    """The hits of each list, as far as they have `min_score`. Raises IndexDamaged for a row without a paper."""
    papers = iter(view.papers(np.concatenate([one.rows for one in found]) if found else np.empty(0, np.int64)))
    lists = [_list(view, one, islice(papers, len(one.rows))) for one in found]
    return [[hit for hit in hits if min_score is None or hit.score >= min_score] for hits in lists]


def _list(view: Searcher, one: Found | Ranked, papers: Iterator[Paper]) -> list[Hit]:
    scored = zip(one.scores.tolist(), papers, strict=True)
    if not isinstance(one, Ranked):
        return [Hit(rank, paper, score) for rank, (score, paper) in enumerate(scored, 1)]
    hits, is_raised = [], bool(one.parts.authors.any())
    for place, (score, paper) in enumerate(scored):
        cosine = lexical = None
        if one.lexical is not None or is_raised:
            cosine = float(one.cosines[place])
        if one.lexical is not None:
            lexical = float(one.lexical[place])
        rows = one.copies[place]
        copies = tuple(other.id for other in view.papers(rows)) if len(rows) else ()
        hits.append(Hit(place + 1, paper, score, None if cosine is None or isnan(cosine) else cosine, lexical, copies))
    return hits
