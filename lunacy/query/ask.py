"""Ask a searcher: ids or texts in, rows and answers out. All of it inside one `Searcher.still`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lunacy.answer import Answer
from lunacy.errors import NotAnId, UnknownPaper
from lunacy.paper import embedded_text
from lunacy.query.hits import hits_of
from lunacy.query.ids import lacking, rows_of, rows_that_must_be
from lunacy.question import Options
from lunacy.search import PAPERS, Found, Question, Ranked, Searcher
from lunacy.store import Rows, Vectors


def answer_batch(
    there: Searcher, batch: Sequence[str], wanted: Options, gpu: str | None
) -> Iterator[Answer | UnknownPaper | NotAnId]:
    """An answer for each id of `batch`, in order; for one that cannot be answered, the error."""
    rows = rows_of(there, batch)
    known = [row for row in rows if row is not None]
    queries: Vectors = there.vectors(np.array(known, np.int64))
    without = None if wanted.include_self else known
    papers = there.papers(np.array(known, np.int64))
    texts = [embedded_text(paper, "title+abstract") for paper in papers]
    found = search(there, queries, texts, wanted, asker=PAPERS, without=without, gpu=gpu)
    answers = zip(papers, hits_of(there, found, wanted.min_score), found, strict=True)
    for asked, row in zip(batch, rows, strict=True):
        if row is None:
            yield lacking(there, asked)
        else:
            paper, hits, one = next(answers)
            yield Answer(hits, paper=paper, recall=one.recall)


def search(
    there: Searcher,
    queries: Vectors,
    texts: Sequence[str],
    wanted: Options,
    *,
    asker: str,
    without: Sequence[int] | None = None,
    gpu: str | None = None,
) -> Sequence[Found | Ranked]:
    """The rows for each query; `texts` are the queries' words."""
    if wanted.is_plain:
        return there.nearest(queries, wanted.top, wanted, asker=asker, without=without, device=gpu)
    left_out = [-1] * len(queries) if without is None else without
    questions = [
        Question(queries[place : place + 1], [text], np.array([row], np.int64))
        for place, (text, row) in enumerate(zip(texts, left_out, strict=True))
    ]
    return ranked(there, questions, wanted, asker=asker, gpu=gpu)


def ranked(
    there: Searcher, questions: Sequence[Question], wanted: Options, *, asker: str, gpu: str | None = None
) -> list[Ranked]:
    """As `wanted` steers, for questions of one or several papers and texts."""
    unlike = None
    if wanted.unlike:
        rows = rows_that_must_be(there, wanted.unlike)
        unlike = question_of(there, rows)
        questions = [replace(one, left_out=np.append(one.left_out, rows)) for one in questions]
    return there.rank(questions, wanted, unlike, asker=asker, device=gpu)


def question_of(there: Searcher, rows: Rows) -> Question:
    """The question for the papers at `rows`: their vectors and their words."""
    texts = [embedded_text(paper, "title+abstract") for paper in there.papers(rows)]
    return Question(there.vectors(rows), texts, rows)
