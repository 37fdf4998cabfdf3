"""Ask a searcher: queries in, answers out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice

import numpy as np

from lunacy.answer import Answer
from lunacy.arrays import NONE, Rows, Vectors
from lunacy.errors import LunacyError
from lunacy.measured import QueryKind
from lunacy.paper import Paper, embedded_text
from lunacy.query.hits import hits_of
from lunacy.query.ids import required_rows, rows_of, why_lacking
from lunacy.question import Options, Query, Question
from lunacy.search import Found, Ranked, Searcher, Target


def alike(questions: Iterable[Question]) -> Iterator[tuple[Options, Iterator[Query]]]:
    """The queries of all questions, in order, in runs that are answered together: of one kind, with equal options."""
    pairs = ((question, query) for question in questions for query in question.queries)
    for _key, run in groupby(pairs, lambda pair: (pair[0].settings, _kind(pair[1]))):
        first = next(run)
        yield first[0], (query for _question, query in chain([first], run))


def _kind(query: Query) -> tuple[bool, bool]:
    """Whether it has papers, and whether it is a single vector."""
    return bool(query.papers), len(query.papers) + bool(query.text) == 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query whose papers the index has."""

    papers: tuple[Paper, ...]
    text: str
    target: Target


def answer_batch(
    view: Searcher, batch: Sequence[Query], options: Options, texts: Mapping[str, Vectors], device: str | None
) -> list[Answer | LunacyError]:
    """An answer for each query, in order; for one with a paper that the index lacks, the error.

    The queries are alike. `texts`: the vector of each text, (1, dim) float32. For inside `Searcher.pinned`.
    """
    asked = list(_look_up(view, batch, options, texts))
    targets = [one.target for one in asked if isinstance(one, _Asked)]
    found = _search(view, targets, options, "paper" if batch[0].papers else "text", device)
    lists = zip(hits_of(view, found, options.min_score), found, strict=True)
    answers: list[Answer | LunacyError] = []
    for one in asked:
        if isinstance(one, _Asked):
            hits, ranked = next(lists)
            answers.append(Answer(hits, one.papers, one.text, ranked.recall, options.rank))
        else:
            answers.append(one)
    return answers


def _look_up(
    view: Searcher, batch: Sequence[Query], options: Options, texts: Mapping[str, Vectors]
) -> Iterator[_Asked | LunacyError]:
    """The papers, vectors and words of each query, all read at once."""
    rows = iter(rows_of(view, [paper for query in batch for paper in query.papers]))
    rows_of_each = [list(islice(rows, len(query.papers))) for query in batch]
    known = np.array([row for found in rows_of_each if None not in found for row in found], np.int64)  # (p,)
    papers, vectors = view.papers(known), view.vectors(known)
    start = 0
    for query, found in zip(batch, rows_of_each, strict=True):
        if None in found:
            yield why_lacking(view, query.papers[found.index(None)])
            continue
        mine = slice(start, start + len(found))
        start = mine.stop
        target = _target(papers[mine], vectors[mine], NONE if options.include_self else known[mine])
        if query.text:
            both = np.concatenate([target.vectors, texts[query.text]])
            target = replace(target, vectors=both, texts=[*target.texts, query.text])
        yield _Asked(tuple(papers[mine]), query.text, target)


def _search(
    view: Searcher, targets: Sequence[Target], options: Options, query_kind: QueryKind, device: str | None
) -> Sequence[Found | Ranked]:
    """The rows for each target: all at once, in one product, where the nearest vectors are all that is asked for."""
    if options.is_plain and all(len(target.vectors) == 1 for target in targets):
        none = np.empty((0, view.fingerprint.dim), np.float32)
        queries: Vectors = np.concatenate([none, *(target.vectors for target in targets)])  # (n, dim)
        without = [int(target.left_out[0]) if len(target.left_out) else -1 for target in targets]
        return view.nearest(queries, options.top, options, query_kind=query_kind, without=without, device=device)
    unlike = None
    if options.unlike:
        rows = required_rows(view, options.unlike)
        unlike = _target(view.papers(rows), view.vectors(rows), rows)
        targets = [replace(one, left_out=np.append(one.left_out, rows)) for one in targets]
    return view.rank(targets, options, unlike, query_kind=query_kind, device=device)


def _target(papers: Sequence[Paper], vectors: Vectors, left_out: Rows) -> Target:
    """The target for `papers` with their (n, dim) `vectors`."""
    return Target(vectors, [embedded_text(paper, "title+abstract") for paper in papers], left_out)
