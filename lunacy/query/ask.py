"""Ask a searcher: ids or texts in, rows and answers out. All of it inside one `Searcher.pinned`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lunacy.answer import Answer
from lunacy.arrays import Rows, Vectors
from lunacy.errors import NotAnId, UnknownPaper
from lunacy.paper import embedded_text
from lunacy.query.hits import hits_of
from lunacy.query.ids import lacking, rows_of, rows_that_must_be
from lunacy.question import Options
from lunacy.search import PAPERS, Found, Ranked, Searcher, Target


def answer_batch(
    there: Searcher, batch: Sequence[str], options: Options, gpu: str | None
) -> Iterator[Answer | UnknownPaper | NotAnId]:
    """An answer for each id of `batch`, in order; for one that cannot be answered, the error."""
    rows = rows_of(there, batch)
    known = [row for row in rows if row is not None]
    queries: Vectors = there.vectors(np.array(known, np.int64))
    without = None if options.include_self else known
    papers = there.papers(np.array(known, np.int64))
    texts = [embedded_text(paper, "title+abstract") for paper in papers]
    found = search(there, queries, texts, options, query_kind=PAPERS, without=without, gpu=gpu)
    answers = zip(papers, hits_of(there, found, options.min_score), found, strict=True)
    for asked, row in zip(batch, rows, strict=True):
        if row is None:
            yield lacking(there, asked)
        else:
            paper, hits, one = next(answers)
            yield Answer(hits, papers=(paper,), recall=one.recall)


def search(
    there: Searcher,
    queries: Vectors,
    texts: Sequence[str],
    options: Options,
    *,
    query_kind: str,
    without: Sequence[int] | None = None,
    gpu: str | None = None,
) -> Sequence[Found | Ranked]:
    """The rows for each query; `texts` are the queries' words."""
    if options.is_plain:
        return there.nearest(queries, options.top, options, query_kind=query_kind, without=without, device=gpu)
    left_out = [-1] * len(queries) if without is None else without
    targets = [
        Target(queries[place : place + 1], [text], np.array([row], np.int64))
        for place, (text, row) in enumerate(zip(texts, left_out, strict=True))
    ]
    return ranked(there, targets, options, query_kind=query_kind, gpu=gpu)


def ranked(
    there: Searcher, targets: Sequence[Target], options: Options, *, query_kind: str, gpu: str | None = None
) -> list[Ranked]:
    """As `options` say, for targets of one or several papers and texts."""
    unlike = None
    if options.unlike:
        rows = rows_that_must_be(there, options.unlike)
        unlike = target_of(there, rows)
        targets = [replace(one, left_out=np.append(one.left_out, rows)) for one in targets]
    return there.rank(targets, options, unlike, query_kind=query_kind, device=gpu)


def target_of(there: Searcher, rows: Rows) -> Target:
    """The target for the papers at `rows`: their vectors and their words."""
    texts = [embedded_text(paper, "title+abstract") for paper in there.papers(rows)]
    return Target(there.vectors(rows), texts, rows)
